"""A model declared by `x-model`, compiled for the handlers and the store."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from app import errors
from app.contract.compile.constants import constants
from app.contract.compile.forms import form_of
from app.contract.compile.plan import body_reader
from app.contract.compile.scopes import permissions_to_retrieve, required_permissions
from app.contract.document.contract import Contract, Pointer, cached
from app.contract.request.body import BodyReader, InvalidBody
from app.contract.validation.schemas import (
    Direction,
    SchemaReader,
    admits_null,
    default_of,
    flattened,
    schema_properties,
)
from app.contract.validation.wording import REQUIRED, does_not_exist
from app.contract.validation.write_only import without_write_only, write_only
from app.domain import Details, Grant, Model, Reference, UserSettings


@cached
def new_reader(contract: Contract, schema_name: str) -> BodyReader | None:
    """The reader of the operation that creates objects of a model.

    :param schema_name: the name of the model's schema
    """
    return _reader(contract, schema_name, "201")


def model_of(contract: Contract, schema_name: str, schema: dict[str, Any]) -> Model:
    """The model that a schema declares.

    :param schema_name: the name of the schema
    :param schema: the schema, with `x-model`
    """
    about = schema["x-model"]
    paths = list(_paths_of_one(contract, about["name"], about["collection"]))
    seen_with = permissions_to_retrieve(contract)
    create = new_reader(contract, schema_name)
    change = _reader(contract, schema_name, "200", method="patch")
    in_responses = {name: property_schema for name, (_, property_schema) in schema_properties(contract, schema).items()}
    # The server itself stores the objects that no request creates.
    sent = create.properties if create else {name: one for name, one in in_responses.items() if name != "pk"}
    properties = {
        name: _type(contract, property_schema)
        for name, property_schema in sent.items()
        if not property_schema.get("x-ignored")
    }
    owned_by = _generated(in_responses, "caller")
    references = _references(contract, sent) | {
        name: replace(_reference(contract, in_responses[name]), integers=True, nullable=False) for name in owned_by
    }
    preset = _preset(contract, about["collection"])
    # An operation on one object also requires the permissions to retrieve it.
    deleted_by = tuple(
        required_permissions(path["delete"]) - required_permissions(path["get"]) or required_permissions(path["delete"])
        for path, _ in paths
        if "delete" in path
    )
    return Model(
        name=about["name"],
        collection=about["collection"],
        component=about.get("component", ""),
        verbose_name=about["verbose_name"],
        verbose_name_plural=about["verbose_name_plural"],
        description=schema.get("description", "").strip(),
        in_responses=tuple(
            name for name, property_schema in in_responses.items() if property_schema.get("writeOnly") is not True
        ),
        properties=properties,
        references=references,
        defaults=create.defaults if create else {},
        unstored=_unstored(sent, in_responses, references),
        read_new=_read(create, preset, owned_by, new=True),
        read_change=_read(change, preset, owned_by),
        messages_of=_messages_of(create, preset),
        unique=create.unique if create else (),
        seen_by=tuple(Grant(required_permissions(path["get"]), shown) for path, shown in paths),
        seen_with=seen_with.get(about["name"], seen_with.get(about["collection"])),
        created_by=_permitted(contract, schema_name, "201", "post", deleted_by, "add"),
        changed_by=_permitted(contract, schema_name, "200", "patch", deleted_by, "change"),
        deleted_by=deleted_by,
        preset=frozenset((*preset, *owned_by)),
        set_with={
            name: needed
            for name, needed in _set_with(contract, about["collection"]).items()
            if name not in in_responses
        },
        leave_out=_leave_out(contract, schema_name, sent),
        named_by=about.get("named_by", "name"),
        generated=_generated(in_responses, "uuid"),
        owned_by=next(iter(owned_by), ""),
        lifetimes={name: one["x-lifetime"] for name, one in sent.items() if "x-lifetime" in one},
        read_only=create is None,
        numbered=in_responses.get("pk", {}).get("type") == "integer",
        user_settings=_user_settings(about["user_settings"]) if "user_settings" in about else None,
        details={
            name: _details(contract, one["x-details"]) for name, one in in_responses.items() if "x-details" in one
        },
        exported_whole=about.get("exported_whole", False),
        labelled_choices=about.get("labelled_choices", False),
        forms={
            name: _form(contract, property_schema, sent.get(name, property_schema))
            for name, property_schema in in_responses.items()
            if "x-other-form" in property_schema
        },
    )


def _references(contract: Contract, sent: Mapping[str, Any]) -> dict[str, Reference]:
    return {
        name: _reference(contract, property_schema)
        for name, property_schema in sent.items()
        if "x-references" in property_schema
    }


def _unstored(sent: Mapping[str, Any], in_responses: Mapping[str, Any], references: Container[str]) -> dict[str, Any]:
    """The values of properties that are not stored, by property: their defaults."""
    return {
        name: default[0]
        for name in {**in_responses, **sent}
        if name not in references
        and (default := default_of(*(schemas[name] for schemas in (sent, in_responses) if name in schemas)))
    }


def _form(contract: Contract, in_responses: dict[str, Any], in_requests: dict[str, Any]) -> Callable[[Any], Any]:
    requests = SchemaReader(contract, Direction.REQUEST)
    return form_of(
        in_responses["x-other-form"],
        _type(contract, in_responses),
        nullable=admits_null(contract, in_responses),
        accepts=lambda value: requests.validator(in_requests).is_valid(value),
    )


def _generated(properties: Mapping[str, Mapping[str, Any]], value: str) -> tuple[str, ...]:
    return tuple(name for name, property_schema in properties.items() if property_schema.get("x-generated") == value)


def _user_settings(declared: Mapping[str, str]) -> UserSettings:
    return UserSettings(declared["component"], declared.get("only_with", ""))


def _details(contract: Contract, declared: Mapping[str, str]) -> Details:
    objects = constants(contract)[declared["from"]].response
    return Details(declared["of"], {one[declared["by"]]: one for one in objects})


def _leave_out(
    contract: Contract, schema_name: str, sent: Mapping[str, dict[str, Any]]
) -> Callable[[dict[str, Any]], None] | None:
    """Compile a function that removes the `writeOnly` properties nested in the properties of a response; None if there are none.

    :param sent: the schemas of the properties in requests, which may be the only ones that declare such a property
    """
    holding = [
        (name, schema)
        for name, (place, _) in schema_properties(contract, {"$ref": f"#/components/schemas/{schema_name}"}).items()
        for schema in (contract.at(place), *([sent[name]] if name in sent else ()))
        if any(found.certain for found in write_only(contract, schema))
    ]

    def leave_out(properties: dict[str, Any]) -> None:
        for name, schema in holding:
            if name in properties:
                properties[name] = without_write_only(contract, schema, properties[name])

    return leave_out if holding else None


def _paths_of_one(contract: Contract, model: str, collection: str) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """The paths of single objects of a model, or of any model of its collection, and the properties in their responses."""
    for path in contract.document["paths"].values():
        if path.get("x-serves") not in (model, collection):
            continue
        if "get" not in path or "200" not in path["get"]["responses"]:
            continue
        response = contract.resolve((), path["get"]["responses"]["200"])[1]
        for media in response.get("content", {}).values():
            shown = frozenset(schema_properties(contract, media.get("schema", {})))
            if "pk" in shown:
                yield path, shown


def _permitted(
    contract: Contract, schema_name: str, code: str, method: str, deleted_by: Iterable[frozenset[str]], action: str
) -> tuple[frozenset[str], ...]:
    """The permissions to create or change an object: those of the model's operation, and those for all kinds of its collection.

    The latter have no operation; they are named as the permissions to delete.

    :param action: the prefix of a permission's codename
    """
    codenames = f".{action}_"
    found = [
        frozenset(one for one in required_permissions(contract.at(pointer)) if codenames in one)
        or required_permissions(contract.at(pointer))
        for pointer in _operations(contract, schema_name, code, method)
    ]
    of_all = (frozenset(one.replace(".delete_", codenames) for one in needed) for needed in deleted_by)
    return tuple(dict.fromkeys((*found, *of_all)))


def _operations(contract: Contract, schema_name: str, code: str, method: str) -> Iterator[Pointer]:
    """The operations whose response with a status code is a model's object."""
    wanted = {"$ref": f"#/components/schemas/{schema_name}"}
    return (
        pointer
        for pointer, known, in_responses in _answered(contract, code)
        if known == method and wanted in in_responses
    )


def _reader(contract: Contract, schema_name: str, code: str, method: str = "post") -> BodyReader | None:
    """The reader of the operation whose response with a status code is a model's object."""
    wanted = {"$ref": f"#/components/schemas/{schema_name}"}
    for pointer in _operations(contract, schema_name, code, method):
        return body_reader(contract, pointer, contract.at(pointer), wanted if code == "201" else None)
    return None


@cached
def _answered(contract: Contract, code: str) -> list[tuple[Pointer, str, list[Any]]]:
    """The operations with a body and a response with a status code: pointer, method and schemas of the response."""
    return [
        (pointer, method, [media.get("schema") for media in response.get("content", {}).values()])
        for pointer, _, method, operation in contract.operations()
        if "requestBody" in operation and code in operation["responses"]
        for response in [contract.resolve((), operation["responses"][code])[1]]
    ]


@cached
def _preset(contract: Contract, collection: str) -> dict[str, BodyReader]:
    """The readers of the operations that set read-only properties and secrets (`x-sets`), by property."""
    return {
        operation["x-sets"]["property"]: reader
        for pointer, operation in _setting(contract, collection)
        if (reader := body_reader(contract, pointer, operation, None)) is not None
    }


def _set_with(contract: Contract, collection: str) -> dict[str, frozenset[str]]:
    """The permissions that the operations with `x-sets` require, by property."""
    return {
        operation["x-sets"]["property"]: required_permissions(operation)
        for _, operation in _setting(contract, collection)
    }


def _setting(contract: Contract, collection: str) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """The operations that set a property of a collection's objects."""
    for pointer, _, _, operation in contract.operations():
        if operation.get("x-sets", {}).get("collection") == collection:
            yield pointer, operation


def _read(
    reader: BodyReader | None, preset: Mapping[str, BodyReader], owned_by: Iterable[str], *, new: bool = False
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Compile a reader of an object's properties, including the `preset` ones.

    :param owned_by: the reference to the user who creates an object, if there is one
    :param new: whether the properties are those of a new object
    """

    def read(properties: Mapping[str, Any]) -> dict[str, Any]:
        if reader is None:
            return dict(properties)
        found, messages = {}, {}
        for name in preset.keys() & properties.keys():
            (sent,) = preset[name].properties
            try:
                found[name] = preset[name].checked({sent: properties[name]})[sent]
            except InvalidBody as error:
                messages[name] = error.messages[sent]
        for name in owned_by:
            user = properties.get(name)
            if type(user) is int:
                found[name] = user
            elif name in properties:
                messages[name] = [does_not_exist(user)]
            elif new:
                messages[name] = [REQUIRED]
        try:
            known = {name: properties[name] for name in properties if name not in {*preset, *owned_by}}
            found = {**reader.checked(known), **found}
        except InvalidBody as error:
            messages |= error.messages
        if messages:
            raise errors.Invalid(messages)
        return found

    return read


def _messages_of(create: BodyReader | None, preset: Mapping[str, BodyReader]) -> Callable[[Any], Mapping[str, Any]]:
    """The messages for an error of the store, by property."""

    def messages(error: Any) -> Mapping[str, Any]:
        name = getattr(error, "property_name", None)
        if isinstance(name, str) and name in preset:
            (found,) = preset[name].messages_of(error).values()
            return {name: found}
        return create.messages_of(error) if create else {}

    return messages


def _reference(contract: Contract, property_schema: dict[str, Any]) -> Reference:
    declared = property_schema["x-references"]
    many = property_schema.get("type") == "array"
    return Reference(
        to=_names(declared["to"]),
        on_delete=declared.get("on_delete", ""),
        many=many,
        identity=_names(declared.get("identity", "pk")),
        nullable=admits_null(contract, property_schema),
        integers=_type(contract, property_schema["items"] if many else property_schema) == "integer",
        inverse_of=declared.get("inverse_of", ""),
        list_of=declared.get("list_of", ""),
        itself=declared.get("itself", ""),
        fixed=declared.get("fixed", ""),
    )


def _names(names: str | list[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _type(contract: Contract, property_schema: dict[str, Any]) -> str:
    return str(flattened(contract, property_schema).get("type", "string"))
