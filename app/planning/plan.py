"""The stages of a flow for a caller, as far as they are known without executing anything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from app.domain import Model
from app.store.collections.flow_tree import BoundStage, Structure
from app.store.queries.binding_views import PolicyBindingRow

_ALL = "all"


class NotApplicable(Exception):
    """The flow can't be entered. The message gives the reason, in authentik's words if it has any."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of policies.

    :param passes: whether they pass
    :param messages: their messages
    """

    passes: bool
    messages: tuple[str, ...]


def plan(structure: Structure, models: Mapping[str, Model]) -> list[BoundStage]:
    """The stages of a flow that remain for a caller.

    :param models: the models, with the decisions of policies
    :raises NotApplicable: a policy of the flow denies it, or no stage remains
    """
    entrance = evaluate(structure.policies, structure.flow.policy_engine_mode, models)
    if not entrance.passes:
        because = "\n".join(entrance.messages)
        raise NotApplicable(
            f"Flow not applicable to current user/request: {because}"
            if because
            else "Flow does not apply to current user."
        )
    stages = [
        stage
        for stage in structure.stages
        if not stage.binding.evaluate_on_plan
        or evaluate(stage.policies, stage.binding.policy_engine_mode, models).passes
    ]
    if not stages:
        raise NotApplicable("The flow has no stage for the current user.")
    return stages


def evaluate(bindings: Iterable[PolicyBindingRow], mode: str, models: Mapping[str, Model]) -> Result:
    """The combined result of the enabled policies of one target.

    A policy that would have to be executed is ignored, as if it were not enabled; so is one of a model that the contract no longer
    has.

    :param mode: whether all of them have to pass, or any
    """
    results: list[bool] = []
    messages: list[str] = []
    for binding in bindings:
        model = models.get(binding.policy_model)
        if not binding.enabled or model is None or (decision := model.decision) is None:
            continue
        values = {**model.unstored, **orjson.loads(binding.policy_properties)}
        decided = bool(values.get(decision.by)) if decision.by else decision.passes
        results.append(decided is not bool(binding.negate))
        messages.append(decision.message)
    passes = not results or (all(results) if mode == _ALL else any(results))
    return Result(passes, tuple(messages))
