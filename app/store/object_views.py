"""How objects of the contract's models are seen: what is read of each, and what can be filtered on and sorted by."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.objects import Model, Reference
from app.store.database import Database
from app.store.json_rows import json_rows
from app.store.tables import flows, objects, policy_bindings, references, stage_bindings
from app.store.views import Condition, Field, View, any_of, column_field, listed


class ObjectRow(NamedTuple):
    """An object as it is stored.

    :param members: its members that lead nowhere but `name`, as JSON
    :param references: pairs of a member and an identity that it holds, as JSON
    :param related: what the collection adds, see `related`: JSON, or a number
    """

    pk: str
    model: str
    name: str
    members: str
    references: str
    related: Any


FLOW_SET = (
    "pk", "policybindingmodel_ptr_id", "name", "slug", "title", "designation", "background", "policy_engine_mode",
    "compatibility_mode", "layout", "denied_action",
)  # fmt: skip
"""The columns of a flow that a stage shows of the flows it is bound to."""


def view(database: Database, collection: str, model: Model | None) -> View:
    """The objects of a collection, or only those of one of its models, whose own members are seen then.

    :param database: where they are
    """
    fields = {
        "pk": column_field(objects.c.pk),
        "name": column_field(objects.c.name),
        **_questions(collection),
    }
    always: list[Condition] = [objects.c.collection == sa.literal_column(_quoted(collection))]
    if model is not None:
        always.append(objects.c.model == sa.literal_column(_quoted(model.name)))
        for name, kind in model.members.items():
            if name in model.references:
                fields[name] = _reference_field(database, name, model.references[name])
            elif name != "name":
                fields[name] = _member_field(database, name, kind)
    columns = [
        *(objects.c[name] for name in ObjectRow._fields[:4]),
        object_references(database),
        _related(database, collection),
    ]
    return View(database, objects, objects.c.pk, columns, fields, objects.c.search, always)


def flow_set(database: Database, outer: sa.FromClause) -> sa.ScalarSelect[str]:
    """The flows that a stage is bound to, one for each binding, as JSON.

    :param outer: the stages, as the statement around names them
    """
    # Aliases: the statement around may have these tables too.
    binding, flow = stage_bindings.alias("bound"), flows.alias("bound_flow")
    joined = binding.join(flow, flow.c.pk == binding.c.target)
    columns = [flow.c[name] for name in FLOW_SET]
    return json_rows(
        database, columns, joined, outer, binding.c.stage == outer.c.pk, (flow.c.slug, binding.c.order, binding.c.pk)
    )


def bound_to(policy: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
    """How often a policy is bound, and used by a prompt stage."""
    binding, reference = policy_bindings.alias("bound"), references.alias("used")
    bindings = sa.select(sa.func.count()).select_from(binding).where(binding.c.policy == policy)
    users = sa.select(sa.func.count()).select_from(reference).where(reference.c.object == policy)
    return bindings.scalar_subquery() + users.scalar_subquery()


def object_references(database: Database) -> sa.ColumnElement[str]:
    """The members of an object that lead somewhere, as pairs of a member and an identity, in JSON."""
    identity = sa.func.coalesce(references.c.object, references.c.flow)
    order = (references.c.member, references.c.position)
    return json_rows(
        database, (references.c.member, identity), references, objects, references.c.owner == objects.c.pk, order
    )


def _related(database: Database, collection: str) -> sa.ColumnElement[Any]:
    """What an object shows of those that it belongs to."""
    if collection == "stages":
        return flow_set(database, objects)
    if collection == "policies":
        return bound_to(objects.c.pk)
    if collection == "prompts":
        owners = objects.alias("owners")
        joined = references.join(owners, owners.c.pk == references.c.owner)
        columns = (owners.c.pk, owners.c.name, owners.c.model, flow_set(database, owners))
        order = (owners.c.name, references.c.position)
        return json_rows(database, columns, joined, objects, references.c.object == objects.c.pk, order)
    return sa.null()


def _questions(collection: str) -> dict[str, Field]:
    """What can be asked of the objects of a collection beside their members."""
    if collection != "policies":
        return {}
    bound = sa.exists().where(policy_bindings.c.policy == objects.c.pk)
    used = sa.exists().where(references.c.object == objects.c.pk)
    return {"bindings__isnull": _absence_field(bound), "promptstage__isnull": _absence_field(used)}


def _absence_field(present: sa.Exists) -> Field:
    return Field(sa.not_(present), lambda wanted: sa.not_(present) == wanted)


def _member_field(database: Database, name: str, kind: str) -> Field:
    """A member within the JSON, as a value of SQL."""
    key: sa.ColumnElement[Any]
    if database.embedded:
        path = "$." + '"' + name + '"'
        key = sa.func.json_extract(objects.c.members, sa.literal_column(_quoted(path)))
    else:
        text = objects.c.members.cast(sa.JSON).op("->>")(sa.literal_column(_quoted(name)))
        as_type: Mapping[str, Callable[[], sa.ColumnElement[Any]]] = {
            "integer": lambda: sa.cast(text, sa.Numeric()),
            "number": lambda: sa.cast(text, sa.Numeric()),
            "boolean": lambda: sa.cast(text, sa.Boolean()),
        }
        key = as_type[kind]() if kind in as_type else sa.collate(sa.cast(text, sa.Text()), "C")
    return Field(key, key.__eq__)


def _reference_field(database: Database, name: str, reference: Reference) -> Field:
    """A reference holds an identity; several of them are asked for as any."""
    holds = (references.c.owner == objects.c.pk, references.c.member == sa.literal_column(_quoted(name)))
    identity = sa.func.coalesce(references.c.object, references.c.flow)
    first = sa.select(sa.func.min(identity)).where(*holds).scalar_subquery()

    def equals(wanted: sa.BindParameter[Any]) -> Condition:
        return sa.exists().where(*holds, any_of(database, identity, wanted))

    return Field(first, equals, bound=listed, reference=reference)


def _quoted(text: str) -> str:
    """A text of the contract as a literal of SQL: a statement is compiled once for it."""
    return "'" + text.replace("'", "''") + "'"
