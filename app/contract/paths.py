"""Path parameters: from the text in a path to the values that a handler gets."""

import contextlib
import uuid
from collections.abc import Mapping
from typing import Any

from app.contract.schemas import Direction, SchemaReader, flattened
from app.contract.source import Source


class PathReader:
    """Reads the parameters of one path. What a value outside its schema names does not exist.

    :param source: the contract
    :param parameters: the path's parameters, `$ref` followed
    """

    def __init__(self, source: Source, parameters: list[dict[str, Any]]) -> None:
        self._arguments = {parameter["name"]: argument_of(parameter) for parameter in parameters}
        self._uuids = [
            parameter["name"]
            for parameter in parameters
            if flattened(source, parameter["schema"]).get("format") == "uuid"
        ]
        self._validator = SchemaReader(source, Direction.REQUEST).validator(
            {"type": "object", "properties": {parameter["name"]: parameter["schema"] for parameter in parameters}}
        )

    def read(self, values: Mapping[str, str]) -> Mapping[str, Any] | None:
        """The arguments for a handler; None if there can be no such object."""
        values = dict(values)
        for name in self._uuids:
            # authentik finds an object by any way to write its UUID; it is stored and compared in one.
            with contextlib.suppress(ValueError):
                values[name] = str(uuid.UUID(values[name]))
        if not self._validator.is_valid(values):
            return None
        return {self._arguments[name]: value for name, value in values.items()}


def argument_of(parameter: Mapping[str, Any]) -> str:
    """The name under which a handler gets a path parameter."""
    name: str = parameter.get("x-argument", parameter["name"])
    return name
