"""The inspection of a session: its completed stages, and the running plan."""

from collections.abc import Mapping
from typing import Any

import orjson

from app import errors
from app.executor.people import Person, person_of
from app.executor.plan import PENDING_USER, PROMPT_DATA, SECRETS, Plan, PlannedStage, without_secrets
from app.executor.sessions import Session
from app.representations.objects import representations_of
from app.store import Store
from app.store.queries.binding_views import STAGE_BINDING_COLUMNS, StageBindingRow

_MASK = "***"


def state_of(plan: Plan) -> dict[str, Any]:
    """The state of a plan, as the history of a session keeps it: without typed passwords."""
    current, following = plan.stages[0], plan.stages[1] if len(plan.stages) > 1 else None
    return {
        "current": _kept(current),
        "next": None if following is None else _kept(following),
        "context": _without_secrets(plan.context),
    }


def inspection(store: Store, session: Session) -> dict[str, Any] | None:
    """The plans of a session; None if it has neither a stage to run nor a history."""
    states = list(session.history or [])
    running = session.plan is not None and bool(session.plan.stages)
    if not running and not states:
        return None
    plans = [_shown(store, session, state) for state in states]
    current = _shown(store, session, state_of(session.plan)) if session.plan is not None and running else plans[-1]
    return {"plans": plans, "current_plan": current, "is_completed": session.plan is None}


def _kept(stage: PlannedStage) -> dict[str, Any]:
    return {"bound": dict(stage.bound), "name": stage.values.get("name", ""), "model": stage.model}


def _without_secrets(context: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in context.items() if name != SECRETS}
    return {**shown, PROMPT_DATA: without_secrets(context, _MASK)} if PROMPT_DATA in shown else shown


def _shown(store: Store, session: Session, state: Mapping[str, Any]) -> dict[str, Any]:
    context = dict(state["context"])
    if PENDING_USER in context:
        user = person_of(store, context[PENDING_USER])
        context[PENDING_USER] = None if user is None else _user(user)
    return {
        "current_stage": _binding(store, state["current"]),
        "next_planned_stage": None if state["next"] is None else _binding(store, state["next"]),
        "plan_context": context,
        "session_id": session.stored.digest if session.stored is not None else "",
    }


def _user(user: Person) -> dict[str, Any]:
    return {
        "username": user.username,
        "pk": int(user.pk) if user.pk else None,
        "email": user.values.get("email", "" if user.pk else user.username),
    }


def _binding(store: Store, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The binding of a stage, as it was planned, with the flows that have the stage now."""
    bound = kept["bound"]
    try:
        flows = store.objects.get("stages", bound["stage"]).related
    except errors.NotFound:
        flows = orjson.dumps([]).decode()
    own = (bound[name] for name in STAGE_BINDING_COLUMNS)
    row = StageBindingRow._make((*own, kept["name"], kept["model"], flows))
    return representations_of(store).stage_binding(row)
