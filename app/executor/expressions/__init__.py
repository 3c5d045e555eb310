"""Expressions of policies and prompts: Python, as authentik has it. They are not evaluated yet."""

from typing import Any


class NotEvaluated(Exception):
    """An expression was not evaluated, or has failed. The message says why."""


def evaluated(expression: str, request: Any) -> tuple[Any, tuple[str, ...]]:  # noqa: ARG001
    """Evaluate an expression.

    :param expression: the body of a function
    :param request: what it is evaluated for
    :returns: its value and its messages
    :raises NotEvaluated: it was not evaluated, or has failed
    """
    raise NotEvaluated("Expressions are not evaluated by this server.")
