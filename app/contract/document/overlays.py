"""Overlays: the changes that one version of the contract makes to the version before it.

An overlay is a file in the folder `versions` beside the root. It is an OpenAPI Overlay 1.1 document whose name is the version,
and `extends` names the overlay of the version before, or the root. `x-kinds` lists the kind files of new kinds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from app.contract.document.contract import File, Pointer
from app.contract.document.findings import Finding, did_you_mean

FOLDER, SUFFIX = "versions", ".yaml"

BEGINNING = "`overlay: 1.1.0`"

Order = tuple[int, ...]

_VERSION = re.compile(r"[0-9]{4}\.[0-9]{1,2}")
_NAMED = re.compile(rf"({_VERSION.pattern})(?:\.[0-9][0-9A-Za-z.+-]*)?")
_KEYS = ("overlay", "info", "extends", "actions")
_OF_ACTIONS = ("target", "description", "update", "copy", "remove")
_CHANGES = _OF_ACTIONS[2:]


def order_of(version: str) -> Order:
    """The sort key of a version."""
    return tuple(map(int, version.split(".")))


def minor(release: str) -> str:
    """The version that a release belongs to: `2024.8` for `2024.8.1`."""
    return ".".join(release.split(".")[:2])


def version_named(text: str) -> str:
    """The version that a text names, itself or by one of its releases: `2025.12` for `2025.12.6`. Other texts are unchanged."""
    found = _NAMED.fullmatch(text.strip())
    return found[1] if found else text.strip()


def is_version(name: str) -> bool:
    """Whether a text can be the name of a version."""
    return _VERSION.fullmatch(name) is not None


@dataclass(frozen=True, eq=False)
class Overlay:
    """An overlay.

    :param file: its file
    """

    file: File

    @property
    def version(self) -> str:
        """The name of the version."""
        return self.file.path.name.removesuffix(SUFFIX)

    @property
    def release(self) -> str:
        """The release whose contract this is: `info.version`."""
        return str(self.file.document["info"]["version"])

    @property
    def extended(self) -> Path:
        """The file that `extends` names."""
        return self.file.path.parent / str(self.file.document["extends"])

    @cached_property
    def actions(self) -> tuple[tuple[Pointer, dict[str, Any]], ...]:
        """The actions with their pointers, in order."""
        return tuple((("actions", index), action) for index, action in enumerate(self.file.document["actions"]))

    def check(self) -> Iterator[Finding]:
        """Check the form of the overlay (OpenAPI Overlay Specification 1.1.0, section 4)."""
        document = self.file.document
        yield from self._check_keys((), document, _KEYS, ("x-kinds",))
        if not re.fullmatch(r"1\.1\.[0-9]+", str(document.get("overlay", "1.1.0"))):
            problem = f"This is Overlay {document['overlay']!r}, which has other rules."
            yield self.file.finding(("overlay",), problem, "Write the overlay in 1.1.0.")
        if not isinstance(document.get("extends", ""), str):
            yield self.file.finding(("extends",), "`extends` is not text.", "Name the file that is changed.")
        yield from self._check_version(document)
        actions = document.get("actions", [{}])
        if not isinstance(actions, list) or not actions:
            yield self.file.finding(("actions",), "The actions are not listed.", "Write one `- ` for each.")
        elif "actions" in document:
            for index, action in enumerate(actions):
                yield from self._check_action(("actions", index), action)

    def _check_version(self, document: dict[str, Any]) -> Iterator[Finding]:
        if "info" not in document:
            return
        info = document["info"]
        yield from self._check_keys(("info",), info, ("title", "version"))
        if isinstance(info, dict) and minor(str(info.get("version", self.version))) != self.version:
            problem = f"`version` is {info['version']!r}, which is not a release of {self.version}."
            yield self.file.finding(("info", "version"), problem, "Name the release, or the file, after the other.")

    def _check_action(self, place: Pointer, action: Any) -> Iterator[Finding]:
        found = list(self._check_keys(place, action, ("target", "description"), _CHANGES))
        yield from found
        if found:
            return
        for key in ("target", "description", "copy"):
            if not isinstance(action.get(key, ""), str) or not action.get(key, "-"):
                yield self.file.finding((*place, key), f"{key!r} is not text.", "Write a text.")
        changes = [key for key in _CHANGES if key in action]
        if len(changes) != 1:
            stand = f"{' and '.join(map(repr, changes))} stand together" if changes else "The action changes nothing"
            at = (*place, changes[1]) if changes else place
            yield self.file.finding(at, f"{stand}.", "Write one of: update, copy, remove.")
        elif action.get("remove", True) is not True:
            problem = f"`remove` is {action['remove']!r}."
            yield self.file.finding((*place, "remove"), problem, "Write `remove: true`, or remove the action.")

    def _check_keys(
        self, place: Pointer, node: Any, required: tuple[str, ...], further: tuple[str, ...] = ()
    ) -> Iterator[Finding]:
        if not isinstance(node, dict):
            yield self.file.finding(place, "This is not a mapping.", f"Write the keys {', '.join(required)}.")
            return
        for key in node.keys() - {*required, *further}:
            known = (*required, *further)
            remedy = did_you_mean(str(key), known, f"Use one of: {', '.join(known)}.")
            yield self.file.finding((*place, key), f"The key {key!r} has no meaning here.", remedy)
        for key in required:
            if key not in node:
                yield self.file.finding(place, f"The key {key!r} is missing.", _PURPOSES[key])


_PURPOSES = {
    "overlay": "Write `overlay: 1.1.0`.",
    "info": "Write `title` and `version` below it.",
    "title": "Write what the overlay is.",
    "version": "Name the release whose contract this is.",
    "extends": "Name the overlay of the version before, or the contract.",
    "actions": "List what changes.",
    "target": "Write the JSONPath of what changes.",
    "description": "Say what changes for users of the API.",
}
