"""Comparison of schemas at their uses: each pair of positions once per side, for any number of operations."""

from collections.abc import Iterator

from app.contract.document.contract import Contract
from app.review.comparing.alternatives import compare_alternatives, compare_with_alternatives
from app.review.comparing.differences import (
    NOTHING,
    Difference,
    Effect,
    Found,
    Place,
    Side,
    became,
    place_of,
    step,
    text_of,
)
from app.review.comparing.extensions import OF_SCHEMAS, compare_extensions
from app.review.comparing.objects import compare_properties
from app.review.comparing.pairs import NAME, Node, Pair
from app.review.comparing.values import comparable, compare_values
from app.review.comparing.views import Position, View, resolved
from app.review.comparing.words import compare_words

# The keywords that are compared, and those without an effect.
_KNOWN = frozenset(
    {
        "$ref", "type", "nullable", "enum", "minLength", "maxLength", "minItems", "maxItems", "minProperties",
        "maxProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems",
        "pattern", "format", "properties", "required", "additionalProperties", "items", "allOf", "anyOf", "oneOf",
        "not", "default", "deprecated", "readOnly", "writeOnly", "description", "title", "example", "externalDocs",
    }
)  # fmt: skip


class SchemaComparer:
    """Compares the schemas of two contracts.

    :param old: the contract of existing clients
    :param new: the proposed contract
    """

    def __init__(self, old: Contract, new: Contract) -> None:
        self._old = old
        self._new = new
        self._nodes: dict[tuple[Position, Position, Side, bool], Node] = {}

    def compare(self, old: Position, new: Position, side: Side, *, exact: bool = False) -> Node:
        """The differences between two positions.

        :param side: the sender of their data
        :param exact: whether fewer values are as bad as more, as inside of a `not`
        """
        old, new = resolved(self._old, old), resolved(self._new, new)
        key = old, new, side, exact
        node = self._nodes.get(key)
        if node is None:
            # Registered before it is filled: a schema may be recursive.
            node = self._nodes[key] = Node()
            _compare(Pair(View(self._old, old), View(self._new, new), side, exact, node, self.compare))
        return node


def _compare(pair: Pair) -> None:
    old, new = pair.old, pair.new
    pair.note(_name(old, new))
    if not compare_with_alternatives(pair):
        pair.note(compare_values(old, new))
        if comparable(old, new):
            compare_properties(pair)
            if old.items or new.items:
                pair.descend(old.items, new.items)
            compare_alternatives(pair)
    pair.note(compare_extensions(_extensions(old), _extensions(new), OF_SCHEMAS[pair.side]))
    pair.note(deprecation(old.last("deprecated"), new.last("deprecated")))
    pair.note(_others(old, new))
    pair.note(compare_words(old.parts, new.parts))


def _name(old: View, new: View) -> Iterator[Difference]:
    """The difference in names: generated clients have a class for each object and enum, named as the component."""
    before, after = old.name, new.name
    is_class = all(view.properties or view.enum is not None for view in (old, new))
    if before is not None and before != after and is_class:
        detail = f"it was the schema `{before}`{', and has no name now' if after is None else ''}."
        advice = "Use the type's new name once you generate the client anew."
        # No request and no response contains the name.
        yield Difference(NAME, Place(new.place), detail, Effect.HARMLESS, values=f"{before} -> {after}", safe=advice)


def deprecation(old: Found | None, new: Found | None) -> Iterator[Difference]:
    """The difference in `deprecated`."""
    before, after = (found is not None and found[1] is True for found in (old, new))
    if before is not after:
        detail = "it is deprecated now." if after else "it is not deprecated any more."
        safe = "Plan to do without it." if after else NOTHING
        yield Difference(
            "deprecated", place_of(old, new), detail, Effect.HARMLESS, values="yes" if after else "no", safe=safe
        )


def _others(old: View, new: View) -> Iterator[Difference]:
    """The differences in unknown keywords, and in those that OpenAPI ignores."""
    for keyword in dict.fromkeys((*old.beside, *new.beside)):
        was, now = old.beside.get(keyword), new.beside.get(keyword)
        if text_of(was) != text_of(now):
            detail = f"`{keyword}` beside `$ref` {became(was, now)}, and has no effect."
            yield Difference(keyword, place_of(was, now), detail, Effect.TEXT, values=f"beside {step(was, now)}")
    keywords = {keyword for view in (old, new) for _, schema in view.parts for keyword in schema}
    for keyword in sorted(keywords - _KNOWN):
        before, after = old.last(keyword), new.last(keyword)
        if keyword == "discriminator" and before is not None and after is not None:
            continue
        if not keyword.startswith("x-") and text_of(before) != text_of(after):
            detail = f"`{keyword}` {became(before, after)}."
            yield Difference(keyword, place_of(before, after), detail, Effect.OTHER, values=step(before, after))


def _extensions(view: View) -> dict[str, Found]:
    return {
        keyword: ((*pointer, keyword), value)
        for pointer, schema in view.parts
        for keyword, value in schema.items()
        if keyword.startswith("x-")
    }
