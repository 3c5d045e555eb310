"""Query parameters: from the query string to the arguments of a handler.

Coercion follows the parameter's `schema.type` (OpenAPI 3.0.3, "Style Values": form, exploded); text that is not a literal of that
type remains text, so that the compiled validator rejects it. Of a repeated parameter that is not an array the last one counts, as
recorded from authentik (`list.page.dup`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from app.caches import bounded_cache
from app.contract.document.contract import Contract, Pointer
from app.contract.errors import ResponseValidationError
from app.contract.validation.coercion import coercion_of
from app.contract.validation.messages import ErrorFormatter, Messages
from app.contract.validation.rules import ViolatedRule, violated_parameters
from app.contract.validation.schemas import Direction, SchemaReader, flattened
from app.contract.validation.violations import violations
from app.contract.validation.wording import MORE, NON_FIELD_ERRORS, QUERY, not_a_choice
from app.domain import SortKey

# authentik's own limit (Django's DATA_UPLOAD_MAX_NUMBER_FIELDS), above which it responds with an HTML page.
MAX_PARAMETERS = 1000

# How many parsed query strings of an operation are cached, and how long these are at most, in bytes: enough for the pages that
# clients request.
_CACHED_QUERIES = 256
_CACHED_LENGTH = 256

_TERM_BOUNDARY = re.compile(r"[\s,]+")


class TooManyParameters(Exception):
    """The query string has more parameters than the limit."""


@dataclass
class QueryErrors:
    """The errors of a query string. All are empty if it is valid.

    :param messages: messages by parameter, for a 400
    :param not_found: the message of a 404
    :param violated: the violated rules
    """

    messages: Messages = field(default_factory=dict)
    not_found: str = ""
    violated: list[ViolatedRule] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.messages or self.not_found)


class QueryReader:
    """Reader of the query string of one operation.

    :param contract: the contract
    :param parameters: pointer and Parameter Object of each query parameter, by name
    """

    def __init__(self, contract: Contract, parameters: Mapping[str, tuple[Pointer, dict[str, Any]]]) -> None:
        self._contract = contract
        self._described = parameters
        self._parameters = {name: _Parameter(contract, parameter) for name, (_, parameter) in parameters.items()}
        schema = {
            "type": "object",
            "properties": {name: _schema_of(parameter) for name, (_, parameter) in parameters.items()},
            "required": [name for name, (_, parameter) in parameters.items() if parameter.get("required")],
        }
        self._validator = SchemaReader(contract, Direction.REQUEST).validator(schema)
        self._formatter = ErrorFormatter(contract, schema, QUERY)
        self.page_not_found = next((p.not_found for p in self._parameters.values() if p.not_found), "")
        self._absent = self._arguments({})
        self._may_be_absent = self._validator.is_valid({})
        # Clients repeat the same queries, and the result depends on nothing else.
        self._read_before = bounded_cache(_CACHED_QUERIES)(self._read)

    @property
    def argument_names(self) -> set[str]:
        """The names of the handler's arguments from this query."""
        return set(self._absent)

    def read(self, query: bytes) -> tuple[Mapping[str, Any], QueryErrors | None]:
        """The arguments for the handler, or the errors. Neither may be changed.

        :param query: the encoded query string
        :raises TooManyParameters: there are more than `MAX_PARAMETERS`
        """
        if not self._parameters or (not query and self._may_be_absent):
            if query.count(b"&") >= MAX_PARAMETERS:
                raise TooManyParameters
            return self._absent, None
        return self._read_before(query) if len(query) <= _CACHED_LENGTH else self._read(query)

    def not_a_choice(self, property_name: str, value: Any) -> Messages:
        """The messages for a filter with the identifier of an object that does not exist."""
        parameter = self._choosing(property_name)
        return {parameter.name: [not_a_choice(value, parameter.is_array)]}

    def violated_choice(self, property_name: str, value: Any) -> ViolatedRule:
        """The rule violated by such a filter."""
        name = self._choosing(property_name).name
        return ViolatedRule((*self._described[name][0], "x-references"), (name,), value)

    @property
    def page_rule(self) -> Pointer:
        """The pointer of the message for a page that does not exist."""
        return next((*self._described[name][0], "x-not-found") for name, p in self._parameters.items() if p.not_found)

    def _choosing(self, property_name: str) -> "_Parameter":
        parameter = next((p for p in self._parameters.values() if p.refers_by == property_name), None)
        if parameter is None:
            raise ResponseValidationError(
                f"{property_name!r} is not a choice, and no parameter that filters by it has `x-references`."
            )
        return parameter

    def _read(self, query: bytes) -> tuple[Mapping[str, Any], QueryErrors | None]:
        try:
            pairs = parse_qsl(
                query.decode("latin-1"), keep_blank_values=True, errors="replace", max_num_fields=MAX_PARAMETERS
            )
        except ValueError as error:
            raise TooManyParameters from error
        values: dict[str, Any] = {}
        for name, text in pairs:
            parameter = self._parameters.get(name)
            if parameter is not None:
                parameter.take(values, text)
        if self._validator.is_valid(values):
            return self._arguments(values), None
        return {}, self._errors(values)

    def _errors(self, values: dict[str, Any]) -> QueryErrors:
        found, complete = violations(self._validator, values, self._parameters)
        messages = self._formatter.explain(found, values)
        errors = QueryErrors(violated=violated_parameters(self._contract, self._described, found, values))
        for name, texts in messages.items():
            if not_found := self._parameters[name].not_found:
                errors.not_found = not_found
            else:
                errors.messages[name] = texts
        if errors.messages and not complete:
            errors.messages[NON_FIELD_ERRORS] = [MORE]
        return errors

    def _arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for name, parameter in self._parameters.items():
            parameter.give(arguments, values.get(name, parameter.default))
        return arguments


class _Parameter:
    """A compiled query parameter."""

    def __init__(self, contract: Contract, parameter: dict[str, Any]) -> None:
        self.name: str = parameter["name"]
        schema = flattened(contract, parameter["schema"])
        self.default = schema.get("default")
        self.not_found: str = parameter.get("x-not-found", "")
        self._blank_is_absent: bool = parameter.get("allowEmptyValue", False)
        self._trim: bool = schema.get("x-trim", False)
        self.is_array = schema.get("type") == "array"
        element = flattened(contract, schema["items"]) if self.is_array else schema
        self._coerce = coercion_of(element)
        self._default_below = parameter.get("x-default-below")
        self._default_for_text: bool = parameter.get("x-default-for-text", False)
        self._null_is_least: bool = parameter.get("x-null-is-least", False)
        self._filters: str | None = parameter.get("x-filters")
        self.refers_by = parameter.get("x-filters", self.name) if "x-references" in parameter else None
        self._searches = "x-searches" in parameter
        self._orders_by = frozenset(parameter.get("x-orders-by", ()))

    def take(self, values: dict[str, Any], text: str) -> None:
        """Add one occurrence in the query string to the values to validate."""
        if self._trim:
            text = text.strip()
        if not text and self._blank_is_absent:
            values.pop(self.name, None)
        elif self.is_array:
            values.setdefault(self.name, []).append(self._coerce(text))
        elif self._default_for_text and isinstance(self._coerce(text), str):
            values.pop(self.name, None)
        else:
            values[self.name] = self._coerce(text)

    def give(self, arguments: dict[str, Any], value: Any) -> None:
        """Add the value, or its absence, to the arguments of the handler."""
        if self._filters:
            filters = arguments.setdefault("filters", {})
            if value is not None:
                filters[self._filters] = value
        elif self._searches:
            arguments[self.name] = search_terms(value or "")
        elif self._orders_by:
            arguments[self.name] = self._ordering(value or "") or self._ordering(self.default or "")
        elif self._default_below is not None and value is not None and value < self._default_below:
            arguments[self.name] = self.default
        else:
            arguments[self.name] = value

    def _ordering(self, value: str) -> tuple[SortKey, ...]:
        """The sort keys in a value, unknown ones omitted (recorded: `list.ordering.*`)."""
        keys: dict[str, SortKey] = {}
        for part in value.split(","):
            part = part.strip()
            property_name = part.removeprefix("-")
            if property_name in self._orders_by:
                key = SortKey(property_name, part != property_name, self._null_is_least)
                keys.setdefault(property_name, key)
        return tuple(keys.values())


def _schema_of(parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema, merged with the keywords of the parameter itself."""
    if "x-references" in parameter:
        return {"allOf": [parameter["schema"]], "x-references": parameter["x-references"]}
    schema: dict[str, Any] = parameter["schema"]
    return schema


def search_terms(text: str) -> tuple[str, ...]:
    """The words of a search: split at white space and commas, NUL dropped (recorded: `list.search.*`)."""
    return tuple(dict.fromkeys(filter(None, _TERM_BOUNDARY.split(text.replace("\0", "")))))
