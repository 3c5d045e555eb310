"""Password expiry policies, which pass until a password is too old."""

from datetime import timedelta

from app import determinism
from app.executor.plan import Properties
from app.executor.policies.engine import PolicyRequest, Result

_DAY = timedelta(days=1).total_seconds()


def evaluate(policy: Properties, request: PolicyRequest) -> Result:
    """Whether the password of the user is young enough. One that is too old becomes unusable, unless the policy only denies."""
    store, user = request.store, request.user
    if user is None or not user.pk:
        return Result(True)
    changed = store.passwords.changed(user.pk)
    if changed is None or (expired := (determinism.now() - changed) // _DAY - policy.days) < 0:
        return Result(True)
    if policy.deny_only:
        return Result(False, ("Password has expired.",))
    if not (request.is_test or request.reads_only):
        store.passwords.expire(user.pk)
    return Result(False, (f"Password expired {expired:.0f} days ago. Please update your password.",))
