"""Comparisons of two versions of the contract by `flows diff`, in a process of its own: one takes seconds of processor time, and
the memory of both versions.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Lock, Semaphore
from typing import Any, NamedTuple

import orjson

from app.settings import PREFIX

# How many comparisons are kept, and how many are waiting at most.
_KEPT, _WAITING = 24, 4
# How many threads of the pages may wait for a comparison, and for how long, in seconds.
_WAITERS, _PATIENCE = 2, 20.0
# Many times the duration of a comparison, in seconds.
_TIMEOUT = 300.0
_COMMAND = "from app.cli import main; main()"
_DOCS = "docs"
# A quoted value, or method and path in parentheses.
_VALUE = re.compile(r'"([^"`\s]+)"|(?<=\()([A-Z]+ /[^)`]+)(?=\))')


class Difference(NamedTuple):
    """A difference to the calls of an operation.

    :param rating: `breaking` or `safe`
    :param what: the change, one sentence
    :param advice: for clients, one sentence
    :param causes: the sentences of overlays about it, each with version and place
    """

    rating: str
    what: str
    advice: str
    causes: tuple[tuple[str, str, str], ...]


Differences = Mapping[str, list[Difference]]
"""The differences by operationId."""


class Comparisons:
    """The comparisons of the versions of a contract.

    :param path: the root file of the contract
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._found: dict[tuple[Any, ...], Future[Differences]] = {}
        self._waiters = Semaphore(_WAITERS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flows-comparisons")

    def get(self, old: str, new: str) -> Differences | None:
        """The differences between two versions that exist; None if they are not known yet.

        :raises OSError: they can't be compared
        """
        made = self._begun((old, new, self._state()))
        if made is not None and not made.done() and self._waiters.acquire(blocking=False):
            try:
                wait((made,), _PATIENCE)
            finally:
                self._waiters.release()
        return made.result() if made is not None and made.done() else None

    def _begun(self, key: tuple[Any, ...]) -> Future[Differences] | None:
        """The comparison of two versions; None if too many others are waiting."""
        with self._lock:
            if key in self._found:
                # The last one to be discarded.
                self._found[key] = self._found.pop(key)
                return self._found[key]
            if sum(not one.done() for one in self._found.values()) >= _WAITING:
                return None
            while len(self._found) >= _KEPT:
                del self._found[next(one for one, made in self._found.items() if made.done())]
            return self._found.setdefault(key, self._thread.submit(self._compare, *key[:2]))

    def _compare(self, old: str, new: str) -> Differences:
        try:
            # -P: a package `app` in the current folder is not the server's.
            done = subprocess.run(  # noqa: S603  # this interpreter
                [sys.executable, "-P", "-c", _COMMAND, "diff", old, new, "--format", "json", "--fail-on", "none"],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), f"{PREFIX}CONTRACT": str(self._path)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=_TIMEOUT,
            )
        except subprocess.SubprocessError as error:
            raise OSError(f"{old} and {new} can't be compared.") from error
        return _by_operation(orjson.loads(done.stdout)["findings"])

    def _state(self) -> tuple[tuple[str, int], ...]:
        """A value that changes whenever a file of the contract is saved."""
        files = sorted(self._path.resolve().parent.rglob("*.yaml"))
        return tuple((file.name, file.stat().st_mtime_ns) for file in files)


def _by_operation(findings: list[dict[str, Any]]) -> Differences:
    found: dict[str, list[Difference]] = {}
    for finding in findings:
        causes = tuple(
            (cause["version"], cause["description"], "{file}:{line}:{column}".format(**cause["location"]))
            for cause in finding["causes"]
        )
        affected: dict[str, Difference] = {}
        # The most severe use is the first.
        for use in finding["uses"]:
            difference = Difference(use["rating"], _coded(finding["what"]), _coded(use["advice"]), causes)
            for operation in use["operations"] if use["rating"] != _DOCS else ():
                affected.setdefault(operation, difference)
        for operation, difference in affected.items():
            found.setdefault(operation, []).append(difference)
    return found


def _coded(text: str) -> str:
    """A sentence with the values and paths in it as code, which may be broken."""
    return _VALUE.sub(lambda found: f"`{found[1] or found[2]}`", text)
