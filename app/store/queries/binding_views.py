"""Views of bindings: their columns, filters and sort keys."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.domain import CASCADE, CASCADE_MANY, Reference
from app.store.queries.dialects import line_feed, literal
from app.store.queries.json_rows import json_rows
from app.store.queries.object_views import (
    OBJECT_COLUMNS,
    bound_to,
    flow_set,
    object_references,
    searched_name,
)
from app.store.queries.people import GROUPS, USERS, groups_of, members_of_group
from app.store.queries.references import key_of
from app.store.queries.view import Field, View, any_of, column_field, listed
from app.store.schema.tables import flows, objects, policy_bindings, stage_bindings


class StageBindingRow(NamedTuple):
    """A stored binding of a stage to a flow, with the stage.

    :param flow_set: the flows of the stage, as JSON
    """

    pk: str
    policybindingmodel_ptr_id: str
    target: str
    stage: str
    evaluate_on_plan: bool
    re_evaluate_policies: bool
    order: int
    policy_engine_mode: str
    invalid_response_action: str
    stage_name: str
    stage_model: str
    flow_set: str


STAGE_BINDING_COLUMNS = StageBindingRow._fields[: StageBindingRow._fields.index("stage_name")]
"""The columns of the table at the beginning of a `StageBindingRow`."""


class PolicyBindingRow(NamedTuple):
    """A stored binding of a policy, a user or a group to a flow, a stage binding or an application, with the bound object.

    :param target: the flow, stage binding or application
    :param policy_properties: the policy's own properties, as JSON
    :param policy_references: the policy's references, as JSON
    :param people: the user, and the group: the columns of their rows, as JSON
    """

    pk: str
    policy: str | None
    user: str | None
    group: str | None
    target: str
    negate: bool
    enabled: bool
    order: int
    timeout: int
    failure_result: bool
    policy_name: str
    policy_model: str
    policy_properties: str
    policy_references: str
    bound_to: int
    people: str


_TO_FLOW = Reference(("flows",), CASCADE, many=False)
_TO_STAGE = Reference(("stages",), CASCADE, many=False)
_TO_POLICY = Reference(("policies",), CASCADE, many=False)
_TO_USER = Reference((USERS,), CASCADE, many=False, integers=True)
_TO_GROUP = Reference((GROUPS,), CASCADE, many=False)
_TO_POLICIES = Reference(("policies",), CASCADE_MANY, many=True)
_TO_TARGET = Reference(
    to=("flows", "stage_bindings", "applications"),
    on_delete=CASCADE,
    many=False,
    identity=("policybindingmodel_ptr_id",),
)

STAGE_REFERENCES: Mapping[str, Reference] = {"target": _TO_FLOW, "stage": _TO_STAGE}
"""The references of a stage binding."""

POLICY_REFERENCES: Mapping[str, Reference] = {
    "policy": _TO_POLICY,
    "user": _TO_USER,
    "group": _TO_GROUP,
    "target": _TO_TARGET,
}
"""The references of a policy binding."""

_OWN = PolicyBindingRow._fields[: PolicyBindingRow._fields.index("failure_result") + 1]

STAGE_NAME, POLICY_NAME = "stage__name", "policy__name"
"""The property of a binding with the name of the bound object."""


def stage_binding_view(searched: Sequence[str] = ()) -> View:
    """The bindings of stages to flows. :param searched: the searched properties"""
    own = [stage_bindings.c[name] for name in STAGE_BINDING_COLUMNS]
    columns = [*own, objects.c.name, objects.c.model, flow_set(objects)]
    source = stage_bindings.join(objects, objects.c.pk == stage_bindings.c.stage)
    fields = stage_binding_fields()
    search = _search(fields, searched, STAGE_NAME)
    return View(source, stage_bindings.c.pk, columns, fields, search)


def stage_binding_fields() -> dict[str, Field]:
    """The filters of stage bindings."""
    columns = stage_bindings.c
    bound = sa.exists().where(policy_bindings.c.stage_binding == columns.pk)
    return {
        **{name: column_field(columns[name]) for name in STAGE_BINDING_COLUMNS},
        "target": _reference_field(columns.target, _TO_FLOW),
        "stage": _reference_field(columns.stage, _TO_STAGE),
        "policies": Field(
            "string",
            lambda: columns.pk,
            lambda wanted: bound.where(any_of(policy_bindings.c.policy, wanted)),
            bound=listed,
            sortable=False,
            lists=True,
            reference=_TO_POLICIES,
        ),
        STAGE_NAME: column_field(objects.c.name),
    }


def policy_binding_view(searched: Sequence[str] = ()) -> View:
    """The bindings of policies to flows and to bindings of stages. :param searched: the searched properties"""
    own = [_target() if name == "target" else policy_bindings.c[name] for name in _OWN]
    policy = (objects.c.name, objects.c.model, objects.c.members)
    columns = [*own, *policy, object_references(), bound_to(objects.c.pk), _people()]
    source = (
        policy_bindings.outerjoin(objects, objects.c.pk == policy_bindings.c.policy)
        .outerjoin(flows, flows.c.pk == policy_bindings.c.flow)
        .outerjoin(stage_bindings, stage_bindings.c.pk == policy_bindings.c.stage_binding)
    )
    fields = policy_binding_fields()
    search = _search(fields, searched, POLICY_NAME)
    return View(source, policy_bindings.c.pk, columns, fields, search)


def policy_binding_fields() -> dict[str, Field]:
    """The filters of policy bindings."""
    columns = policy_bindings.c
    return {
        **{name: column_field(columns[name]) for name in _OWN if name != "target"},
        "policy": _reference_field(columns.policy, _TO_POLICY),
        "user": _reference_field(columns.user, _TO_USER),
        "group": _reference_field(columns.group, _TO_GROUP),
        "policy__isnull": Field(
            "boolean", lambda: columns.pk, lambda wanted: columns.policy.is_(None) == wanted, sortable=False
        ),
        POLICY_NAME: column_field(objects.c.name),
        "target": Field(
            "string",
            target_identity,
            # A filter contains the one identifier, a blueprint the other.
            lambda wanted: sa.or_(target_identity() == wanted, _target() == wanted),
            bound=_one,
            reference=_TO_TARGET,
        ),
        "target_in": Field(
            "string",
            target_identity,
            lambda wanted: any_of(target_identity(), wanted),
            bound=listed,
            sortable=False,
            lists=True,
            reference=_TO_TARGET,
        ),
    }


def _people() -> sa.ScalarSelect[str]:
    """The bound user and the bound group, as JSON."""
    bound = objects.alias("bound_person")
    of_user, of_group = groups_of(bound), members_of_group(bound)
    related = sa.case((bound.c.collection == literal(USERS), of_user), else_=of_group)
    columns = [*(bound.c[column.name] for column in OBJECT_COLUMNS), object_references(bound), related]
    is_bound = sa.or_(bound.c.pk == policy_bindings.c.user, bound.c.pk == policy_bindings.c.group)
    return json_rows(columns, bound, policy_bindings, is_bound, (bound.c.pk,))


def _target() -> sa.ColumnElement[str]:
    """The target of a policy binding."""
    return sa.func.coalesce(*(policy_bindings.c[name] for name in ("flow", "stage_binding", "application")))


def target_identity() -> sa.ColumnElement[str]:
    """The identifier of the target of a policy binding, of which an application has only one."""
    identities = (table.c.policybindingmodel_ptr_id for table in (flows, stage_bindings))
    return sa.func.coalesce(*identities, policy_bindings.c.application)


def _reference_field(column: sa.Column[Any], reference: Reference) -> Field:
    kind = "integer" if reference.integers else "string"
    return Field(kind, lambda: column, lambda wanted: column == wanted, bound=_one, reference=reference)


def _search(fields: Mapping[str, Field], searched: Sequence[str], name: str) -> sa.ColumnElement[str]:
    """The searched properties of a binding, upper-cased, one per line. :param name: that of the bound object's name"""
    texts = [
        searched_name()
        if property_ == name
        else sa.func.upper(sa.cast(fields[property_].key(), sa.Text()), type_=sa.Text())
        for property_ in searched
    ]
    found: sa.ColumnElement[str] = sa.literal_column("''", sa.Text())
    for text in texts:
        # The name is null without a bound object.
        found = found + sa.func.coalesce(text, literal("")) + line_feed()
    return found


def _one(identity: Any) -> str:
    return key_of(identity).lower()
