"""The response to a request to a flow: session, run and headers."""

from app.exchanges import Answers, Exchange, Reply
from app.executor.run import Run
from app.executor.sessions import ClientSessions
from app.executor.stages import kind_of
from app.executor.steps import Redirect
from app.store import Store


def run(store: Store, slug: str, exchange: Exchange, answers: Answers | None) -> Reply:
    """Continue a flow.

    :param answers: the body of a response to a challenge; None to get the challenge
    :raises NotFound: there is no such flow
    """
    flow = store.flows.get(slug)
    sessions = ClientSessions(store)
    session = sessions.read(exchange.credentials)
    run = Run(store, flow, session, exchange, answers, kind_of)
    step = run.respond()
    headers = (*sessions.save(session, exchange.credentials), *run.headers)
    if isinstance(step, Redirect):
        return Reply(None, 302, ((b"location", step.url.encode("latin-1")), *headers))
    return Reply(step, 0, headers)
