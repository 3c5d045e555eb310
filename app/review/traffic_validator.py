"""Validation of recorded requests and responses by one contract."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs

from app.contract.compile.routing import Router
from app.contract.document.contract import Contract
from app.contract.request.body import BodyReader, InvalidBody, MalformedBody, UnsupportedMediaType
from app.contract.request.form import FORM, FormReader
from app.contract.request.path import PathReader
from app.contract.request.query import QueryReader, TooManyParameters
from app.contract.validation.schemas import Direction, SchemaReader
from app.review.comparing.differences import Found
from app.review.comparing.media_types import essence, of_kind
from app.review.comparing.operations import Operation, operations
from app.review.comparing.views import View
from app.review.traffic import Exchange

# The maximum length of a shown message.
_SHOWN = 160


class RequestOutcome(NamedTuple):
    """The outcome of a request.

    :param refused: the reason of its rejection; None if it is accepted
    :param parameters: the known parameters of its query
    :param properties: the parsed body
    """

    refused: str | None
    parameters: Sequence[str] = ()
    properties: Mapping[str, Any] = {}


class Breach(NamedTuple):
    """A deviation of an exchange from a contract.

    :param text: one sentence
    :param is_missing: whether the only error is a missing property
    """

    text: str
    is_missing: bool = False


class TrafficValidator:
    """Validates recorded traffic by one contract.

    :param contract: the contract

    `bases` has the base paths of its servers.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._responses = SchemaReader(contract, Direction.RESPONSE)
        self._router: Router[dict[str, Operation]] = Router()
        self.bases = _bases(contract)
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in operations(contract):
            by_path.setdefault(operation.path, {})[str(operation.pointer[2]).upper()] = operation
        for path, methods in by_path.items():
            parameters = self._parameters(next(iter(methods.values())), "path")
            for base in self.bases:
                self._router.add(base + path, methods, PathReader(contract, path, parameters).read)
        self._query = cache(lambda operation: QueryReader(contract, self._parameters(operation, "query")))
        self._body = cache(self._body_reader)
        self._view = cache(lambda position: View(contract, position))

    def operation(self, exchange: Exchange) -> Operation | None:
        """The operation of a request, if there is one."""
        found = self._router.find(exchange.path)
        method = "GET" if exchange.method == "HEAD" else exchange.method
        return found[0].get(method) if found is not None else None

    def taken(self, exchange: Exchange) -> RequestOutcome:
        """The outcome of a request, as far as it depends on the request alone."""
        operation, found = self.operation(exchange), self._router.find(exchange.path)
        if operation is None or found is None:
            return RequestOutcome("there is no such operation")
        if found[1] is None:
            return RequestOutcome("the path names nothing")
        try:
            _, errors = self._query(operation).read(exchange.query)
        except TooManyParameters:
            return RequestOutcome("there are too many parameters")
        if errors is not None:
            return RequestOutcome(_shown(errors.messages) or errors.not_found)
        given = {name for name, _ in parse_qsl(exchange.query.decode("latin-1"), keep_blank_values=True)}
        known = sorted(given & {name for location, name in operation.parameters if location == "query"})
        reader = self._body(operation)
        if reader is None or exchange.body is None:
            return RequestOutcome(None, known)
        try:
            return RequestOutcome(None, known, reader.read(exchange.body, exchange.content_type))
        except UnsupportedMediaType:
            return RequestOutcome(f"a body of {exchange.content_type or 'no media type'} is not taken")
        except MalformedBody as error:
            return RequestOutcome(str(error)[:_SHOWN])
        except InvalidBody as error:
            return RequestOutcome(_shown(error.messages))

    def breaches(self, exchange: Exchange) -> list[Breach]:
        """The deviations of a response from the contract; one in many items of a list counts once."""
        operation = self.operation(exchange)
        if operation is None:
            return [Breach("there is no such operation")]
        response = self._response(operation, exchange.status)
        if response is None:
            return [Breach(f"a {exchange.status} is not documented")]
        content = response[1].get("content", {})
        media_type = _media_type(content, exchange)
        if exchange.response_type and content and media_type is None:
            return [Breach(f"{exchange.response_type} is not documented for {exchange.status}")]
        if exchange.response is None:
            return []
        schema = content.get(media_type, {}).get("schema")
        if schema is None:
            unknown = not content and exchange.response
            return [Breach(f"no body is documented for {exchange.status}")] if unknown else []
        try:
            return self._violations(schema, exchange.response)
        except ValueError as error:  # it is nested too deeply, or has a text that is not Unicode
            return [Breach(f"the response can't be validated: {error}"[:_SHOWN])]

    def _violations(self, schema: Any, response: Any) -> list[Breach]:
        validator = self._responses.validator(schema)
        if validator.is_valid(response):
            return []
        found: dict[tuple[Any, ...], Breach] = {}
        for error in validator.iter_errors(response):
            where = ".".join(map(str, error.instance_path))
            text = f"{where or 'the response'}: {error.message}"[:_SHOWN]
            properties = (step for step in error.instance_path if isinstance(step, str))
            found.setdefault((*properties, *error.schema_path), Breach(text, is_missing=_is_missing(error)))
        return list(found.values())

    def sent(self, exchange: Exchange) -> View:
        """The schema of a request's body."""
        operation = self.operation(exchange)
        pointer, body = (operation.part("requestBody") if operation else None) or ((), {"content": {}})
        described = [name for name, media in body["content"].items() if "schema" in media]
        return self._view(tuple((*pointer, "content", name, "schema") for name in described[:1]))

    def in_responses(self, exchange: Exchange) -> View:
        """The schema of a response."""
        operation = self.operation(exchange)
        pointer, response = (self._response(operation, exchange.status) if operation else None) or ((), {})
        content = response.get("content", {})
        media_type = _media_type(content, exchange)
        if media_type is None or "schema" not in content[media_type]:
            return self._view(())
        return self._view(((*pointer, "content", media_type, "schema"),))

    def _response(self, operation: Operation, status: int) -> Found | None:
        declared = operation.node["responses"]
        code = next((code for code in (str(status), f"{status // 100}XX", "default") if code in declared), None)
        if code is None:
            return None
        return self._contract.resolve((*operation.pointer, "responses", code), declared[code])

    def _body_reader(self, operation: Operation) -> BodyReader | None:
        """The reader of the body of an operation; None if it has none, or one that can't be served."""
        _, body = operation.part("requestBody") or ((), {"content": {}})
        content = body["content"]
        if len(content) != 1 or not all("schema" in media for media in content.values()):
            return None
        reader = FormReader if FORM in content else BodyReader
        return reader(self._contract, (*operation.pointer, "requestBody"), {})

    @staticmethod
    def _parameters(operation: Operation, location: str) -> dict[str, Found]:
        """The parameters in one location, by name, including undeclared ones of the path."""
        undeclared = operation.path_parameters if location == "path" else []
        declared = {
            name: found
            for (where, name), (_, found) in operation.parameters.items()
            if where == location and "schema" in found[1]
        }
        return {**{name: (operation.pointer, {"name": name, "schema": {}}) for name in undeclared}, **declared}


def _media_type(content: Mapping[str, Any], exchange: Exchange) -> str | None:
    """The media type of a response in the contract; recordings have no parameters of it."""
    named = (name for name in content if essence(name) == exchange.response_type)
    return next(named, None) or of_kind(content, exchange.response_type)


def _bases(contract: Contract) -> list[str]:
    """The base paths of the servers, without the last slash."""
    paths = []
    for server in contract.document.get("servers") or [{"url": "/"}]:
        url = server["url"]
        for name, variable in server.get("variables", {}).items():
            url = url.replace(f"{{{name}}}", str(variable["default"]))
        path = urlsplit(url).path.strip("/")
        paths.append(f"/{path}" if path else "")
    return list(dict.fromkeys(paths))


def _is_missing(error: jsonschema_rs.ValidationError) -> bool:
    """Whether additional properties would make a value valid: itself, or one of its alternatives."""
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        return True
    alternatives = getattr(error.kind, "context", ())
    return any(errors and all(map(_is_missing, errors)) for errors in alternatives)


def _shown(messages: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {_flat(said)}" for name, said in messages.items())[:_SHOWN]


def _flat(said: Any) -> str:
    return " ".join(_messages(said))


def _messages(said: Any) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    else:
        for inner in said.values() if isinstance(said, dict) else said:
            yield from _messages(inner)
