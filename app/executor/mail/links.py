"""Links in e-mails: each restores a plan once, unless the user has changed since."""

import hashlib

import orjson

from app.executor.people import Person, person
from app.executor.plan import Plan, plan_from
from app.store import Store
from app.store.collections.flow_tokens import RestorablePlan


def add_link(store: Store, token: str, user: Person, plan: Plan, expires: int) -> None:
    """Store a plan to restore.

    :param token: of the link
    :param user: who gets it
    :param expires: in seconds since 1970-01-01 UTC
    """
    restorable = RestorablePlan(user.pk, _state_of(store, user), expires, orjson.dumps(plan).decode())
    store.flow_tokens.add(token, plan.flow, restorable)


def add_no_link(store: Store, token: str, user: Person, plan: Plan) -> None:
    """Take as long as `add_link`, for a user who gets none. See `add_link`"""
    _state_of(store, user)
    orjson.dumps(plan)
    store.flow_tokens.add_none(token, plan.flow)


def take_link(store: Store, token: str, flow: str) -> Plan | None:
    """Use a link, which ends it. :returns: its plan; None if it is not valid. :param flow: the key of the flow that runs"""
    found = store.flow_tokens.take(token, flow)
    user = None if found is None else person(store, found.user)
    if found is None or user is None or found.user_state != _state_of(store, user):
        return None
    return plan_from(orjson.loads(found.plan))


def _state_of(store: Store, user: Person) -> str:
    """A digest of the properties of a user that end a link when they change: address, password, and the right to log in."""
    state = [user.address, store.passwords.of(user.pk), user.is_active]
    return hashlib.sha256(orjson.dumps(state)).hexdigest()
