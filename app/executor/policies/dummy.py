"""Dummy policies, which pass or do not pass. Unlike in authentik they do not wait."""

from app.executor.plan import Properties
from app.executor.policies.engine import PolicyFailure, PolicyRequest, Result


def evaluate(policy: Properties, _request: PolicyRequest) -> Result:
    """The fixed result. :raises PolicyFailure: authentik could not choose how long to wait"""
    if policy.wait_min >= policy.wait_max:
        raise PolicyFailure(f"empty range in randrange({policy.wait_min}, {policy.wait_max})")
    return Result(policy.result, ("dummy",))
