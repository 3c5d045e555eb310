"""Plans: the stages that remain for a session, and their context. They are stored with the session, as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PENDING_USER, PENDING_NAME = "pending_user", "pending_user_identifier"
"""The keys in the context of the user whom the flow is about, and of the name that was typed."""

PROMPT_DATA = "prompt_data"
"""The key in the context of the values of prompts."""

SECRETS = "secret_fields"
"""The key in the context of the names of those values that are passwords."""


class Properties(dict[str, Any]):
    """Properties of an object of the contract, also as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(slots=True)
class PlannedStage:
    """A copy of a bound stage, made when the flow was planned.

    :param binding: the key of the binding
    :param stage: the key of the stage
    :param model: the model of the stage
    :param values: the properties of the stage
    :param bound: the properties of the binding
    :param marked: whether the policies of the binding are evaluated again before the stage
    """

    binding: str
    stage: str
    model: str
    values: Properties
    bound: Properties
    marked: bool

    def __post_init__(self) -> None:
        self.values, self.bound = Properties(self.values), Properties(self.bound)


@dataclass(slots=True)
class Plan:
    """The plan of a flow.

    :param flow: the key of the flow
    :param stages: the remaining stages
    :param context: what stages and policies tell one another
    """

    flow: str
    stages: list[PlannedStage]
    context: dict[str, Any] = field(default_factory=dict)


def plan_from(stored: Mapping[str, Any] | None) -> Plan | None:
    """A stored plan; None if there is none."""
    if stored is None:
        return None
    stages = [PlannedStage(**stage) for stage in stored["stages"]]
    return Plan(stored["flow"], stages, dict(stored["context"]))
