"""Dummy policies, with a fixed result. Unlike in authentik they do not wait."""

from app.executor.plan import Properties
from app.executor.policies.engine import PolicyFailure, PolicyRequest, Result


def evaluate(policy: Properties, _request: PolicyRequest) -> Result:
    """The fixed result. :raises PolicyFailure: the range of waiting times is empty, as in authentik"""
    if policy.wait_min >= policy.wait_max:
        raise PolicyFailure(f"empty range in randrange({policy.wait_min}, {policy.wait_max})")
    return Result(policy.result, ("dummy",))
