"""Comparison of contracts outside of their operations."""

from collections.abc import Iterator
from typing import Any

from app.contract.document.contract import Contract, Pointer, parse_reference, references
from app.contract.document.reading import SECTIONS
from app.contract.validation.schemas import Direction, SchemaReader
from app.review.comparing.differences import (
    Difference,
    Effect,
    Found,
    Place,
    digest,
    listed,
    place_of,
    step,
    text_of,
    unextended,
)
from app.review.comparing.extensions import OF_DOCUMENTS, compare_extensions_of
from app.review.comparing.operations import Operation, operations
from app.review.comparing.words import compare_words

# Compared by operation, or with the rating of the whole change.
_KEPT_APART = frozenset({"paths", "components", "security", "servers", "info", "tags", "x-permissions"})

# Objects outside of the operations that may have extensions.
_EXTENDED: tuple[Pointer, ...] = (
    (), ("info",), ("info", "contact"), ("info", "license"), ("externalDocs",), ("paths",), ("components",),
)  # fmt: skip


def compare_documents(old: Contract, new: Contract) -> Iterator[Difference]:
    """The differences that affect no operation."""
    objects: tuple[Pointer, ...] = ((), ("info",))
    for pointer in objects:
        before, after = old.at(pointer), new.at(pointer)
        for key in dict.fromkeys((*before, *after)):
            was, now = _at(old, (*pointer, key)), _at(new, (*pointer, key))
            was, now = (None if found is None else (found[0], unextended(found[1])) for found in (was, now))
            if (pointer or key not in _KEPT_APART) and not key.startswith("x-") and text_of(was) != text_of(now):
                name = ".".join(map(str, (*pointer, key)))
                version = f" ({step(was, now)})" if key in ("version", "openapi") else ""
                detail = f"`{name}` is another{version}."
                yield Difference(name, place_of(was, now), detail, Effect.TEXT, values=step(was, now))
    for pointer in _EXTENDED:
        yield from compare_extensions_of(_at(old, pointer), _at(new, pointer), OF_DOCUMENTS if not pointer else {})
    yield from _tags(old, new)
    yield from _permissions(old, new)
    yield from _unused(old, new)


def _at(contract: Contract, pointer: Pointer) -> Found | None:
    try:
        return pointer, contract.at(pointer)
    except KeyError:
        return None


def _tags(old: Contract, new: Contract) -> Iterator[Difference]:
    before, after = (
        {tag["name"]: (("tags", index), tag) for index, tag in enumerate(contract.document.get("tags", ()))}
        for contract in (old, new)
    )
    for name in dict.fromkeys((*before, *after)):
        if name in before and name in after:
            yield from compare_words([before[name]], [after[name]])
            yield from compare_extensions_of(before[name], after[name])
        else:
            detail = f"it is {'described now' if name in after else 'not described any more'}."
            was, now = before.get(name), after.get(name)
            yield Difference("tag", place_of(was, now), detail, Effect.TEXT, values=step(was, now))


def _permissions(old: Contract, new: Contract) -> Iterator[Difference]:
    """The differences in permissions of tokens. The permissions of an operation are compared with the operation."""
    found = (contract.document.get("x-permissions") for contract in (old, new))
    before, after = (permissions if isinstance(permissions, dict) else {} for permissions in found)
    for name in dict.fromkeys((*before, *after)):
        pointer: Pointer = ("x-permissions", name)
        if name not in after:
            detail, advice = f"the permission `{name}` is gone.", f"Make tokens without `{name}`."
            yield Difference("x-permissions", Place(pointer, old=True), detail, Effect.OTHER, advice, values=f"-{name}")
        elif name not in before:
            detail = f"the permission `{name}` is new."
            yield Difference("x-permissions", Place(pointer), detail, Effect.HARMLESS, values=f"+{name}")
        elif before[name] != after[name]:
            detail = f"what the permission `{name}` allows is said in other words."
            values = f"{name} {digest([before[name], after[name]])}"
            yield Difference("x-permissions", Place(pointer), detail, Effect.TEXT, values=values)


def _unused(old: Contract, new: Contract) -> Iterator[Difference]:
    """The differences in components that no operation uses: they affect no client."""
    used_before, used_after = _used(old), _used(new)
    for section in SECTIONS:
        before, after = (contract.document.get("components", {}).get(section, {}) for contract in (old, new))
        for name in dict.fromkeys((*before, *after)):
            pointer: Pointer = ("components", section, name)
            if before.get(name) != after.get(name) and not {pointer} & (used_before | used_after):
                became = "gone" if name not in after else "another" if name in before else "new"
                detail = f"it is {became}, and no operation uses it."
                values = digest([before.get(name), after.get(name)])
                place = place_of(_at(old, pointer), _at(new, pointer))
                yield Difference("unused", place, detail, Effect.TEXT, values=values)


def _used(contract: Contract) -> set[Pointer]:
    """The components that paths use."""
    used: set[Pointer] = set()
    waiting: list[Any] = [contract.document["paths"]]
    while waiting:
        for _, node in references(waiting.pop()):
            pointer = parse_reference(node["$ref"])[:3]
            if pointer not in used:
                used.add(pointer)
                waiting.append(contract.at(pointer))
    return used


def shadowed(old: Contract, new: Contract) -> Iterator[tuple[Operation, Difference]]:
    """Operations that can't be called for some object any more, because a new path takes precedence."""
    before = operations(old)
    known = {operation.path for operation in before}
    for path in new.document["paths"].keys() - known:
        for operation in before:
            if operation.path in new.document["paths"] and (named := _object_at(operation, path)):
                detail = f"this was the path of {named} at {operation.path}."
                advice = f"Rename {named}: it can't be reached any more."
                yield (
                    operation,
                    Difference("path-shadowed", Place(("paths", path)), detail, Effect.OTHER, advice, values=named),
                )


def _object_at(operation: Operation, path: str) -> str:
    """The object whose path now belongs to another operation; empty if there can't be one."""
    names = []
    own, other = operation.path.split("/"), path.split("/")
    if len(own) != len(other):
        return ""
    for segment, text in zip(own, other, strict=True):
        if segment.startswith("{"):
            if not text.startswith("{") and not _admits(operation, segment[1:-1], text):
                return ""
            names += [] if text.startswith("{") else [text]
        elif segment != text:
            return ""
    return listed(names)


def _admits(operation: Operation, name: str, value: str) -> bool:
    _, (_, parameter) = operation.parameters[("path", name)]
    reader = SchemaReader(operation.contract, Direction.REQUEST)
    return "." not in value and reader.validator(parameter.get("schema", {})).is_valid(value)
