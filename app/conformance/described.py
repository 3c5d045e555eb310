"""Identifiers, references and unique properties in the contract, which decide which data a store accepts.

They are read from the document alone, so that a fuzzer uses a new operation, model or reference as soon as it is described.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.contract.document.contract import Contract, File
from app.contract.validation.schemas import Direction, SchemaReader
from app.domain import CASCADE

Schema = Mapping[str, Any]
Document = Mapping[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_BODY = "$response.body#/"
# `placeholder` is an expression if `placeholder_expression` is true.
IS_EXPRESSION = "_expression"


@dataclass(frozen=True)
class Targets:
    """The objects that a value may identify.

    :param models: their models; empty if no such object ever exists
    :param identity: their properties that the value may equal
    :param cascades: whether the object with the value is deleted with them
    :param words: the message for a value that identifies one of them, but is not allowed
    """

    models: frozenset[str]
    identity: tuple[str, ...]
    cascades: bool = False
    words: frozenset[str] = frozenset()


@dataclass
class Operation:
    """An operation of the contract.

    :param takes_input: whether it has a body or query parameters
    :param challenges: whether it reports invalid requests by successful responses
    :param body: the schema of its body
    :param unique: the unique properties of its body, with their schemas
    :param unique_together: the messages about properties that are unique together
    :param references: the reference properties of its body
    :param filters: the query parameters that are references
    :param narrowing: the query parameters that filter objects
    :param lenient: the query parameters for which invalid text means the default
    :param path: the path parameters, with the objects that they identify
    :param responses: the schemas of its responses, by status
    :param rejections: the properties and messages of the 400 that it describes itself, for states of the store
    :param expressions: the properties of its body that another one, named after them, makes expressions
    """

    takes_input: bool
    body: Schema
    unique: Mapping[str, Schema]
    unique_together: frozenset[str]
    references: Mapping[str, Targets]
    filters: Mapping[str, Targets]
    narrowing: frozenset[str]
    responses: Mapping[str, Schema]
    challenges: bool = False
    rejections: frozenset[tuple[str, str]] = frozenset()
    lenient: frozenset[str] = frozenset()
    expressions: frozenset[str] = frozenset()
    path: dict[str, Targets] = field(default_factory=dict)


class DescribedContract:
    """The operations of a contract, by method and path.

    :param document: the contract as one document
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        whole = dict(document)
        contract = Contract((File(Path(), "the contract", b"", whole, dict),), whole, {})
        self._reader = SchemaReader(contract, Direction.REQUEST)
        schemas = [self.flattened(schema) for schema in document.get("components", {}).get("schemas", {}).values()]
        self._models = [schema["x-model"] for schema in schemas if "x-model" in schema]
        self._operations: dict[tuple[str, str], Operation] = {}
        by_id: dict[str, tuple[str, str]] = {}
        links: list[tuple[Mapping[str, Any], str]] = []
        for path, item in document["paths"].items():
            for method in _METHODS:
                if described := item.get(method):
                    self._operations[method, path] = self._operation(item, described)
                    by_id[described.get("operationId", "")] = method, path
                    links += self._links(described)
        for link, model in links:
            self._follow(link, model, self._operations[by_id[link["operationId"]]])

    def operation(self, method: str, path: str) -> Operation:
        """An operation. :param path: with its parameters in braces"""
        return self._operations[method.lower(), path]

    def has(self, method: str, path: str) -> bool:
        """Whether there is an operation."""
        return (method.lower(), path) in self._operations

    @property
    def identities(self) -> frozenset[str]:
        """The properties that identify objects anywhere."""
        named = (
            targets.identity
            for operation in self._operations.values()
            for targets in (*operation.references.values(), *operation.filters.values(), *operation.path.values())
        )
        return frozenset(property_name for properties in named for property_name in properties)

    def holders(self) -> dict[str, frozenset[str]]:
        """The properties with the objects whose deletion cascades, by model."""
        found: dict[str, frozenset[str]] = {}
        for operation in self._operations.values():
            for schema in operation.responses.values():
                if model := self.model_of(schema):
                    properties = frozenset(name for name, targets in operation.references.items() if targets.cascades)
                    found[model] = found.get(model, frozenset()) | properties
        return found

    def retrieval(self, model: str) -> tuple[str, str, str] | None:
        """How an object of a model is retrieved: the path, its parameter, and the property with the parameter's value."""
        for (method, path), operation in self._operations.items():
            if (
                method == "get"
                and len(operation.path) == 1
                and self.model_of(operation.responses.get("200", {})) == model
            ):
                ((parameter, targets),) = operation.path.items()
                return path, parameter, targets.identity[0]
        return None

    def model_of(self, schema: Schema) -> str | None:
        """The model of a schema."""
        name: str | None = self.flattened(schema).get("x-model", {}).get("name")
        return name

    def objects(self, schema: Schema, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The objects in a response, each with its model, the outer ones first."""
        schema = self.flattened(schema)
        if isinstance(value, list):
            for item in value:
                yield from self.objects(schema.get("items", {}), item)
        elif isinstance(value, dict):
            if "x-model" in schema:
                yield schema["x-model"]["name"], value
            for name, property_schema in schema.get("properties", {}).items():
                if name in value:
                    yield from self.objects(property_schema, value[name])

    def describes(self, schema: Schema, value: Any) -> bool:
        """Whether a value is valid by a schema."""
        return self._reader.validator(schema).is_valid(value)

    def part(self, schema: Schema, path: Iterable[str | int]) -> dict[str, Any]:
        """The schema of a part of a value; empty if there is none. :param path: names of properties and indexes of items"""
        for key in path:
            schema = self.flattened(schema)
            schema = schema.get("items", {}) if isinstance(key, int) else schema.get("properties", {}).get(key, {})
        return self.flattened(schema)

    def flattened(self, schema: Schema) -> dict[str, Any]:
        """The keywords of a schema, with those of its `$ref` and of each part of its `allOf`."""
        schema = self._resolved(schema)
        merged: dict[str, Any] = {}
        for part in (*map(self.flattened, schema.get("allOf", ())), schema):
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            merged |= {keyword: value for keyword, value in part.items() if keyword != "allOf"}
            if properties:
                merged["properties"] = properties
        return merged

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in part:
            found: Any = self._document
            for key in part["$ref"].removeprefix("#/").split("/"):
                found = found[key.replace("~1", "/").replace("~0", "~")]
            part = found
        return part

    def _operation(self, item: Mapping[str, Any], described: Mapping[str, Any]) -> Operation:
        query = [
            parameter
            for parameter in map(self._resolved, (*item.get("parameters", ()), *described.get("parameters", ())))
            if parameter["in"] == "query"
        ]
        body: dict[str, Any] = {}
        for media in self._resolved(described.get("requestBody", {})).get("content", {}).values():
            body |= self.flattened(media["schema"])
        properties = {
            name: self.flattened(property_schema) for name, property_schema in body.get("properties", {}).items()
        }
        return Operation(
            takes_input=bool(query or body),
            body=body,
            unique={
                name: property_schema for name, property_schema in properties.items() if "x-unique" in property_schema
            },
            unique_together=frozenset(rule["message"] for rule in body.get("x-unique-together", ())),
            references=self._references(properties),
            filters=self._references({parameter["name"]: parameter for parameter in query}),
            lenient=frozenset(part["name"] for part in query if "x-default-for-text" in part),
            narrowing=frozenset(part["name"] for part in query if "x-filters" in part or "x-searches" in part),
            responses={
                status: media["schema"]
                for status, response in described["responses"].items()
                for media in self._resolved(response).get("content", {}).values()
            },
            challenges=described.get("x-challenges", False),
            rejections=frozenset(_messages(described["responses"].get("400", {}))),
            expressions=frozenset(name for name in properties if f"{name}{IS_EXPRESSION}" in properties),
        )

    def _references(self, named: Mapping[str, Mapping[str, Any]]) -> dict[str, Targets]:
        found = {}
        for name, part in named.items():
            if (reference := part.get("x-references")) is not None:
                models = frozenset(
                    model["name"]
                    for model in self._models
                    if {model["name"], model["collection"]} & set(_listed(reference["to"]))
                )
                cascades = reference.get("on_delete") == CASCADE
                words = frozenset(reference[key] for key in ("itself", "fixed") if key in reference)
                found[name] = Targets(models, tuple(_listed(reference.get("identity", "pk"))), cascades, words)
        return found

    def _links(self, described: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
        """The links from responses with an object, each with the object's model."""
        for response in map(self._resolved, described["responses"].values()):
            for media in response.get("content", {}).values():
                if model := self.model_of(media["schema"]):
                    for link in response.get("links", {}).values():
                        yield self._resolved(link), model

    def _follow(self, link: Mapping[str, Any], model: str, target: Operation) -> None:
        """Record the objects that the path parameters of a link's target identify."""
        for parameter, expression in link.get("parameters", {}).items():
            name = parameter.removeprefix("path.")
            if str(expression).startswith(_BODY):
                before = target.path.get(name, Targets(frozenset(), ()))
                target.path[name] = Targets(before.models | {model}, (expression.removeprefix(_BODY),))


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _messages(response: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The properties and messages in the examples of a response that is described in place, not by reference."""
    for media in response.get("content", {}).values():
        for example in (media.get("example"), *(one.get("value") for one in media.get("examples", {}).values())):
            for name, messages in example.items() if isinstance(example, dict) else ():
                for message in messages if isinstance(messages, list) else [messages]:
                    if isinstance(message, str):
                        yield name, message
