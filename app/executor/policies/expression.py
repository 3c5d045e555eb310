"""Expression policies."""

from app.executor.expressions import NotEvaluated, evaluated
from app.executor.plan import Properties
from app.executor.policies.engine import PolicyFailure, PolicyRequest, Result


def evaluate(policy: Properties, request: PolicyRequest) -> Result:
    """The truth of the result, and the messages of the expression. :raises PolicyFailure: it fails"""
    try:
        value, messages = evaluated(policy.expression, request)
    except NotEvaluated as error:
        raise PolicyFailure(str(error), error.line) from error
    return Result(bool(value), messages)
