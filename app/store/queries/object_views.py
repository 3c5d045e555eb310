"""Views of objects without a table of their own, such as stages and users: their columns, filters and sort keys."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.domain import Model, Reference
from app.store.queries.dialects import json_is_missing, json_value, line_feed, literal, position, readable
from app.store.queries.invitations import FLOW_OBJ, referred
from app.store.queries.json_rows import json_rows
from app.store.queries.moments import in_utc
from app.store.queries.people import group_fields, groups_of, members_of_group, user_fields
from app.store.queries.view import (
    SCALARS,
    Condition,
    Field,
    View,
    any_of,
    as_it_is,
    column_field,
    listed,
    number,
    text,
)
from app.store.schema.tables import flows, objects, policy_bindings, references, stage_bindings


class ObjectRow(NamedTuple):
    """A stored object.

    :param properties: its properties as JSON, without `name` and references
    :param references: pairs of a property and a referenced identifier, as JSON
    :param related: the value of the relation: JSON, or a number
    """

    pk: str
    model: str
    name: str
    properties: str
    references: str
    related: Any


OBJECT_COLUMNS = (objects.c.pk, objects.c.model, objects.c.name, objects.c.members)
"""The columns of the table at the beginning of an `ObjectRow`."""

FLOW_SET = (
    "pk", "policybindingmodel_ptr_id", "name", "slug", "title", "designation", "background", "policy_engine_mode",
    "compatibility_mode", "layout", "denied_action",
)  # fmt: skip
"""The properties of a flow in the `flow_set` of a stage."""


def view(
    collection: str,
    models: Sequence[Model],
    related: str,
    known: Mapping[str, Model],
    *,
    all_of_it: bool = False,
    by_name: bool = True,
) -> View:
    """The objects of some models of a collection.

    :param related: the relation of the collection, empty if it has none
    :param known: all models of the contract, by name
    :param all_of_it: whether these are all models of the collection
    :param by_name: whether names are searched
    """
    always: list[Condition] = [objects.c.collection == literal(collection)]
    if not all_of_it:
        always.append(objects.c.model.in_([literal(model.name) for model in models]))
    columns = [
        *OBJECT_COLUMNS,
        object_references(),
        RELATIONS[related].column() if related else sa.null(),
    ]
    search = objects.c.search if by_name else searched_beside_name()
    return View(objects, objects.c.pk, columns, object_fields(models, related, known), search, always)


def object_fields(models: Sequence[Model], related: str, known: Mapping[str, Model]) -> dict[str, Field]:
    """The common filters of some objects of a collection.

    :param models: their models, all with these properties
    :param related: the relation of the collection, empty if it has none
    :param known: all models of the contract, by name
    """
    # A name is unique within the collection.
    named = replace(column_field(objects.c.name), unique=True)
    fields = {(models[0].named_by if models else "name"): named, "pk": column_field(objects.c.pk)}
    if related in RELATIONS:
        fields |= RELATIONS[related].filters
    for name, kind in stored_properties(models[0]).items() if models else ():
        if any(stored_properties(model).get(name) != kind for model in models) or name in fields:
            continue
        references = {model.references.get(name) for model in models}
        if references == {None} and kind in SCALARS:
            unstored = {model.name: model.unstored[name] for model in models if model.unstored.get(name) is not None}
            fields[name] = field = _property_field(name, kind, unstored)
            if all(name in model.lifetimes for model in models):
                fields[name] = _moment_field(field)
            elif kind == "string":
                fields[f"{name}_in"] = _any_of(field)
        elif len(references) == 1 and (reference := references.pop()) is not None and not reference.inverse_of:
            fields[name] = _reference_field(name, reference)
    for name, reference in models[0].references.items() if models else ():
        common = not reference.inverse_of and all(model.references.get(name) == reference for model in models)
        if common and len(reference.to) == 1 and (beside := _named_by(reference.to[0], known)):
            fields[f"{name}__{beside}"] = _field_beside(name, reference.to[0], beside)
    return fields


def stored_properties(model: Model) -> dict[str, str]:
    """The stored properties of a model with their types (JSON Schema), generated ones included."""
    return {**model.properties, **dict.fromkeys(model.generated, "string")}


def searched_name() -> sa.ColumnElement[str]:
    """The searched name of an object: the first line of the `search` column."""
    return sa.func.substr(objects.c.search, 1, _end_of_name() - 1, type_=sa.Text())


def searched_beside_name() -> sa.ColumnElement[str]:
    """The other searched properties of an object: the rest of the `search` column."""
    return sa.func.substr(objects.c.search, _end_of_name() + 1, type_=sa.Text())


def _end_of_name() -> sa.ColumnElement[int]:
    return position(objects.c.search, line_feed())


def flow_set(outer: sa.FromClause) -> sa.ScalarSelect[str]:
    """The flows of a stage, one for each binding, as JSON.

    :param outer: the stages, as named in the enclosing statement
    """
    # Aliases, as the enclosing statement may use these tables.
    binding, flow = stage_bindings.alias("bound"), flows.alias("bound_flow")
    joined = binding.join(flow, flow.c.pk == binding.c.target)
    columns = [flow.c[name] for name in FLOW_SET]
    order = (flow.c.slug, binding.c.order, binding.c.pk)
    return json_rows(columns, joined, outer, binding.c.stage == outer.c.pk, order)


def bound_to(policy: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
    """The number of bindings of a policy, and of prompt stages that use it."""
    binding, reference = policy_bindings.alias("bound"), references.alias("used")
    bindings = sa.select(sa.func.count()).select_from(binding).where(binding.c.policy == policy)
    users = sa.select(sa.func.count()).select_from(reference).where(reference.c.object == policy)
    return bindings.scalar_subquery() + users.scalar_subquery()


def object_references(outer: sa.FromClause = objects) -> sa.ColumnElement[str]:
    """The references of an object: pairs of a property and an identifier, as JSON.

    :param outer: the objects, as named in the enclosing statement
    """
    order = (references.c.member, references.c.position)
    pair = (references.c.member, _identity())
    return json_rows(pair, references, outer, references.c.owner == outer.c.pk, order)


def _owners() -> sa.ColumnElement[Any]:
    """The stages that refer to an object, as JSON of their rows."""
    owners, reference = objects.alias("owners"), references.alias("owning")
    joined = reference.join(owners, owners.c.pk == reference.c.owner)
    properties = readable(owners.c.members)
    columns = (owners.c.pk, owners.c.model, owners.c.name, properties, object_references(owners), flow_set(owners))
    order = (owners.c.name, reference.c.position)
    return json_rows(columns, joined, objects, reference.c.object == objects.c.pk, order)


def _absence_field(present: Callable[[], sa.Exists]) -> Field:
    return Field("boolean", lambda: sa.not_(present()), lambda wanted: sa.not_(present()) == wanted, sortable=False)


class Relation(NamedTuple):
    """Related objects, read together with an object.

    :param column: makes their value
    :param samples: sample values, the first of an object without related ones
    :param filters: additional filters of the objects
    """

    column: Callable[[], sa.ColumnElement[Any]]
    samples: Sequence[Any]
    filters: Mapping[str, Field] = {}


RELATIONS: Mapping[str, Relation] = {
    "flow_set": Relation(
        lambda: flow_set(objects),
        ["[]"],
        {"no_flows": _absence_field(lambda: sa.exists().where(stage_bindings.c.stage == objects.c.pk))},
    ),
    "promptstage_set": Relation(_owners, ["[]"]),
    "prompt_stages_obj": Relation(_owners, ["[]"]),
    "groups_obj": Relation(lambda: groups_of(objects), ["[]"], user_fields()),
    "users_obj": Relation(lambda: members_of_group(objects), ["[]"], group_fields()),
    FLOW_OBJ: Relation(lambda: referred(objects), ["[]"]),
    "bound_to": Relation(
        lambda: bound_to(objects.c.pk),
        [0, 10**9],
        {
            "bindings__isnull": _absence_field(lambda: sa.exists().where(policy_bindings.c.policy == objects.c.pk)),
            "promptstage__isnull": _absence_field(lambda: sa.exists().where(references.c.object == objects.c.pk)),
        },
    ),
}
"""The relations of collections, by the property for them."""


def _property_field(name: str, kind: str, unstored: Mapping[str, Any]) -> Field:
    """The field of a property that is stored as JSON.

    :param unstored: the values of objects that do not store it, by model
    """

    def key() -> sa.ColumnElement[Any]:
        properties = readable(objects.c.members)
        value = json_value(properties, name, kind)
        return sa.case((json_is_missing(properties, name), _unstored(unstored)), else_=value) if unstored else value

    bound = {"string": text, "boolean": as_it_is}.get(kind, number)
    return Field(kind, key, lambda wanted: key() == wanted, bound=bound)


def _moment_field(field: Field) -> Field:
    """The field of a property with a date-time in UTC, which is sorted by its text without `Z`."""
    return replace(field, key=lambda: sa.func.rtrim(field.key(), literal("Z")), bound=in_utc)


def _any_of(field: Field) -> Field:
    """The filter of objects whose property is one of several texts."""
    return replace(field, equals=lambda wanted: any_of(field.key(), wanted), bound=_texts, sortable=False, lists=True)


def _named_by(collection: str, known: Mapping[str, Model]) -> str:
    """The property with the unique name of an object; empty if there is none."""
    if collection == flows.name:
        return flows.c.slug.name
    return next((model.named_by for model in known.values() if model.collection == collection), "")


def _field_beside(property_name: str, collection: str, named_by: str) -> Field:
    """The filter of objects that refer to an object of a name.

    :param property_name: the reference
    :param collection: the collection of that object
    :param named_by: the property with its name
    """
    reference = references.alias("leading")
    to_flow = collection == flows.name

    def equals(wanted: sa.BindParameter[Any]) -> Condition:
        other: Any = flows.alias("led_to_flow") if to_flow else objects.alias("led_to")
        key, name = (reference.c.flow, other.c[named_by]) if to_flow else (reference.c.object, other.c.name)
        mine = (reference.c.owner == objects.c.pk, reference.c.member == literal(property_name))
        return sa.exists().select_from(reference.join(other, other.c.pk == key)).where(*mine, name == wanted)

    return Field("string", lambda: objects.c.pk, equals, bound=text, sortable=False)


def _texts(value: Any) -> str:
    """One or several texts, as a parameter for `any_of`."""
    return json.dumps([text(each) for each in (value if isinstance(value, list) else [value])])


def _unstored(values: Mapping[str, Any]) -> sa.ColumnElement[Any]:
    """The value of a property that is not stored, by the model of the object."""
    first, *others = values.values()
    if all(other == first for other in others):
        return _literal(first)
    by_model = [(objects.c.model == literal(model), _literal(value)) for model, value in values.items()]
    return sa.case(*by_model, else_=None)


def _literal(value: Any) -> sa.ColumnElement[Any]:
    if isinstance(value, bool):
        return sa.true() if value else sa.false()
    return literal(value) if isinstance(value, str) else sa.literal_column(repr(value))


def _reference_field(name: str, reference: Reference) -> Field:
    """The field of a reference; a list matches any of its identifiers."""

    def holds() -> tuple[Condition, Condition]:
        return references.c.owner == objects.c.pk, references.c.member == literal(name)

    def first() -> sa.ColumnElement[Any]:
        return sa.select(sa.func.min(_identity())).where(*holds()).scalar_subquery()

    def equals(wanted: sa.BindParameter[Any]) -> Condition:
        return sa.exists().where(*holds(), any_of(_identity(), wanted))

    return Field("string", first, equals, bound=listed, sortable=not reference.many, lists=True, reference=reference)


def _identity() -> sa.ColumnElement[str]:
    """The identifier in a reference."""
    return sa.func.coalesce(references.c.object, references.c.flow)
