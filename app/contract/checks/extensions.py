"""Are the `x-` extensions known, well formed, and on objects that have them?"""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jsonschema_rs

from app.contract.checks.document import walk
from app.contract.findings import Finding
from app.contract.source import OPERATION_METHODS, Pointer, Source

DEFINITIONS: dict[str, Any] = json.loads(files("app.contract").joinpath("extensions.json").read_text("utf-8"))["$defs"]
"""JSON Schemas of the extensions by kind of object, and what they share. `docs/contract.md` explains each."""

KINDS = ("document", "path", "operation", "parameter", "schema")


def check_extensions(source: Source) -> Iterator[Finding]:
    """Each `x-` member is one of the documented family and holds what it should; permissions are declared."""
    validators = {
        kind: jsonschema_rs.Draft202012Validator({**DEFINITIONS[kind], "$defs": DEFINITIONS}) for kind in KINDS
    }
    permissions = source.document.get("x-permissions")
    known = set(permissions) if isinstance(permissions, dict) else set()
    for pointer, node in walk(source.document):
        if not isinstance(node, dict) or holds_free_data(pointer):
            continue
        kind = kind_of(pointer, node)
        extensions = {key: value for key, value in node.items() if key.startswith("x-")}
        if not extensions or _is_map_of_names(pointer):
            continue
        allowed = DEFINITIONS.get(kind, {}).get("properties", {})
        for name in extensions.keys() - allowed.keys():
            where = ", ".join(sorted(k for k in KINDS if name in DEFINITIONS[k]["properties"]))
            yield source.finding(
                (*pointer, name),
                f"The extension {name!r} is not known here.",
                f"It belongs on: {where}." if where else "See docs/contract.md for the extensions there are.",
            )
        if kind in validators:
            for error in validators[kind].iter_errors({k: v for k, v in extensions.items() if k in allowed}):
                yield source.finding(
                    (*pointer, *error.instance_path),
                    f"The extension is not well formed: {error.message}.",
                    "See docs/contract.md for its form.",
                )
        for place, permission in _permissions((*pointer, "x-required-permissions"), extensions):
            if permission not in known:
                yield source.finding(
                    place,
                    f"The permission {permission!r} is not declared.",
                    "Add it to x-permissions, or name one that is there.",
                )


def kind_of(pointer: Pointer, node: dict[str, Any]) -> str:
    """Which kind of object a part of the document is, as far as extensions tell kinds apart."""
    if not pointer:
        return "document"
    if pointer[0] == "paths" and len(pointer) == 2:
        return "path"
    if pointer[0] == "paths" and len(pointer) == 3 and pointer[2] in OPERATION_METHODS:
        return "operation"
    if isinstance(node.get("in"), str) and isinstance(node.get("name"), str):
        return "parameter"
    if "schema" in pointer or pointer[:2] == ("components", "schemas"):
        return "schema"
    return "other"


def _permissions(pointer: Pointer, extensions: dict[str, Any]) -> Iterator[tuple[Pointer, str]]:
    """Each permission that an object requires; at a path they stand by method."""
    required = extensions.get("x-required-permissions", [])
    lists = required.items() if isinstance(required, dict) else [(None, required)]
    for method, names in lists:
        for index, name in enumerate(names if isinstance(names, list) else []):
            if isinstance(name, str):
                yield (*pointer, *([method] if method else []), index), name


def holds_free_data(pointer: Pointer) -> bool:
    """Whether a part is data of the user's own, in which a key of any name may stand."""
    return any(key in ("example", "examples", "default", "enum") for key in pointer) or any(
        isinstance(key, str) and key.startswith("x-") for key in pointer
    )


def _is_map_of_names(pointer: Pointer) -> bool:
    """Whether a part's keys are names that the contract's author chose, such as members and paths."""
    return bool(pointer) and (
        (pointer[-1] == "properties" and pointer[-2:-1] != ("properties",))
        or (len(pointer) == 2 and pointer[0] == "components")
    )
