"""The server as a process."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote, urlencode

import httpx

from flows_server.testing.client import Flows

IN_MEMORY = "sqlite:///:memory:"

# The maximum time of the start and of the end, in seconds.
_START, _STOP = 60, 30
_CHUNK = 4096

# Runs a command until standard input ends: however the tests end, the server ends with them.
_UNTIL_INPUT_ENDS = 'exec 3>&1 >&2; "$@" >&3 3>&- & server=$!; exec 3>&-; cat; kill $server; wait $server'


class ServerError(Exception):
    """The server did not start, or has ended. The message has its output."""


class Server:
    """A server on a free port, with a store of its own, for one worker. It runs as long as the `with` block.

        with Server(seed="default") as server, server.client() as flows:
            flows.get("flows/instances/").raise_for_status()

    :param seed: a folder of blueprints to apply first, or `default` for the flows of a new authentik
    :param version: the version of authentik to serve, such as `2025.12`; the first by default
    :param contract: the OpenAPI document to serve; the one of the package by default
    :param database_url: the store, as in `FLOWS_DATABASE_URL`; by default one that ends with the server
    :param token: the superuser's token of a new store; an existing one has to have it
    :param deterministic: whether time and identifiers are the same in each run
    :param settings: further settings by variable, such as `{"FLOWS_BODY_LIMIT": "1000"}`; those of this process do not apply
    :param command: the command `flows`, if it is installed elsewhere
    """

    def __init__(
        self,
        *,
        seed: str | Path | None = None,
        version: str | None = None,
        contract: str | Path | None = None,
        database_url: str = IN_MEMORY,
        token: str = "a-token-for-tests",  # noqa: S107  # of a store that only tests use
        deterministic: bool = False,
        settings: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self.token = token
        self.url = self.version = ""
        # -P: a package `app` in the current folder is not the server's.
        self._command = [*(command or (sys.executable, "-P", "-m", "flows_server"))]
        self._options = [
            "--record",
            *(["--deterministic"] if deterministic else []),
            *(["--seed", str(seed)] if seed else []),
            *(["--version", version] if version else []),
        ]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("FLOWS_")},
            "FLOWS_DATABASE_URL": database_url,
            "FLOWS_PORT": "0",
            "FLOWS_BOOTSTRAP_TOKEN": self.token,
            **({"FLOWS_CONTRACT": str(contract)} if contract else {}),
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the server. :raises ServerError: it did not start"""
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(  # noqa: S603  # the caller's command
            ["/bin/sh", "-c", _UNTIL_INPUT_ENDS, "sh", *self._command, "serve", *self._options],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            # Ctrl-C is for the tests, whose end needs the server.
            start_new_session=True,
        )
        try:
            self.url, self.version = self._announced(self._process)
        except BaseException:
            self._end()
            raise
        self._control = Flows(self.url, self.token)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self._control.close()
        self._end()

    @property
    def log(self) -> str:
        """The log of the server."""
        if self._log is None:
            return ""
        file = self._log.fileno()
        return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")

    def client(self) -> Flows:
        """A client with a superuser's token, to be closed after use."""
        return Flows(self.url, self.token)

    def snapshot(self, name: str = "default") -> None:
        """Save the state of the store, replacing the snapshot of that name."""
        self._send("POST", f"snapshot/{quote(name, safe='')}/")

    def restore(self, name: str = "default") -> None:
        """Restore a snapshot. No other request may be running."""
        self._send("POST", f"restore/{quote(name, safe='')}/")

    def exchanges(self) -> list[dict[str, Any]]:
        """The recorded requests and responses since the last `forget`, as entries of an HTTP archive (HAR 1.2)."""
        entries: list[dict[str, Any]] = self._send("GET", "traffic.har").json()["log"]["entries"]
        return entries

    def forget(self) -> None:
        """Discard the recorded requests and responses, but not the coverage."""
        self._send("DELETE", "traffic.har")

    def coverage(self, **selection: Sequence[str]) -> dict[str, Any]:
        """The recorded coverage of the contract, as data.

        :param selection: what counts, such as `operation=["flows_*"]` and `ignore=["status 403"]`
        """
        coverage: dict[str, Any] = self._send("GET", f"coverage.json?{urlencode(selection, doseq=True)}").json()
        return coverage

    def _send(self, method: str, path: str) -> httpx.Response:
        try:
            response = self._control.request(method, httpx.URL(self.url).join(f"/contract/{path}"))
        except httpx.TransportError as error:
            raise ServerError(f"The server does not respond: {error}\n{self.log}") from error
        if response.is_error:
            raise ServerError(f"{method} /contract/{path}: {response.status_code} {response.text}\n{self.log}")
        return response

    def _announced(self, process: subprocess.Popen[bytes]) -> tuple[str, str]:
        """The URL of the API and its version, which the server prints when it is ready."""
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        end, text = time.monotonic() + _START, b""
        printed: dict[str, str] = {}
        while "API" not in printed and select.select([process.stdout], [], [], max(0, end - time.monotonic()))[0]:
            # Not by lines: a buffer that has the next one would not be ready.
            if not (chunk := os.read(process.stdout.fileno(), _CHUNK)):
                break
            text += chunk
            lines = (line.partition(":") for line in text.decode().split("\n")[:-1])
            printed = {name: value.strip() for name, _, value in lines}
        if "API" not in printed:
            late = f" within {_START} s" if time.monotonic() >= end else ""
            raise ServerError(f"The server did not start{late}.\n{self.log}")
        return printed["URL"], printed["API"].partition(",")[0]

    def _end(self) -> None:
        process, log = self._process, self._log
        if process is None or log is None:
            return
        try:
            process.communicate(timeout=_STOP)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        log.close()
        self._process = self._log = None
