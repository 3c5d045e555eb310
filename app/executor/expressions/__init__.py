"""Expressions of policies and prompts: Python, as authentik has it, evaluated by a process that opens no files or sockets."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from app.executor.expressions.interpreters import SECONDS
from app.executor.expressions.lookups import look_up
from app.executor.expressions.tasks import task_of
from app.executor.policies.engine import PolicyRequest

log = structlog.get_logger("flows.expressions")

OFF = "This server does not evaluate expressions (FLOWS_EXPRESSIONS=off)."

_MOST_LOOKUPS = 16
_TOO_MANY_LOOKUPS = f"The expression looks up more than {_MOST_LOOKUPS} objects."
_UNREADABLE = "The interpreter of expressions gave no valid outcome."
_LEVELS = frozenset({"debug", "info", "warning", "error"})


class NotEvaluated(Exception):
    """An expression was not evaluated, or has failed. The message gives the reason.

    :param line: its line, if one has failed
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def evaluated(expression: str, request: PolicyRequest) -> tuple[Any, tuple[str, ...]]:
    """Evaluate an expression. Its changes of the context of the plan are kept.

    :param expression: the body of a function
    :param request: the request that it is evaluated for
    :returns: its value and its messages
    :raises NotEvaluated: it was not evaluated, or has failed
    """
    outcome = _outcome(expression, request)
    if "error" in outcome:
        line = outcome.get("line")
        raise NotEvaluated(str(outcome["error"]), line if isinstance(line, int) else None)
    # A process that runs the code of others is not trusted.
    try:
        value, changed = outcome["value"], outcome["changed"]
        orjson.dumps(changed)  # nesting is limited
        messages = tuple(map(str, outcome["messages"]))
        for level, text in outcome["logged"]:
            if level in _LEVELS:
                getattr(log, level)("expression", text=str(text))
    except (KeyError, TypeError, ValueError) as error:
        raise NotEvaluated(_UNREADABLE) from error
    if request.plan is not None and isinstance(changed, dict) and changed != request.plan.context:
        request.plan.context.clear()
        request.plan.context.update(changed)
    return value, messages


def _outcome(expression: str, request: PolicyRequest) -> Mapping[str, Any]:
    """The outcome of an expression after all lookups. The process never waits for a lookup: it evaluates the expression again."""
    http_request, store = request.http_request, request.store
    if http_request.interpreters is None:
        raise NotEvaluated(OFF)
    task, seconds = task_of(expression, request), SECONDS
    for _ in range(_MOST_LOOKUPS + 1):
        try:
            key = hashlib.sha256(orjson.dumps(task)).hexdigest()
        except TypeError as error:
            raise NotEvaluated(f"The context of the expression can't be sent: {error}.") from error
        outcome: Mapping[str, Any] = http_request.compute(
            f"expression {key}", http_request.interpreters.run, task, seconds
        )
        if "missing" not in outcome:
            return outcome
        try:
            name, arguments = outcome["missing"]
            task["found"] = [*task["found"], [[name, arguments], look_up(store, name, arguments)]]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise NotEvaluated(str(error) or _UNREADABLE) from error
        seconds -= outcome["seconds"]
    raise NotEvaluated(_TOO_MANY_LOOKUPS)
