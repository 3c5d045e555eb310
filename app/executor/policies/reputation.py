"""Reputation policies, which pass for users and addresses with a low score. No failed logins are counted here."""

from app.executor.plan import Properties
from app.executor.policies.engine import PolicyRequest, Result


def evaluate(policy: Properties, _request: PolicyRequest) -> Result:
    """Whether the score 0 is low enough."""
    return Result(policy.threshold >= 0)
