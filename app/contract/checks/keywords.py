"""Check of the keywords of schemas: each has an effect, and values exist."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.contract.checks.parts import Part
from app.contract.document.contract import Contract, Pointer, reference_to
from app.contract.document.findings import Finding, did_you_mean, shown
from app.contract.validation.schemas import FORMATS, admits_null, composed, flattened, schema_properties
from app.contract.validation.write_only import is_write_only, write_only

_BY_TYPE: Mapping[str, frozenset[str]] = {
    "string": frozenset({"minLength", "maxLength", "pattern"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
    "array": frozenset({"items", "minItems", "maxItems", "uniqueItems"}),
    "object": frozenset({"properties", "required", "additionalProperties", "minProperties", "maxProperties"}),
    "boolean": frozenset(),
}
"""The keywords that apply to values of one type only (JSON Schema Validation, draft 5, section 5)."""

_TYPED = frozenset().union(*_BY_TYPE.values())
_OF_ALL_PARTS = frozenset({"allOf", "anyOf", "oneOf", "not"})
_LIMITS = (
    ("minimum", "maximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
# Keywords to check beside a type: those without an effect on it, and those that depend on others.
_SUSPICIOUS: Mapping[str | None, frozenset[str]] = {
    None: frozenset(),
    **{
        kind: (_TYPED - _BY_TYPE["number" if kind == "integer" else kind])
        | {
            "exclusiveMinimum",
            "exclusiveMaximum",
            "x-lifetime",
            "x-numerals",
            *(() if kind == "string" else ("x-trim",)),
        }
        for kind in _TYPES
    },
}
_MOST = frozenset(most for _, most in _LIMITS)
# The types of items that have an order.
_SORTED = frozenset({"string", "integer"})
# Keys of messages that are not keywords.
_SITUATIONS = frozenset({"null", "required"})


def check_keywords(contract: Contract, parts: Sequence[Part]) -> Iterator[Finding]:
    """Check that each keyword has an effect, that limits admit values, and that values of enums can be sent."""
    # Parts of other schemas are checked with them.
    taken_up = {
        node["$ref"]
        for pointer, node, kind in parts
        if "$ref" in node and kind == "schema" and pointer[-2] in _OF_ALL_PARTS
    }
    for pointer, node, kind in parts:
        if kind == "names" or (pointer and pointer[0] == "x-permissions"):
            continue
        if "$ref" in node:
            if kind != "path" and len(node) > 1:
                yield from _check_reference(contract, pointer, node, kind)
        elif kind == "schema" and not node.keys().isdisjoint(_INTERESTING):
            yield from _check_schema(contract, pointer, node)
            if ("required" in node or "allOf" in node) and reference_to(pointer) not in taken_up:
                yield from _check_required(contract, pointer, node)
            if "x-messages" in node:
                yield from _check_messages(contract, pointer, node)
            if "x-model" in node:
                yield from _check_write_only(contract, pointer, node)


_INTERESTING = frozenset(
    {"type", "nullable", "format", "enum", "readOnly", "writeOnly", "required", "allOf", "x-messages"}
) | {limit for limits in _LIMITS for limit in limits}


def _check_schema(contract: Contract, pointer: Pointer, node: dict[str, Any]) -> Iterator[Finding]:
    """Check one schema. Most keywords of most schemas are simple, and contracts have many."""
    kind = node.get("type")
    if "allOf" in node or kind == "array" or not node.keys().isdisjoint(_SUSPICIOUS[kind]):
        yield from _check_types(contract, pointer, node)
    if "nullable" in node:
        yield from _check_null(contract, pointer, node)
    if "format" in node:
        yield from _check_format(contract, pointer, node)
    if "allOf" in node or not node.keys().isdisjoint(_MOST):
        yield from _check_limits(contract, pointer, node)
    if "enum" in node:
        yield from _check_enum(contract, pointer, node)
    if "readOnly" in node or "writeOnly" in node:
        yield from _check_sides(contract, pointer, node)


def _check_reference(contract: Contract, pointer: Pointer, node: dict[str, Any], kind: str) -> Iterator[Finding]:
    """Check for keys beside a `$ref`: OpenAPI ignores them ("Reference Object"), this server all except `nullable`."""
    for key in node.keys() - {"$ref", *({"nullable"} if kind == "schema" else ())}:
        yield contract.finding(
            (*pointer, key),
            f"The key {key!r} means nothing beside a `$ref`.",
            "Refer by `allOf: [{$ref: ...}]`, or move it to where the reference leads."
            if kind == "schema"
            else "Move it to where the reference leads.",
        )


def _check_types(contract: Contract, pointer: Pointer, node: dict[str, Any]) -> Iterator[Finding]:
    kind = node.get("type")
    merged = node
    if "allOf" in node:
        merged = flattened(contract, node)
        types = {part["type"] for part in composed(contract, node) if "type" in part}
        types -= {"number"} if "integer" in types else set()
        if len(types) > 1:
            yield contract.finding(
                pointer, f"No value is {' and '.join(sorted(types))} at once.", "Give all parts of `allOf` one type."
            )
            return
        kind = next(iter(types), None)
    if kind is None:
        return
    own = _BY_TYPE["number" if kind == "integer" else kind]
    for keyword in (_TYPED & node.keys()) - own:
        yield contract.finding(
            (*pointer, keyword),
            f"`{keyword}` has no effect on values of type {kind}.",
            "Remove it, or correct the type.",
        )
    yield from _check_extensions(contract, pointer, node, kind)
    for bound in ("minimum", "maximum"):
        exclusive = f"exclusive{bound.title()}"
        if exclusive in own & node.keys() and bound not in merged:
            yield contract.finding(
                (*pointer, exclusive), f"`{exclusive}` has no effect without `{bound}`.", f"Add `{bound}`."
            )
    if kind == "array" and "items" not in merged and pointer[-2:-1] != ("allOf",):
        yield contract.finding(pointer, "The array does not say what its items are.", "Add `items`.")


def _check_extensions(contract: Contract, pointer: Pointer, node: dict[str, Any], kind: str) -> Iterator[Finding]:
    """Check that extensions are for the values of a schema. :param kind: the type of the values"""
    if "x-trim" in node and kind != "string":
        yield contract.finding(
            (*pointer, "x-trim"), f"`x-trim` has no effect on values of type {kind}.", "Remove it, or correct the type."
        )
    texts = flattened(contract, node).get("enum", ())
    if "x-numerals" in node and kind != "integer" and not any(map(_is_numeral, texts)):
        problem = "`x-numerals` has no effect: the enum has no text that is an integer."
        yield contract.finding((*pointer, "x-numerals"), problem, "Remove it, or correct the enum.")
    if "x-lifetime" in node and not (node.get("format") == "date-time" and node.get("nullable") is True):
        problem = "Only a time that may be null can have a lifetime."
        remedy = "Make it `format: date-time` and `nullable: true`, or remove it."
        yield contract.finding((*pointer, "x-lifetime"), problem, remedy)
    if "x-set" in node and flattened(contract, node.get("items", {})).get("type") not in _SORTED:
        problem = "Only lists of texts, or of integers, can be sorted."
        yield contract.finding((*pointer, "x-set"), problem, "Remove it, or correct the type.")


def _check_null(contract: Contract, pointer: Pointer, node: dict[str, Any]) -> Iterator[Finding]:
    if node.get("nullable") is not True:
        return
    if None not in node.get("enum", (None,)):
        yield contract.finding(
            (*pointer, "nullable"), "`nullable` has no effect: the enum has no null.", "Add null to it."
        )
    elif "type" not in node and _OF_ALL_PARTS.isdisjoint(node):
        yield contract.finding((*pointer, "nullable"), "`nullable` has no effect without `type`.", "Add `type`.")


def _check_format(contract: Contract, pointer: Pointer, node: dict[str, Any]) -> Iterator[Finding]:
    if (name := node.get("format")) is None:
        return
    kinds = FORMATS.get(name)
    kind = node.get("type") or flattened(contract, node).get("type")
    if kinds is None:
        remedy = did_you_mean(name, FORMATS, "Remove it, or express it by `pattern`.")
        yield contract.finding(
            (*pointer, "format"), f"The format {name!r} has no effect: it is not known here.", remedy
        )
    elif kind is not None and kind not in kinds:
        yield contract.finding(
            (*pointer, "format"),
            f"The format {name!r} has no effect on values of type {kind}.",
            f"Make the type {' or '.join(kinds)}, or remove it.",
        )


def _check_limits(contract: Contract, pointer: Pointer, node: dict[str, Any]) -> Iterator[Finding]:
    parts = list(composed(contract, node)) if "allOf" in node else [node]
    for least, most in _LIMITS:
        lower = [
            (part[least], part.get("exclusiveMinimum", False) and least == "minimum") for part in parts if least in part
        ]
        upper = [
            (part[most], part.get("exclusiveMaximum", False) and most == "maximum") for part in parts if most in part
        ]
        if lower and upper:
            (low, above), (high, below) = max(lower), min(upper, key=lambda limit: (limit[0], not limit[1]))
            if low > high or (low == high and (above or below)):
                place = (*pointer, least) if least in node else (*pointer, most) if most in node else pointer
                yield contract.finding(
                    place, f"No value is within both `{least}: {low}` and `{most}: {high}`.", "Correct one of them."
                )


def _check_enum(contract: Contract, pointer: Pointer, node: dict[str, Any]) -> Iterator[Finding]:
    """Check for values that can never be sent; `check_values` finds those that other keywords reject."""
    seen: list[Any] = []
    for index, value in enumerate(node.get("enum", ())):
        place = (*pointer, "enum", index)
        # Python, unlike JSON, treats 1 as equal to True.
        if any(value == other and type(value) is type(other) for other in seen):
            yield contract.finding(place, f"The value {shown(value)} is in the enum twice.", "Remove one of them.")
        seen.append(value)
        if value is None:
            if not admits_null(contract, node) or (node.get("nullable") is not True and "type" in node):
                yield contract.finding(
                    place, "Null can never be sent: the schema is not nullable.", "Add `nullable: true`."
                )
        elif (kind := node.get("type")) and not _is_of(value, kind):
            yield contract.finding(
                place,
                f"The value {shown(value)} can never be sent: it is not {'an' if kind[0] in 'aio' else 'a'} {kind}.",
                "Put text in quotes, or correct the type.",
            )
        elif node.get("x-trim") and isinstance(value, str) and value != value.strip():
            yield contract.finding(
                place,
                f"The value {shown(value)} can never be sent: white space around it is removed.",
                "Write it without.",
            )


def _is_numeral(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal()


def _is_of(value: Any, kind: str) -> bool:
    # In Python, unlike JSON, a boolean is a number.
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _check_sides(contract: Contract, pointer: Pointer, node: dict[str, Any]) -> Iterator[Finding]:
    """Check that only properties are read only or write only, and none is both (OpenAPI 3.0.3, "Schema Object")."""
    if node.get("readOnly") is True and node.get("writeOnly") is True:
        yield contract.finding(
            (*pointer, "writeOnly"),
            "A property that is read only and write only is in no request and no response.",
            "Remove one.",
        )
    for keyword in ("readOnly", "writeOnly"):
        if node.get(keyword) is True and not _may_be_a_property(pointer):
            yield contract.finding(
                (*pointer, keyword),
                f"`{keyword}` has no effect: this is not a property.",
                "Move it to a property, or remove it.",
            )


def _check_write_only(contract: Contract, pointer: Pointer, node: dict[str, Any]) -> Iterator[Finding]:
    """Check that no property of a model is `writeOnly` only for some values."""
    for place, property_name in schema_properties(contract, node, pointer).values():
        for found in () if is_write_only(contract, property_name) else write_only(contract, contract.at(place), place):
            if not found.certain:
                yield contract.finding(
                    found.pointer,
                    "Whether this property is `writeOnly` depends on the value, so it can't be left out of responses.",
                    "Move it out of `oneOf` and `anyOf`, or make what holds these `writeOnly`.",
                )


def _may_be_a_property(pointer: Pointer) -> bool:
    return pointer[-2] in ("properties", "allOf", "anyOf", "oneOf") or (
        pointer[:2] == ("components", "schemas") and (len(pointer) == len(("components", "schemas", "name")))
    )


def _check_required(contract: Contract, pointer: Pointer, node: dict[str, Any]) -> Iterator[Finding]:
    """Check that each required name is a property of the object, if its properties are known."""
    if pointer[-2] in _OF_ALL_PARTS or (pointer[-1] == "not" and pointer[-2] != "properties"):
        # A part of another schema, which is checked as a whole.
        return
    parts = list(_placed(contract, pointer, node))
    known = {name for _, part, _ in parts for name in part.get("properties", ())}
    if not known and "x-model" not in node:
        # A rule for other schemas to include, or an object with arbitrary properties.
        return
    for place, part, inverted in parts:
        if inverted:
            continue
        for index, name in enumerate(part.get("required", ())):
            if name not in known:
                yield contract.finding(
                    (*place, "required", index),
                    f"{name!r} is required, but is not a property of the object.",
                    did_you_mean(name, known, "Describe it below `properties`, or remove it."),
                )


def _placed(
    contract: Contract, pointer: Pointer, node: dict[str, Any], *, inverted: bool = False
) -> Iterator[tuple[Pointer, dict[str, Any], bool]]:
    """Iterate over a schema and all its parts: pointer, schema, and whether it is negated by `not`."""
    pointer, node = contract.resolve(pointer, node)
    yield pointer, node, inverted
    for keyword in ("allOf", "anyOf", "oneOf"):
        for index, part in enumerate(node.get(keyword, ())):
            yield from _placed(contract, (*pointer, keyword, index), part, inverted=inverted)
    if "not" in node:
        yield from _placed(contract, (*pointer, "not"), node["not"], inverted=True)


def _check_messages(contract: Contract, pointer: Pointer, node: dict[str, Any]) -> Iterator[Finding]:
    """Check that each message is for a keyword of the schema, or for one of a few other errors."""
    keywords = flattened(contract, node).keys()
    for name in node["x-messages"]:
        if name not in _SITUATIONS and name not in keywords:
            yield contract.finding(
                (*pointer, "x-messages", name),
                f"The message has no effect: the schema has no `{name}`.",
                did_you_mean(name, keywords, "Name a keyword that it has."),
            )
