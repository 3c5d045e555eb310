"""Evaluation of the policies bound to a flow or to a stage."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import orjson
import structlog

from app.domain import Model
from app.exchanges import HttpRequest
from app.executor.people import Person
from app.executor.plan import Plan, Properties
from app.store import Store
from app.store.queries.binding_views import PolicyBindingRow

log = structlog.get_logger("flows.executor")

ALL = "all"
_APPS = "authentik_policies_"


class Result(NamedTuple):
    """The result of policies.

    :param passes: whether they pass
    :param messages: their messages
    """

    passes: bool
    messages: tuple[str, ...] = ()


class PolicyFailure(Exception):
    """A policy can't be evaluated. The message gives the reason; the binding decides whether the policy passes.

    :param line: the line of its expression that has failed, if one has
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class PolicyRequest:
    """The request that a policy is evaluated for.

    :param user: the user; None if there is none
    :param context: the context of the plan, or the additions of a stage
    :param store: where expressions look up users
    :param http_request: the request of the client
    :param plan: the running plan; None if there is none yet
    :param is_test: whether the policy is only tested
    :param reads_only: whether the evaluation may change nothing, because it only checks access
    """

    user: Person | None
    context: Mapping[str, Any]
    store: Store
    http_request: HttpRequest
    plan: Plan | None = None
    is_test: bool = False
    reads_only: bool = False

    def compute(self, key: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a function that takes long; see `HttpRequest.compute`."""
        return self.http_request.compute(key, function, *arguments)


Evaluate = Callable[[Properties, PolicyRequest], Result]


def evaluate(
    bindings: Iterable[PolicyBindingRow], mode: str, request: PolicyRequest, models: Mapping[str, Model]
) -> Result:
    """The combined result of the policies of one target. All are evaluated, for their messages.

    :param mode: whether all of them have to pass, or any
    """
    results = [_of_binding(binding, request, models) for binding in bindings]
    passes = (all if mode == ALL else any)(result.passes for result in results) if results else True
    return Result(passes, tuple(message for result in results for message in result.messages))


def evaluate_policy(name: str, model: str, values: Properties, request: PolicyRequest) -> Result:
    """The result of one policy. :raises PolicyFailure: it can't be evaluated"""
    kind = _kind(model)
    if kind is None:
        raise PolicyFailure(f"The policy {name} is of the kind {model}, which is not evaluated here.")
    return kind(values, request)


def _of_binding(binding: PolicyBindingRow, request: PolicyRequest, models: Mapping[str, Model]) -> Result:
    if binding.policy is None:
        return _negated(Result(_is_bound(binding, request.user)), binding)
    model = models.get(binding.policy_model)
    values = Properties({**(model.unstored if model else {}), **orjson.loads(binding.policy_properties)})
    try:
        return _negated(evaluate_policy(binding.policy_name, binding.policy_model, values, request), binding)
    except PolicyFailure as failure:
        # A failure is not negated (recorded: `policy.binding_options`).
        log.warning(
            "policy failed",
            policy=binding.policy_name,
            kind=binding.policy_model,
            reason=str(failure),
            **({} if failure.line is None else {"line": failure.line}),
        )
        return Result(bool(binding.failure_result), (str(failure),))


def _is_bound(binding: PolicyBindingRow, user: Person | None) -> bool:
    """Whether the user of a binding is this one, or is in its group."""
    if user is None:
        return False
    if binding.group is None:
        return binding.user == user.pk
    return any(group["pk"] == binding.group for group in user.all_groups)


def _negated(result: Result, binding: PolicyBindingRow) -> Result:
    return result._replace(passes=result.passes is not bool(binding.negate))


@cache
def _kind(model: str) -> Evaluate | None:
    app = model.partition(".")[0]
    try:
        module = importlib.import_module(f"app.executor.policies.{app.removeprefix(_APPS)}")
    except ModuleNotFoundError:
        return None
    evaluated: Evaluate | None = getattr(module, "evaluate", None)
    return evaluated
