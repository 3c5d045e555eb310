"""Plans of flows: the remaining stages of a session, and their context. They are stored with the session, as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PENDING_USER, PENDING_NAME = "pending_user", "pending_user_identifier"
"""The keys in the context of the pending user, and of the name as typed."""

RESTORED = "is_restored"
"""The key in the context of whether the plan was restored by the link of an e-mail."""

APPLICATION = "application"
"""The key in the context of the application that the flow leads to: its `pk`, `name` and `slug`."""

PROMPT_DATA = "prompt_data"
"""The key in the context of the values of prompts."""

SECRETS = "secret_fields"
"""The key in the context of the keys of those values that are passwords; a dot separates the keys of nested ones."""


class Properties(dict[str, Any]):
    """Properties of an object of the contract, also as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def without_secrets(context: Mapping[str, Any], mask: str | None = None) -> dict[str, Any]:
    """The values of the prompts of a context without typed passwords.

    :param mask: stands in place of each; None to drop them
    """
    return _without(context.get(PROMPT_DATA) or {}, [key.split(".") for key in context.get(SECRETS, ())], mask)


def _without(values: Mapping[str, Any], paths: Iterable[Sequence[str]], mask: str | None) -> dict[str, Any]:
    found = dict(values)
    for key, *rest in paths:
        if rest and isinstance(found.get(key), dict):
            found[key] = _without(found[key], [rest], mask)
        elif mask is not None and key in found:
            found[key] = mask
        else:
            found.pop(key, None)
    return found


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
    :param context: the data that stages and policies share
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
