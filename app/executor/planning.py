"""Planning of flows: whether a user may run one, and through which stages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app import errors
from app.exchanges import HttpRequest
from app.executor.people import Person, person
from app.executor.plan import Plan, PlannedStage, Properties
from app.executor.policies.engine import PolicyRequest, evaluate
from app.store import Store
from app.store.collections.identity import new_uuid
from app.store.collections.runnable_flows import BoundStageRow
from app.store.queries.binding_views import STAGE_BINDING_COLUMNS
from app.store.queries.flow_row import Flow

DOES_NOT_APPLY = "Flow does not apply to current user."

_OUTPOST_TOKEN, _OUTPOST_ADDRESS = "x-authentik-outpost-token", "x-authentik-remote-ip"  # headers


class NotApplicable(Exception):
    """A user may not run a flow. The message is shown to the user."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Planner of flows for one request.

    :param store: the store
    :param credentials: those of the request
    :param user: the user of the session; None if nobody has logged in
    """

    store: Store
    credentials: HttpRequest
    user: Person | None

    def plan(self, flow: Flow, context: Mapping[str, Any] = {}, pending: Person | None = None) -> Plan:
        """Plan a flow.

        :param context: of the new plan
        :param pending: the user of the context, for whom the requirement of the flow is not checked
        :raises NotApplicable: its requirement or its policies deny it
        """
        user = pending or self.user
        if pending is None and not self._is_met(flow.authentication):
            raise NotApplicable(DOES_NOT_APPLY)
        request = PolicyRequest(user, context, self.store, self.credentials)
        models = self.store.models
        bound = self.store.runnable_flows.policies_of_flow(flow.pk)
        result = evaluate(bound, flow.policy_engine_mode, request, models)
        if not result.passes:
            raise NotApplicable("\n".join(result.messages) or DOES_NOT_APPLY)
        plan = Plan(flow.pk, [], dict(context))
        for row in self.store.runnable_flows.stages(flow.pk):
            if row.evaluate_on_plan:
                policies = self.store.runnable_flows.policies_of_stage(row.pk)
                request = PolicyRequest(user, plan.context, self.store, self.credentials, plan)
                if not evaluate(policies, row.policy_engine_mode, request, models).passes:
                    continue
            plan.stages.append(_planned(self.store, row))
        return plan

    def _is_met(self, requirement: str) -> bool:
        # A requirement has the name of the method that checks it. The others are never met here: `require_token` needs a
        # restored plan, which is not planned again, and `require_redirect` a redirect stage, which can't be run.
        check: Callable[[], bool] | None = getattr(self, f"_{requirement}", None)
        return check is not None and check()

    def _none(self) -> bool:
        return True

    def _require_authenticated(self) -> bool:
        return self.user is not None

    def _require_unauthenticated(self) -> bool:
        return self.user is None

    def _require_superuser(self) -> bool:
        return self.user is not None and self.user.is_superuser

    def _require_outpost(self) -> bool:
        secret = self.credentials.header(_OUTPOST_TOKEN)
        if not secret or not self.credentials.header(_OUTPOST_ADDRESS):
            return False
        token = self.store.tokens.find(secret)
        owner = person(self.store, token.user) if token is not None else None
        return owner is not None and owner.values.get("type") == "internal_service_account"


def unbound_stage(store: Store, flow: str, stage: str) -> PlannedStage | None:
    """A stage to run although it is not bound to the flow; None if it does not exist, or is of a kind that the contract lacks.

    :param flow: the key of the flow
    :param stage: the key of the stage
    """
    try:
        row = store.objects.get("stages", stage)
    except errors.NotFound:
        return None
    if row.model not in store.models:
        return None
    defaults = store.model_of("stage_bindings").defaults
    keys = {"pk": new_uuid(), "policybindingmodel_ptr_id": new_uuid(), "target": flow, "stage": stage, "order": 0}
    object_ = {name: getattr(row, name) for name in ("name", "model", "properties", "references")}
    return _planned(store, BoundStageRow(**{**defaults, **keys, **object_, "re_evaluate_policies": False}))


def _planned(store: Store, row: BoundStageRow) -> PlannedStage:
    values = store.values(row)
    bound = {name: getattr(row, name) for name in STAGE_BINDING_COLUMNS}
    marked = bool(row.re_evaluate_policies)
    return PlannedStage(row.pk, row.stage, row.model, Properties(values), Properties(bound), marked)
