"""What a client is told about values that break the contract, in authentik's words.

The sentences are those that authentik 2024.8.6 was recorded with (`tests/oracle/`): one table for members of a body, one for
query parameters. A schema's own `x-messages` come before both; `{value}` in them stands for the value that is wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jsonschema_rs import ValidationError

from app.contract.schemas import UUID_PATTERN

NON_FIELD_ERRORS = "non_field_errors"
REQUIRED = "This field is required."
NULL = "This field may not be null."
BLANK = "This field may not be blank."

Wording = Mapping[str, Callable[[Any, Any], str]]
"""The sentence of a keyword (or of `keyword:value`), from the keyword's value in the schema and the wrong instance."""

BODY: Wording = {
    "type:string": lambda _limit, _value: "Not a valid string.",
    "type:boolean": lambda _limit, _value: "Must be a valid boolean.",
    "type:integer": lambda _limit, _value: "A valid integer is required.",
    "type:number": lambda _limit, _value: "A valid number is required.",
    "type:array": lambda _limit, value: f'Expected a list of items but got type "{type(value).__name__}".',
    "type:object": lambda _limit, value: f"Invalid data. Expected a dictionary, but got {type(value).__name__}.",
    "enum": lambda _limit, value: f'"{value}" is not a valid choice.',
    "minLength": lambda limit, _value: f"Ensure this field has at least {limit} characters.",
    "maxLength": lambda limit, _value: f"Ensure this field has no more than {limit} characters.",
    "minItems": lambda limit, _value: f"Ensure this field has at least {limit} elements.",
    "maxItems": lambda limit, _value: f"Ensure this field has no more than {limit} elements.",
    "minimum": lambda limit, _value: f"Ensure this value is greater than or equal to {limit}.",
    "maximum": lambda limit, _value: f"Ensure this value is less than or equal to {limit}.",
    "exclusiveMinimum": lambda limit, _value: f"Ensure this value is greater than {limit}.",
    "exclusiveMaximum": lambda limit, _value: f"Ensure this value is less than {limit}.",
    "pattern": lambda _limit, _value: "This value does not match the required pattern.",
    f"pattern:{UUID_PATTERN}": lambda _limit, _value: "Must be a valid UUID.",
    "format:uri": lambda _limit, _value: "Enter a valid URL.",
}

QUERY: Wording = {
    **BODY,
    "type:number": lambda _limit, _value: "Enter a number.",
    "enum": lambda _limit, value: f"Select a valid choice. {value} is not one of the available choices.",
    f"pattern:{UUID_PATTERN}": lambda _limit, _value: "Enter a valid UUID.",
}

# Messages of one value stand in this order, as authentik runs its checks.
_ORDER = ("not", "minLength", "maxLength", "pattern")


def explain(
    errors: Iterable[ValidationError],
    instance: Any,
    members: Mapping[str, Mapping[str, Any]],
    wording: Wording,
) -> dict[str, list[str]]:
    """All that is wrong with an object, by member, in the contract's order.

    :param errors: what the compiled validator found
    :param instance: the object that was validated
    :param members: the schema of each member, `$ref` and `allOf` merged
    :param wording: the sentences to use
    """
    by_member: dict[str, list[ValidationError]] = {}
    for error in errors:
        if error.kind.name == "required" and not error.instance_path:
            name = str(error.kind.value)
        else:
            name = str(error.instance_path[0]) if error.instance_path else NON_FIELD_ERRORS
        by_member.setdefault(name, []).append(error)
    if NON_FIELD_ERRORS in by_member:
        return {NON_FIELD_ERRORS: _of_whole(by_member[NON_FIELD_ERRORS], instance, wording)}
    ordered = [name for name in members if name in by_member] + [name for name in by_member if name not in members]
    return {name: _of_member(by_member[name], instance.get(name), members.get(name, {}), wording) for name in ordered}


def _of_whole(errors: list[ValidationError], instance: Any, wording: Wording) -> list[str]:
    if instance is None:
        return ["No data provided"]
    return _sentences(errors, lambda _error: instance, {}, wording)


def _of_member(errors: list[ValidationError], value: Any, schema: Mapping[str, Any], wording: Wording) -> list[str]:
    own = schema.get("x-messages", {})
    kinds = {error.kind.name: error for error in errors if len(error.instance_path) <= 1}
    if "required" in kinds:
        return [own.get("required", REQUIRED)]
    if value is None:
        return [own.get("null", NULL)]
    if schema.get("minLength") and isinstance(value, str) and not value.strip():
        return [own.get("minLength", BLANK)]
    # A value of the wrong type is none of the enum's either; the choice is what a client needs to hear of.
    for decisive in ("enum", "type"):
        if decisive in kinds:
            errors = [kinds[decisive]]
            break
    return _sentences(errors, lambda error: _at(value, error.instance_path[1:]), own, wording)


def _sentences(
    errors: list[ValidationError],
    instance_of: Callable[[ValidationError], Any],
    own: Mapping[str, str],
    wording: Wording,
) -> list[str]:
    """One sentence per broken keyword, without repetitions."""
    ranked = sorted(errors, key=lambda error: _ORDER.index(error.kind.name) if error.kind.name in _ORDER else -1)
    sentences = []
    for error in ranked:
        keyword, limit = error.kind.name, error.kind.value
        say = wording.get(f"{keyword}:{_one_type(limit)}") or wording.get(keyword)
        if keyword in own and len(error.instance_path) <= 1:
            sentences.append(own[keyword].replace("{value}", str(instance_of(error))))
        else:
            sentences.append(say(limit, instance_of(error)) if say else error.message)
    return list(dict.fromkeys(sentences))


def _one_type(limit: Any) -> Any:
    """The type that is not null, of a nullable schema's two."""
    if isinstance(limit, list):
        return next((name for name in limit if name != "null"), None)
    return limit


def _at(value: Any, path: Iterable[str | int]) -> Any:
    for key in path:
        value = value[key]
    return value
