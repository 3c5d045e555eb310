"""A flow with all its bindings, read in one snapshot."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from app.store.collections.flows import Flows
from app.store.engine.database import Database, Query
from app.store.queries.binding_views import PolicyBindingRow, StageBindingRow, policy_binding_view, stage_binding_view
from app.store.queries.flow_row import Flow
from app.store.schema.tables import policy_bindings, stage_bindings


@dataclass(frozen=True, slots=True)
class BoundStage:
    """A stage binding, and the policies bound to it, in their order."""

    binding: StageBindingRow
    policies: list[PolicyBindingRow]


@dataclass(frozen=True, slots=True)
class Structure:
    """A flow, its policies and its stages, each in their order."""

    flow: Flow
    policies: list[PolicyBindingRow]
    stages: list[BoundStage]


class Structures:
    """The structures of a database's flows.

    :param database: the database
    :param flows: its flows
    """

    def __init__(self, database: Database, flows: Flows) -> None:
        self._database = database
        self._flows = flows

    def get(self, slug: str) -> Structure:
        """Get the structure of a flow. :raises NotFound: there is none with this slug"""
        flow = self._flows.get(slug)
        with self._database.read() as session:
            stages = [StageBindingRow._make(row) for row in session.rows(self._stages, {"flow": flow.pk})]
            policies: dict[str, list[PolicyBindingRow]] = {}
            for row in session.rows(self._policies, {"flow": flow.pk}):
                binding = PolicyBindingRow._make(row)
                policies.setdefault(binding.target, []).append(binding)
        bound = [BoundStage(stage, policies.get(stage.pk, [])) for stage in stages]
        return Structure(flow, policies.get(flow.pk, []), bound)

    @cached_property
    def _stages(self) -> Query:
        view = stage_binding_view()
        found = sa.select(*view.columns).select_from(view.source).where(stage_bindings.c.target == sa.bindparam("flow"))
        return self._database.compile(found.order_by(stage_bindings.c.order, stage_bindings.c.pk))

    @cached_property
    def _policies(self) -> Query:
        view = policy_binding_view()
        flow: sa.BindParameter[Any] = sa.bindparam("flow")
        of_flow = sa.select(stage_bindings.c.pk).where(stage_bindings.c.target == flow).scalar_subquery()
        bound = (policy_bindings.c.flow == flow) | policy_bindings.c.stage_binding.in_(of_flow)
        decides = policy_bindings.c.policy.is_not(None)
        found = sa.select(*view.columns).select_from(view.source).where(bound, decides)
        return self._database.compile(found.order_by(policy_bindings.c.order, policy_bindings.c.pk))
