"""`/contract/operations/<operationId>/`: one operation of the contract."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import abort, render_template

from app.contract.document.contract import Contract, Pointer
from app.pages.contract.described import Described, Property, Word, describe, kind_of, rules_of
from app.pages.contract.places import Place, place_of


@dataclass(frozen=True)
class Content:
    """The content of a body.

    :param kind: the schema's name, if it has one
    :param examples: by name
    """

    media_type: str
    kind: tuple[Word, ...]
    schema: Described
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Body:
    """A body, or a response. :param label: the status of a response"""

    label: str
    description: str
    contents: tuple[Content, ...]
    place: Place


@dataclass(frozen=True)
class Parameter:
    """A parameter. :param within: path, query or header"""

    within: str
    item: Property


def operation(contract: Contract, base_path: str, name: str) -> str:
    """The page of an operation.

    :param base_path: of the API
    :param name: its operationId
    """
    named = {
        described["operationId"]: (place, path, method) for place, path, method, described in contract.operations()
    }
    if name not in named:
        abort(404)
    pointer, path, method = named[name]
    described = contract.at(pointer)
    meanings = contract.document.get("x-permissions", {})
    return render_template(
        "contract/operation.html",
        operation=described,
        method=method.upper(),
        path=base_path + path,
        place=place_of(contract, pointer),
        permissions=[(name, meanings.get(name, "")) for name in described.get("x-required-permissions", ())],
        parameters=[*_parameters(contract, pointer, described)],
        body=_body(contract, (*pointer, "requestBody"), "") if "requestBody" in described else None,
        responses=[_body(contract, (*pointer, "responses", status), status) for status in described["responses"]],
    )


def _parameters(contract: Contract, pointer: Pointer, operation: dict[str, Any]) -> Iterator[Parameter]:
    """The parameters of a path, and of an operation on it."""
    of_path = pointer[:-1]
    places = [(*of_path, "parameters", index) for index in range(len(contract.at(of_path).get("parameters", ())))]
    places += [(*pointer, "parameters", index) for index in range(len(operation.get("parameters", ())))]
    for place in places:
        where, parameter = contract.resolve(place, contract.at(place))
        schema = parameter["schema"]
        extensions = {key: value for key, value in parameter.items() if key.startswith("x-")}
        yield Parameter(
            parameter["in"],
            Property(
                name=parameter["name"],
                required=parameter.get("required", False),
                kind=kind_of(contract, schema),
                rules=rules_of(contract, {**schema, **extensions}),
                description=parameter.get("description", ""),
                place=place_of(contract, where),
            ),
        )


def _body(contract: Contract, pointer: Pointer, label: str) -> Body:
    where, body = contract.resolve(pointer, contract.at(pointer))
    contents = tuple(
        _content(contract, (*where, "content", media_type, "schema"), media_type, content)
        for media_type, content in body.get("content", {}).items()
    )
    return Body(label, body.get("description", ""), contents, place_of(contract, where))


def _content(contract: Contract, pointer: Pointer, media_type: str, content: dict[str, Any]) -> Content:
    schema = content.get("schema", {})
    examples = {name: example["value"] for name, example in content.get("examples", {}).items()}
    if "example" in content:
        examples[""] = content["example"]
    return Content(
        media_type,
        kind_of(contract, schema),
        describe(contract, *contract.resolve(pointer, schema)),
        tuple((name, _text(example)) for name, example in examples.items()),
    )


def _text(example: Any) -> str:
    return example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
