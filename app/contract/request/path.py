"""Path parameters: from the path to the arguments of a handler."""

import contextlib
import re
import uuid
from collections.abc import Mapping
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.contract.validation.rules import ViolatedRule, violated_parameters
from app.contract.validation.schemas import Direction, SchemaReader, flattened

# As many ASCII digits as an integer of 64 bits has.
_INTEGER = re.compile("-?[0-9]{1,19}")


class PathReader:
    """Reader of the parameters of one path. A value that violates its schema identifies no object.

    :param contract: the contract
    :param template: the path in the contract, below the base path
    :param parameters: pointer and Parameter Object of each path parameter, by name
    """

    def __init__(
        self, contract: Contract, template: str, parameters: Mapping[str, tuple[Pointer, dict[str, Any]]]
    ) -> None:
        self._contract = contract
        self._template = template
        self._parameters = parameters
        self._arguments = {name: argument_of(parameter) for name, (_, parameter) in parameters.items()}
        schemas = {name: flattened(contract, parameter["schema"]) for name, (_, parameter) in parameters.items()}
        self._uuids = [name for name, schema in schemas.items() if schema.get("format") == "uuid"]
        self._integers = [name for name, schema in schemas.items() if schema.get("type") == "integer"]
        self._validator = SchemaReader(contract, Direction.REQUEST).validator(
            {"type": "object", "properties": {name: parameter["schema"] for name, (_, parameter) in parameters.items()}}
        )

    def read(self, values: Mapping[str, str]) -> Mapping[str, Any] | None:
        """The arguments for a handler; None if no such object can exist."""
        read = self._in_one_way(values)
        if not self._validator.is_valid(read):
            return None
        return {self._arguments[name]: value for name, value in read.items()}

    def violated(self, path: str) -> list[ViolatedRule]:
        """The rules violated by the values in a path. :param path: a path that matches the template"""
        names = self._template.split("/")
        sent = path.split("/")[-len(names) :]
        values = {name[1:-1]: value for name, value in zip(names, sent, strict=True) if name.startswith("{")}
        read = self._in_one_way(values)
        return violated_parameters(self._contract, self._parameters, self._validator.iter_errors(read), read)

    def _in_one_way(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Normalized values: integers parsed, and UUIDs as they are stored; authentik accepts any notation."""
        values: dict[str, Any] = dict(texts)
        for name in self._integers:
            if _INTEGER.fullmatch(values[name]):
                values[name] = int(values[name])
        for name in self._uuids:
            with contextlib.suppress(ValueError):
                values[name] = str(uuid.UUID(values[name]))
        return values


def argument_of(parameter: Mapping[str, Any]) -> str:
    """The handler's name for a path parameter."""
    name: str = parameter.get("x-argument", parameter["name"])
    return name
