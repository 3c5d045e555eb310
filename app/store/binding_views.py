"""How bindings are seen: what is read of each, and what can be filtered on and sorted by."""

from typing import Any, NamedTuple

import sqlalchemy as sa

from app.objects import Reference
from app.store.database import Database
from app.store.object_views import bound_to, flow_set, object_references
from app.store.tables import flows, objects, policy_bindings, stage_bindings
from app.store.views import Condition, Field, View, any_of, column_field, listed


class StageBindingRow(NamedTuple):
    """A stage's binding to a flow, as it is stored, and the stage.

    :param flow_set: the flows that the stage is bound to, as JSON
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


class PolicyBindingRow(NamedTuple):
    """A policy's binding to a flow or to a stage's binding, as it is stored, and the policy.

    :param target: what the policy is bound to
    :param policy_members: the policy's own members, as JSON
    :param policy_references: and those that lead somewhere
    """

    pk: str
    policy: str
    target: str
    negate: bool
    enabled: bool
    order: int
    timeout: int
    failure_result: bool
    policy_name: str
    policy_model: str
    policy_members: str
    policy_references: str
    bound_to: int


_POLICY_TARGETS = Reference(
    to=("flows", "stage_bindings"), on_delete="cascade", many=False, identity=("policybindingmodel_ptr_id",)
)


def stage_binding_view(database: Database) -> View:
    """The bindings of stages to flows."""
    own = [stage_bindings.c[name] for name in StageBindingRow._fields[:9]]
    columns = [*own, objects.c.name, objects.c.model, flow_set(database, objects)]
    fields = {column.name: column_field(column) for column in own}
    for name, to in (("target", "flows"), ("stage", "stages")):
        column = stage_bindings.c[name]
        fields[name] = Field(column, column.__eq__, bound=_one, reference=Reference((to,), "cascade", many=False))

    def any_bound(wanted: sa.BindParameter[Any]) -> Condition:
        here = policy_bindings.c.stage_binding == stage_bindings.c.pk
        return sa.exists().where(here, any_of(database, policy_bindings.c.policy, wanted))

    bound = Reference(("policies",), "cascade_many", many=True)
    fields["policies"] = Field(stage_bindings.c.pk, any_bound, bound=listed, reference=bound)
    fields["stage__name"] = column_field(objects.c.name)
    source = stage_bindings.join(objects, objects.c.pk == stage_bindings.c.stage)
    return View(database, source, stage_bindings.c.pk, columns, fields, objects.c.search)


def policy_binding_view(database: Database) -> View:
    """The bindings of policies to flows and to bindings of stages."""
    target = sa.func.coalesce(policy_bindings.c.flow, policy_bindings.c.stage_binding)
    own = {name: policy_bindings.c[name] for name in PolicyBindingRow._fields[:8] if name != "target"}
    read = [target if name == "target" else own[name] for name in PolicyBindingRow._fields[:8]]
    policy = (objects.c.name, objects.c.model, objects.c.members)
    columns = [*read, *policy, object_references(database), bound_to(objects.c.pk)]
    fields = {name: column_field(column) for name, column in own.items()}
    identity = sa.func.coalesce(flows.c.policybindingmodel_ptr_id, stage_bindings.c.policybindingmodel_ptr_id)
    fields["policy"] = Field(
        policy_bindings.c.policy,
        policy_bindings.c.policy.__eq__,
        bound=_one,
        reference=Reference(("policies",), "cascade", many=False),
    )
    fields["policy__isnull"] = Field(policy_bindings.c.pk, lambda wanted: policy_bindings.c.policy.is_(None) == wanted)

    def bound_here(wanted: sa.BindParameter[Any]) -> Condition:
        # A filter holds the one identity, a blueprint the other.
        return sa.or_(identity == wanted, target == wanted)

    fields["target"] = Field(identity, bound_here, bound=_one, reference=_POLICY_TARGETS)
    fields["target_in"] = Field(
        identity, lambda wanted: any_of(database, identity, wanted), bound=listed, reference=_POLICY_TARGETS
    )
    source = (
        policy_bindings.join(objects, objects.c.pk == policy_bindings.c.policy)
        .outerjoin(flows, flows.c.pk == policy_bindings.c.flow)
        .outerjoin(stage_bindings, stage_bindings.c.pk == policy_bindings.c.stage_binding)
    )
    return View(database, source, policy_bindings.c.pk, columns, fields, objects.c.search)


def _one(identity: Any) -> str:
    return str(identity).lower()
