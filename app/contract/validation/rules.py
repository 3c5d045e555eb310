"""Violated rules of the contract, and their pointers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from jsonschema_rs import ValidationError

from app.contract.document.contract import Contract, Pointer
from app.contract.validation.schemas import pointer_of

MISSING: Any = object()
"""The value of a missing property."""


class ViolatedRule(NamedTuple):
    """A rule that a request violates.

    :param rule: the pointer of the rule in the contract
    :param property_name: the keys and indices of the invalid property; empty if it is none
    :param value: the invalid value; `MISSING` if there is none
    """

    rule: Pointer
    property_name: Pointer = ()
    value: Any = MISSING

    @property
    def keyword(self) -> str:
        """The keyword of the rule; for a part of an extension, the extension."""
        names = [key for key in self.rule if isinstance(key, str)]
        return next((name for name in names if name.startswith("x-")), names[-1])


def violated_by(
    contract: Contract, pointer: Pointer, errors: Iterable[ValidationError], instance: Any
) -> list[ViolatedRule]:
    """The rules violated by an instance, from the errors of a validator.

    :param pointer: the pointer of the schema
    """
    return [_violated(contract, pointer, error.schema_path, error, instance) for error in errors]


def violated_parameters(
    contract: Contract,
    parameters: Mapping[str, tuple[Pointer, Mapping[str, Any]]],
    errors: Iterable[ValidationError],
    values: Mapping[str, Any],
) -> list[ViolatedRule]:
    """The rules violated by the values of parameters.

    :param parameters: pointer and Parameter Object of each, by name; the validator has their schemas as the properties of one
        object
    :param errors: the errors of this validator
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
            # The keywords of a parameter itself are outside its schema.
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
    """The pointer in the contract of a rule in the compiled schema, in which other keywords replace some formats."""
    if rule[-3:-2] == ("allOf",):
        schema = contract.at(rule[:-3])
        if rule[-2] == len(schema.get("allOf", ())):
            return (*rule[:-3], "format")
    return rule


def _at(value: Any, path: Pointer) -> Any:
    for key in path:
        value = value[key]
    return value
