"""Comparison of the parameters of operations."""

from collections.abc import Iterator
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.contract.validation.schemas import Direction, SchemaReader
from app.review.comparing.differences import (
    Difference,
    Effect,
    Found,
    Place,
    Side,
    became,
    digest,
    place_of,
    shown,
    step,
    text_of,
)
from app.review.comparing.extensions import OF_PARAMETERS, compare_extensions
from app.review.comparing.media_types import canonical
from app.review.comparing.operations import Operation
from app.review.comparing.pairs import Compare, Node
from app.review.comparing.schemas import deprecation
from app.review.comparing.views import Position, View
from app.review.comparing.words import WORDS, compare_words

Result = Difference | Node

# Headers that are ignored beside media types and credentials (OpenAPI 3.0.3, "Parameter Object").
_OF_THE_MEDIA = frozenset(("header", name) for name in ("accept", "content-type", "authorization"))


def compare_parameters(old: Operation, new: Operation, compare: Compare) -> Iterator[Result]:
    """The differences in the parameters of an operation.

    :param compare: compares their schemas
    """
    renamed = dict(zip(old.path_parameters, new.path_parameters, strict=False))
    left = {_key(*key): found for key, found in new.parameters.items()}
    for (location, name), (place, before) in old.parameters.items():
        key = _key(location, renamed.get(name, name) if location == "path" else name)
        if key in left:
            _, after = left.pop(key)
            yield from _Pair(old.contract, new.contract, before, after).compare(compare)
        else:
            detail = f"the parameter `{name}` is gone from the {location}."
            advice = f"Do without `{name}`: it has no effect any more."
            effect = Effect.TEXT if key in _OF_THE_MEDIA else Effect.OTHER
            yield Difference("parameter-removed", Place(place, old=True), detail, effect, advice, values=location)
    for key, (place, (_, parameter)) in left.items():
        location, name, required = parameter["in"], parameter["name"], parameter.get("required") is True
        detail = f"the parameter `{name}` is new in the {location}{', and required' if required else ''}."
        effect = Effect.TEXT if key in _OF_THE_MEDIA else Effect.OTHER if required else Effect.HARMLESS
        values = f"{location} {digest(parameter)}" if required else location
        yield Difference("parameter-added", Place(place), detail, effect, f"Send `{name}`.", values=values)


def _key(location: str, name: str) -> tuple[str, str]:
    """The identity of a parameter; the name of a header is case-insensitive (RFC 9110, section 5.1)."""
    return location, name.lower() if location == "header" else name


class _Pair:
    """One parameter in two contracts."""

    def __init__(self, old_contract: Contract, new_contract: Contract, old: Found, new: Found) -> None:
        self._sources = old_contract, new_contract
        (self._old_place, self._old), (self._new_place, self._new) = old, new

    def compare(self, compare: Compare) -> Iterator[Result]:
        """The differences of the parameter."""
        yield from self._required()
        yield from self._blank()
        yield from self._serialization()
        yield from deprecation(*self._found("deprecated"))
        extensions = (
            {key: ((*place, key), value) for key, value in node.items() if key.startswith("x-")}
            for place, node in ((self._old_place, self._old), (self._new_place, self._new))
        )
        yield from compare_extensions(next(extensions), next(extensions), OF_PARAMETERS)
        old, new = _schema(self._old_place, self._old), _schema(self._new_place, self._new)
        yield from self._default(old, new)
        node = compare(old, new, Side.REQUEST)
        # Descriptions may move from the schema to the parameter, and back: both are compared together.
        yield Node([change for change in node.changes if change.difference.rule not in WORDS], node.parts)
        parts = (
            [*View(self._sources[0], old).parts, (self._old_place, self._old)],
            [*View(self._sources[1], new).parts, (self._new_place, self._new)],
        )
        yield from compare_words(*parts)

    def _found(self, keyword: str) -> tuple[Found | None, Found | None]:
        return (
            ((*self._old_place, keyword), self._old[keyword]) if keyword in self._old else None,
            ((*self._new_place, keyword), self._new[keyword]) if keyword in self._new else None,
        )

    def _required(self) -> Iterator[Difference]:
        before, after = (node.get("required") is True for node in (self._old, self._new))
        if before is not after:
            name = self._new["name"]
            yield Difference(
                "parameter-required",
                place_of(*self._found("required")),
                f"the parameter is {'required now' if after else 'not required any more'}.",
                Effect.NARROWER if after else Effect.WIDER,
                f"Send `{name}`.",
                values="yes" if after else "no",
            )

    def _blank(self) -> Iterator[Difference]:
        before, after = (node.get("allowEmptyValue") is True for node in (self._old, self._new))
        if before is after:
            return
        if after:
            detail = "a blank value means that it is not given now."
            effect = Effect.OTHER if self._took_blank() else Effect.WIDER
            advice = "Do not look for a blank value."
        else:
            detail, effect = "a blank value does not mean any more that it is not given.", Effect.OTHER
            advice = "Leave the parameter out instead of sending it blank."
        yield Difference(
            "allowEmptyValue",
            place_of(*self._found("allowEmptyValue")),
            detail,
            effect,
            advice,
            values="yes" if after else "no",
        )

    def _took_blank(self) -> bool:
        validator = SchemaReader(self._sources[0], Direction.REQUEST).validator(self._old.get("schema", {}))
        return validator.is_valid("") or validator.is_valid([""])

    def _serialization(self) -> Iterator[Difference]:
        before, after = _written(self._old), _written(self._new)
        for keyword, value in after.items():
            if keyword == "explode" and not {"array", "object"} & self._types():
                # A single text has only one serialization.
                continue
            if before[keyword] != value:
                detail = f"`{keyword}` is {shown(value)}, it was {shown(before[keyword])}."
                place = place_of(*self._found(keyword))
                if not place.pointer:
                    place = Place(self._new_place)
                advice = "Write the value in the new way."
                values = f"{shown(before[keyword])} -> {shown(value)}"
                yield Difference(keyword, place, detail, Effect.OTHER, advice, values=values)

    def _types(self) -> frozenset[str]:
        """The types of its values in either contract."""
        old, new = _schema(self._old_place, self._old), _schema(self._new_place, self._new)
        return View(self._sources[0], old).types | View(self._sources[1], new).types

    def _default(self, old: Position, new: Position) -> Iterator[Difference]:
        was, now = View(self._sources[0], old).last("default"), View(self._sources[1], new).last("default")
        if text_of(was) == text_of(now):
            return
        left_out = self._old.get("required") is not True and self._new.get("required") is not True
        name = self._new["name"]
        yield Difference(
            "default",
            place_of(was, now),
            f"`default` {became(was, now)}.",
            Effect.OTHER if left_out else Effect.TEXT,
            f"Send `{name}` if you rely on its default.",
            values=step(was, now),
        )


def _written(parameter: dict[str, Any]) -> dict[str, Any]:
    """The serialization of a parameter (OpenAPI 3.0.3, "Parameter Object")."""
    style = parameter.get("style", "form" if parameter["in"] in ("query", "cookie") else "simple")
    return {
        "style": style,
        "explode": parameter.get("explode", style == "form"),
        "allowReserved": parameter.get("allowReserved", False),
        "content": sorted(map(canonical, parameter.get("content", ()))),
    }


def _schema(place: Pointer, parameter: dict[str, Any]) -> Position:
    if "schema" in parameter:
        return ((*place, "schema"),)
    return tuple(
        (*place, "content", name, "schema") for name, media in parameter.get("content", {}).items() if "schema" in media
    )
