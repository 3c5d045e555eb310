"""Start and cancellation of flows by other operations, and the default flow of a designation."""

from app.exchanges import Credentials, Header, HttpRequest
from app.executor.people import person
from app.executor.plan import PENDING_USER
from app.executor.planning import NotApplicable, Planner
from app.executor.policies.engine import PolicyRequest, evaluate
from app.executor.sessions import ClientSessions
from app.store import Store

_NO_STAGE = "The flow has no stage for the current user."


def begin(store: Store, slug: str, credentials: HttpRequest, user: str) -> tuple[Header, ...]:
    """Plan a flow for a user, regardless of its requirement, and continue it in the client's session.

    :param user: the key of the user
    :returns: the headers of the response; none if the user does not exist
    :raises NotApplicable: the policies deny it, or no stage remains
    """
    pending = person(store, user)
    if pending is None:
        return ()
    sessions = ClientSessions(store)
    session = sessions.read(credentials)
    context = {PENDING_USER: pending.in_context}
    session.plan = Planner(store, credentials, pending).plan(store.flows.get(slug), context, pending)
    if not session.plan.stages:
        raise NotApplicable(_NO_STAGE)
    session.history = None
    return sessions.save(session, credentials)


def cancel(store: Store, credentials: Credentials) -> tuple[Header, ...]:
    """Drop the running plan of a session. :returns: the headers of the response"""
    sessions = ClientSessions(store)
    session = sessions.read(credentials)
    if session.plan is None:
        return ()
    session.plan = None
    return sessions.save(session, credentials)


def default_flow(store: Store, credentials: HttpRequest, designation: str) -> str | None:
    """The slug of the first flow of a designation whose policies pass for the user of the session; None if there is none."""
    user = person(store, ClientSessions(store).read(credentials).user)
    active = user if user is not None and user.is_active else None
    request = PolicyRequest(active, {}, store, credentials, reads_only=True)
    for slug in store.runnable_flows.designated(designation):
        flow = store.flows.get(slug)
        bound = store.runnable_flows.policies_of_flow(flow.pk)
        if evaluate(bound, flow.policy_engine_mode, request, store.models).passes:
            return slug
    return None
