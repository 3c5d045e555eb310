"""Event matcher policies. They match events only, so that none passes for a flow."""

from app.executor.plan import Properties
from app.executor.policies.engine import PolicyRequest, Result


def evaluate(_policy: Properties, _request: PolicyRequest) -> Result:
    """Never pass."""
    return Result(False)
