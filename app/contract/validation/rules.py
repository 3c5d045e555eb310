"""The rules of the contract that a refused request goes against, and where they stand."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from jsonschema_rs import ValidationError

from app.contract.document.contract import Contract, Pointer
from app.contract.validation.schemas import pointer_of

MISSING: Any = object()
"""The value of what is not there."""


class ViolatedRule(NamedTuple):
    """A rule that a request breaks.

    :param rule: where the rule stands in the contract
    :param property_name: the keys and indices that lead to what breaks it; none if that is no property
    :param value: what breaks it; `MISSING` if there is none
    """

    rule: Pointer
    property_name: Pointer = ()
    value: Any = MISSING

    @property
    def keyword(self) -> str:
        """What the contract calls the rule. What stands below an extension is a part of it."""
        names = [key for key in self.rule if isinstance(key, str)]
        return next((name for name in names if name.startswith("x-")), names[-1])


def violated_by(
    contract: Contract, pointer: Pointer, errors: Iterable[ValidationError], instance: Any
) -> list[ViolatedRule]:
    """The rules that a validator found an instance to break.

    :param pointer: where its schema stands
    """
    return [_violated(contract, pointer, error.schema_path, error, instance) for error in errors]


def violated_parameters(
    contract: Contract,
    parameters: Mapping[str, tuple[Pointer, Mapping[str, Any]]],
    errors: Iterable[ValidationError],
    values: Mapping[str, Any],
) -> list[ViolatedRule]:
    """The rules that the values of parameters break.

    :param parameters: place and description of each, by name; a validator has the schemas of all as those of one object's
        properties
    :param errors: what this validator found
    """
    violated = []
    for error in errors:
        if error.kind.name == "required":
            place, _ = parameters[error.kind.value]
            violated.append(ViolatedRule((*place, "required"), (error.kind.value,)))
        elif error.schema_path[0] == "definitions":
            violated.append(_violated(contract, (), error.schema_path, error, values))
        else:
            _, name, *path = error.schema_path
            place, parameter = parameters[str(name)]
            # What a parameter says of its values stands around its schema.
            path = path[2:] if "x-references" in parameter else path
            violated.append(_violated(contract, (*place, "schema"), path, error, values))
    return violated


def _violated(
    contract: Contract, pointer: Pointer, path: Sequence[str | int], error: ValidationError, instance: Any
) -> ViolatedRule:
    if path[0] == "definitions":
        pointer, path = pointer_of(str(path[1])), path[2:]
    rule, property_name = _in_contract(contract, (*pointer, *path)), tuple(error.instance_path)
    if error.kind.name == "required":
        name = error.kind.value
        return ViolatedRule((*rule, contract.at(rule).index(name)), (*property_name, name))
    return ViolatedRule(rule, property_name, _at(instance, property_name))


def _in_contract(contract: Contract, rule: Pointer) -> Pointer:
    """Where the rule stands that a validator checks: it has other keywords where the contract has some formats."""
    if rule[-3:-2] == ("allOf",):
        schema = contract.at(rule[:-3])
        if rule[-2] == len(schema.get("allOf", ())):
            return (*rule[:-3], "format")
    return rule


def _at(value: Any, path: Pointer) -> Any:
    for key in path:
        value = value[key]
    return value
