"""Immutable plan per operation: everything that its requests need, compiled once."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonschema_rs import Validator

from app.contract.connexion import AbstractOperation, SecurityHandlerFactory
from app.contract.document.contract import Contract, Pointer, cached
from app.contract.request.answers import AnswerReader
from app.contract.request.authentication import Access
from app.contract.request.body import BodyReader
from app.contract.request.form import FORM, FormReader
from app.contract.request.path import PathReader, argument_of
from app.contract.request.query import QueryReader
from app.contract.response.examples import Examples, no_handler
from app.contract.response.responses import Header
from app.contract.response.stand_ins import StandIns, enum_of
from app.contract.response.writer import ResponseWriter, WriterBuilder
from app.contract.validation.schemas import Direction, SchemaReader, is_file, schema_properties
from app.exchanges import Credentials

REQUEST = "request"
"""The argument of handlers that take the context of the request."""

Verify = Callable[[Credentials], Access]


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one operation.

    :param operation_id: the operationId
    :param pointer: the pointer of the operation
    :param cached: whether its response to the same request is constant until something is stored
    :param challenges: whether the handler reports all failures, also of credentials, media types and the body
    :param verify: from the credentials to the caller's access; None if the operation is public
    :param security: the pointer of its security requirement
    :param permissions: the required permissions, all of them
    :param query: reads the query string
    :param body: reads the body; None if the operation takes none
    :param answers: reads the body by the alternative that the handler names; None if `body` reads it
    :param handler: the function named as the operationId, called with the store and the arguments
    :param examples: the examples to respond with if there is no such function; None if there is
    :param knows_request: whether the handler takes the context of the request
    :param undoable: whether the writes of the handler are rolled back if its response violates the contract
    :param single_statement: whether the handler normally runs one short statement
    :param long_running: whether the handler may take seconds
    :param enums: the values of enums in the body of a change, by property
    :param status: status code of success
    :param files: media types of a successful response that is a file; empty if it is JSON, or nothing
    :param writer: writes a successful response that is JSON; None if it is not
    :param validators: the validator of each documented error response; None for one without a body
    """

    operation_id: str
    pointer: Pointer
    cached: bool
    challenges: bool
    verify: Verify | None
    security: Pointer
    permissions: frozenset[str]
    query: QueryReader
    body: BodyReader | None
    answers: AnswerReader | None
    handler: Callable[..., Any]
    examples: Examples | None
    knows_request: bool
    undoable: bool
    single_statement: bool
    long_running: bool
    enums: Mapping[str, frozenset[Any]]
    status: int
    files: tuple[str, ...]
    writer: ResponseWriter | None
    validators: Mapping[int, Validator | None]


@dataclass(frozen=True, slots=True)
class PathPlan:
    """The plans of one path.

    :param plans: the plans by method
    :param undefined: the permissions required for the 405 of a method, by method
    :param headers: headers of each response with a JSON body
    :param lines: the same headers, encoded
    :param bare_headers: headers of each response without a body
    :param pointer: the pointer of the path in the contract
    :param reader: reads the path's parameters
    :param counters: the index of each method's counter in the metrics
    """

    plans: Mapping[str, Plan]
    undefined: Mapping[str, frozenset[str]]
    headers: tuple[Header, ...]
    lines: bytes
    bare_headers: tuple[Header, ...]
    pointer: Pointer
    reader: PathReader
    counters: Mapping[str, int]

    def plan_of(self, method: str) -> Plan | None:
        """The plan of a method, None without one. HEAD has that of GET, unless GET continues a flow: HEAD is safe (RFC 9110,
        section 9.2.1).
        """
        if method != "HEAD":
            return self.plans.get(method)
        plan = self.plans.get("GET")
        return None if plan is None or plan.challenges else plan


class PlanBuilder:
    """Builder of the plans of one contract.

    :param contract: the contract
    :param base_path: the base path of URLs in responses, without a trailing slash
    :param security: Connexion's factory of security handlers
    :param stand_ins: the stand-ins of values that the enums lack
    """

    def __init__(
        self,
        contract: Contract,
        base_path: str,
        security: SecurityHandlerFactory,
        stand_ins: StandIns | None = None,
    ) -> None:
        self._contract = contract
        self._security = security
        self._writers = WriterBuilder(contract, base_path, stand_ins)
        self._responses = SchemaReader(contract, Direction.RESPONSE)

    def build(self, operation: AbstractOperation) -> Plan:
        """The plan of an operation that has passed the boot checks."""
        pointer: Pointer = ("paths", operation.path, operation.method)
        raw = self._contract.at(pointer)
        responses = {int(code): self._contract.resolve((), response)[1] for code, response in raw["responses"].items()}
        status = min(code for code in responses if code < 300)
        content = responses[status].get("content", {})
        media: dict[str, Any] = next(iter(content.values()), {})
        schema = media.get("schema")
        files = tuple(content) if schema and is_file(self._contract, schema) else ()
        query = query_reader(self._contract, operation.path, operation.method)
        given = handler_arguments(self._contract, operation.path, operation.method, query)
        knows_request = REQUEST not in given and REQUEST in argument_names(operation.function)
        body = body_reader(self._contract, pointer, raw, schema if status == 201 else None)
        long_running = getattr(operation.function, "long_running", False)
        challenges = raw.get("x-challenges", False)
        return Plan(
            operation_id=operation.operation_id,
            pointer=pointer,
            # A file may contain the time of its creation, and a handler with the context may respond differently to each caller.
            cached=operation.method.lower() == "get"
            and not files
            and not knows_request
            and operation.function is not no_handler,
            challenges=challenges,
            verify=self._verify(operation),
            security=(*pointer, "security") if "security" in raw else ("security",),
            permissions=frozenset(raw.get("x-required-permissions", ())),
            query=query,
            body=body,
            answers=AnswerReader(self._contract, (*pointer, "requestBody"))
            if challenges and body is not None
            else None,
            handler=operation.function,
            examples=Examples(self._contract, pointer, status) if operation.function is no_handler else None,
            knows_request=knows_request,
            undoable=(operation.method.lower() != "get" or challenges) and schema is not None,
            single_statement=getattr(operation.function, "single_statement", False),
            long_running=long_running,
            enums=self._enums(body) if operation.method.lower() in ("put", "patch") else {},
            status=status,
            files=files,
            writer=self._writers.build(schema) if schema and not files else None,
            validators={code: self._validator(response) for code, response in responses.items() if code != status},
        )

    def _enums(self, body: BodyReader | None) -> Mapping[str, frozenset[Any]]:
        found = {name: enum_of(self._contract, schema) for name, schema in (body.properties if body else {}).items()}
        return {name: options for name, options in found.items() if options}

    def _verify(self, operation: AbstractOperation) -> Verify | None:
        """The check of the first security requirement; the boot checks admit one scheme per operation."""
        for requirement in operation.security or ():
            for name, scopes in requirement.items():
                verify: Verify = self._security.parse_security_scheme(operation.security_schemes[name], scopes)
                return verify
        return None

    def _validator(self, response: dict[str, Any]) -> Validator | None:
        media: dict[str, Any] = next(iter(response.get("content", {}).values()), {})
        return self._responses.validator(media["schema"]) if "schema" in media else None


def body_reader(contract: Contract, pointer: Pointer, operation: dict[str, Any], created: Any) -> BodyReader | None:
    """The reader of an operation's body, None if it takes none.

    :param pointer: the pointer of the operation
    :param created: the schema of the created object, whose defaults are added; None if none is created
    """
    if "requestBody" not in operation:
        return None
    content = contract.resolve((), operation["requestBody"])[1]["content"]
    defaults: dict[str, Any] = {}
    if created is not None:
        (sent,) = content.values()
        for schema in (created, sent["schema"]):
            for name, (_, property_schema) in schema_properties(contract, schema).items():
                if "x-create-default" in property_schema:
                    defaults[name] = property_schema["x-create-default"]
    reader = FormReader if FORM in content else BodyReader
    return reader(contract, (*pointer, "requestBody"), defaults)


@cached
def query_reader(contract: Contract, path: str, method: str) -> QueryReader:
    """The reader of an operation's query string."""
    return QueryReader(contract, parameters(contract, path, method, "query"))


@cached
def parameters(contract: Contract, path: str, method: str, location: str) -> dict[str, tuple[Pointer, dict[str, Any]]]:
    """The parameters of an operation in one location, its own before those of its path (OpenAPI 3.0.3, "Path Item Object").

    :returns: pointer and Parameter Object of each, `$ref` followed. Never to be changed
    """
    item: Pointer = ("paths", path)
    found: dict[str, tuple[Pointer, dict[str, Any]]] = {}
    for owner in ((*item, method), item):
        for index, declared in enumerate(contract.at(owner).get("parameters", ())):
            place, parameter = contract.resolve((*owner, "parameters", index), declared)
            if parameter["in"] == location:
                found.setdefault(parameter["name"], (place, parameter))
    return found


def handler_arguments(contract: Contract, path: str, method: str, query: QueryReader) -> list[str]:
    """The names of the arguments that the handler of an operation gets, except the store.

    :param query: the reader of the operation's query string
    """
    return [
        *(argument_of(parameter) for _, parameter in parameters(contract, path, method, "path").values()),
        *query.argument_names,
        *(["body"] if "requestBody" in contract.document["paths"][path][method] else []),
    ]


@lru_cache(maxsize=1024)
def argument_names(handler: Callable[..., Any]) -> Mapping[str, bool]:
    """The names of the arguments that a handler takes, except the store, and whether each is required. Never to be changed."""
    arguments = list(inspect.signature(handler).parameters.values())[1:]
    return {argument.name: argument.default is argument.empty for argument in arguments}
