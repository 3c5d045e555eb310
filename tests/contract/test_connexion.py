"""What this project leans on in Connexion and jsonschema-rs; an upgrade that changes it fails here."""

import inspect
from pathlib import Path

import jsonschema_rs
import pytest
from connexion.middleware import ConnexionMiddleware
from connexion.middleware.abstract import AbstractRoutingAPI, SpecMiddleware
from connexion.resolver import Resolver
from connexion.security import AbstractSecurityHandler, SecurityHandlerFactory
from connexion.spec import OpenAPISpecification, Specification

from app.contract.compile.connexion_api import outline
from app.contract.document.contract import Contract, File
from app.contract.validation.schemas import Direction, SchemaReader

SPECIFICATION = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "/api/"}],
    "paths": {
        "/a/": {"get": {"operationId": "a", "security": [{"t": ["x"]}], "responses": {"204": {"description": "d"}}}}
    },
    "components": {"securitySchemes": {"t": {"type": "http", "scheme": "bearer"}}},
}


def test_a_specification_may_be_a_mapping_and_its_base_path_has_no_slash_at_the_end():
    assert Specification.load(SPECIFICATION).base_path == "/api"


def test_it_brings_the_meta_schema_of_openapi():
    meta_schema = jsonschema_rs.Draft4Validator(OpenAPISpecification.openapi_schema, validate_formats=False)
    assert meta_schema.is_valid(SPECIFICATION)
    assert not meta_schema.is_valid(SPECIFICATION | {"info": {"title": "t"}})
    assert not meta_schema.is_valid(SPECIFICATION | {"paths": {"/a/": {"got": {}}}})


def test_it_makes_do_with_an_outline_of_the_contract(contract):
    known = Specification.load(outline(contract, contract.document["paths"]))
    assert known.base_path == contract.document["servers"][0]["url"].rstrip("/")
    for _, path, method, operation in contract.operations():
        assert known.get_operation(path, method)["operationId"] == operation["operationId"]
        assert known.get_operation(path, method)["security"] == operation["security"]
    assert known.security_schemes == contract.document["components"]["securitySchemes"]


def test_middlewares_get_the_specification_and_the_options_of_the_application():
    seen = []

    class Middleware(SpecMiddleware):
        def __init__(self, app):
            self.app = app

        def add_api(self, specification, **options):
            seen.append((specification, options))

        async def __call__(self, scope, receive, send):
            await self.app(scope, receive, send)

    async def behind(scope, receive, send):
        return None

    resolver = Resolver(
        {"a": test_a_specification_may_be_a_mapping_and_its_base_path_has_no_slash_at_the_end}.__getitem__
    )
    app = ConnexionMiddleware(
        behind, import_name=__name__, middlewares=[Middleware], resolver=resolver, security_map={"bearer": 1}
    )
    app.add_api(SPECIFICATION)
    import asyncio

    asyncio.run(app({"type": "lifespan"}, None, None))
    ((specification, options),) = seen
    assert isinstance(specification, Specification)
    assert options["resolver"] is resolver
    assert options["security_map"] == {"bearer": 1}


def test_the_routing_api_walks_the_operations():
    assert list(inspect.signature(AbstractRoutingAPI.make_operation).parameters) == ["self", "operation"]
    assert list(inspect.signature(AbstractRoutingAPI._add_operation_internal).parameters)[1:] == [
        "method", "path", "operation", "name",
    ]  # fmt: skip


def test_the_security_factory_makes_a_handler_and_asks_it_for_a_function():
    class Handler(AbstractSecurityHandler):
        def get_fn(self, security_scheme, required_scopes):
            return lambda: (security_scheme["type"], required_scopes)

    factory = SecurityHandlerFactory({"bearer": Handler})
    assert factory.parse_security_scheme({"type": "http", "scheme": "bearer"}, ["x"])() == ("http", ["x"])


def reader(components, direction=Direction.REQUEST):
    document = {"components": {"schemas": components}}
    return SchemaReader(Contract((File(Path("t"), "t", b"", document, dict),), document, {}), direction)


def test_equal_schemas_share_a_validator():
    of_requests = reader({"A": {"type": "string"}})
    by_name = {"$ref": "#/components/schemas/A"}
    assert of_requests.validator(by_name) is of_requests.validator(dict(by_name))
    assert of_requests.validator({"maxLength": 1}) is of_requests.validator({"maxLength": 1})
    assert of_requests.validator({"maxLength": 1}) is not of_requests.validator({"maxLength": 2})
    property_name = {"properties": {"a": {"readOnly": True, "type": "string"}}}
    assert reader({}).validator(property_name).is_valid({"a": 1})
    assert not reader({}, Direction.RESPONSE).validator(property_name).is_valid({"a": 1})


def test_formats_are_asserted():
    validator = reader({}).validator({"type": "string", "format": "uuid"})
    assert validator.is_valid("8dff4ac2-5f84-4e0e-9f0a-2a90f9b5c3b1")
    assert not validator.is_valid("8dff4ac2")
    assert not validator.is_valid("{8dff4ac2-5f84-4e0e-9f0a-2a90f9b5c3b1}")
    times = reader({}).validator({"type": "string", "format": "date-time"})
    assert times.is_valid("2024-08-06T12:00:00Z")
    assert not times.is_valid("yesterday")


def test_a_recursive_schema_stays_recursive():
    tree = {
        "type": "object",
        "required": ["n"],
        "properties": {"n": {"type": "integer"}, "of": {"$ref": "#/components/schemas/T"}},
    }
    validator = reader({"T": tree}).validator({"$ref": "#/components/schemas/T"})
    assert validator.is_valid({"n": 1, "of": {"n": 2, "of": {"n": 3}}})
    assert not validator.is_valid({"n": 1, "of": {"n": 2, "of": {"n": "3"}}})
    assert not validator.is_valid({"n": 1, "of": {"n": 2, "of": {}}})


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        ({"type": "string", "nullable": True}, [None, "a"], [1]),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, [2], [1, 0]),
        ({"type": "integer", "maximum": 1, "exclusiveMaximum": False}, [1], [2]),
        ({"type": "integer"}, [1, -1, 10**30], [1.0, True, "1"]),
        ({"type": "number"}, [1, 1.5], [True, "1"]),
        (
            {"type": "string", "format": "uuid", "pattern": "^8"},
            ["8dff4ac2-5f84-4e0e-9f0a-2a90f9b5c3b1"],
            ["9dff4ac2-5f84-4e0e-9f0a-2a90f9b5c3b1", "8"],
        ),
        ({"type": "string", "pattern": r"^[^\x00]*$"}, ["", "a\nb"], ["a\0"]),
        ({"$ref": "#/components/schemas/S", "maxLength": 1}, ["long"], [1]),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, ["a", 1], [None, []]),
    ],
)
def test_openapi_keywords_as_json_schema(schema, valid, invalid):
    validator = reader({"S": {"type": "string"}}).validator(schema)
    assert [value for value in valid if not validator.is_valid(value)] == []
    assert [value for value in invalid if validator.is_valid(value)] == []


def test_read_only_and_required_members_are_no_concern_of_a_request():
    schema = {
        "type": "object",
        "required": ["id", "secret"],
        "properties": {"id": {"type": "integer", "readOnly": True}, "secret": {"type": "string", "writeOnly": True}},
        "additionalProperties": False,
    }
    request, response = reader({}), reader({}, Direction.RESPONSE)
    assert request.validator(schema).is_valid({"secret": "s"})
    assert request.validator(schema).is_valid({"secret": "s", "id": "ignored"})
    assert not request.validator(schema).is_valid({})
    assert response.validator(schema).is_valid({"id": 1})
    assert not response.validator(schema).is_valid({"id": 1, "secret": "s"})


def test_one_wrong_member_may_give_two_errors():
    # The mapper of messages chooses among them.
    validator = jsonschema_rs.Draft4Validator({"properties": {"e": {"type": "string", "enum": ["a"]}}})
    assert [error.kind.name for error in validator.iter_errors({"e": None})] == ["type", "enum"]
