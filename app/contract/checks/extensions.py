"""Check of `x-` extensions: known, valid, and on objects that support them."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from app.contract.checks.parts import Part
from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding, did_you_mean

DEFINITIONS: dict[str, Any] = json.loads(files("app.contract").joinpath("extensions.json").read_text("utf-8"))["$defs"]
"""JSON Schemas of the extensions by kind of object, and their shared definitions. `docs/contract.md` explains each."""

_ALL = sorted({name for definition in DEFINITIONS.values() for name in definition.get("properties", ())})

KINDS = ("document", "path", "operation", "parameter", "schema")


def check_extensions(contract: Contract, parts: Sequence[Part]) -> Iterator[Finding]:
    """Check that each extension is documented and has a valid value, and that permissions are declared."""
    permissions = contract.document.get("x-permissions")
    known = set(permissions) if isinstance(permissions, dict) else set()
    for pointer, node, kind in parts:
        extensions = {key: value for key, value in node.items() if key.startswith("x-")}
        if not extensions or kind == "names":
            continue
        allowed = DEFINITIONS.get(kind, {}).get("properties", {})
        for name in extensions.keys() - allowed.keys():
            where = ", ".join(sorted(k for k in KINDS if name in DEFINITIONS[k]["properties"]))
            remedy = did_you_mean(name, allowed or _ALL, "See docs/contract.md for the extensions there are.")
            yield contract.finding(
                (*pointer, name),
                f"The extension {name!r} is not known here.",
                f"It belongs on: {where}." if where else remedy,
            )
        if kind in KINDS:
            for error in _validator(kind).iter_errors({k: v for k, v in extensions.items() if k in allowed}):
                yield contract.finding(
                    (*pointer, *error.instance_path),
                    f"The extension is not well formed: {error.message}.",
                    "See docs/contract.md for its form.",
                )
        for place, permission in _permissions((*pointer, "x-required-permissions"), extensions):
            if permission not in known:
                yield contract.finding(
                    place,
                    f"The permission {permission!r} is not declared.",
                    "Add it to x-permissions, or name one that is there.",
                )


@cache
def _validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**DEFINITIONS[kind], "$defs": DEFINITIONS})


def _permissions(pointer: Pointer, extensions: dict[str, Any]) -> Iterator[tuple[Pointer, str]]:
    """Iterate over the permissions that an object requires; at a path they are listed by method."""
    required = extensions.get("x-required-permissions", [])
    lists = required.items() if isinstance(required, dict) else [(None, required)]
    for method, names in lists:
        for index, name in enumerate(names if isinstance(names, list) else []):
            if isinstance(name, str):
                yield (*pointer, *([method] if method else []), index), name
