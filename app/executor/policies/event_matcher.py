"""Event matcher policies, which pass for events that they match. A flow is no event."""

from app.executor.plan import Properties
from app.executor.policies.engine import PolicyRequest, Result


def evaluate(_policy: Properties, _request: PolicyRequest) -> Result:
    """Never pass."""
    return Result(False)
