"""One request to a flow: find or make the plan, then let the current stage ask for something, or process an answer."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import parse_qsl

import structlog

from app import errors
from app.caches import bounded_cache
from app.domain import RequestContext
from app.exchanges import FLOW_TOKEN, Answers, Exchange, Header, Unauthenticated
from app.execution import Offload
from app.executor.challenges import (
    ACCESS_DENIED,
    UNKNOWN_ERROR,
    error_challenge,
    flow_info,
    redirect_challenge,
    title_of,
    user_info,
)
from app.executor.inspector import state_of
from app.executor.mail.links import take_link
from app.executor.people import Person, person, person_of
from app.executor.plan import APPLICATION, PENDING_NAME, PENDING_USER, RESTORED, Plan, PlannedStage
from app.executor.planning import NotApplicable, Planner
from app.executor.policies.engine import PolicyRequest, evaluate
from app.executor.redirects import as_encoded, is_own
from app.executor.sessions import Session
from app.executor.steps import Redirect, Step
from app.store import Store
from app.store.queries.flow_row import Flow

log = structlog.get_logger("flows.executor")

INVALID_NEXT = "Invalid next URL"

# The parameter with the URL that the flow leads to at its end.
_NEXT = "next"


class Stage(Protocol):
    """The current stage of a plan."""

    def ask(self) -> Step:
        """The response to a request for the challenge."""

    def answer(self) -> Step:
        """The response to an answer."""


KindOf = Callable[[str], "Callable[[Run], Stage] | None"]
"""From the model of a stage to its kind; None if it can't be run."""


class Run:
    """One request to a flow.

    :param store: the store
    :param flow: the flow, as it is now
    :param session: the session of the client
    :param exchange: the request
    :param answers: the body of a response to a challenge; None to get the challenge
    :param kind_of: finds the kinds of stages
    """

    def __init__(
        self,
        store: Store,
        flow: Flow,
        session: Session,
        exchange: Exchange,
        answers: Answers | None,
        kind_of: KindOf,
    ) -> None:
        self.store = store
        self.flow = flow
        self.session = session
        self.exchange = exchange
        self.answers = answers
        self._kind_of = kind_of
        self._caller: Person | None = None
        # The user in the context, and who that is: it is asked for several times.
        self._pending: tuple[Any, Person | None] = None, None
        self._is_authenticated = False
        self.headers: list[Header] = []
        """Headers of the response besides those of the session."""
        self.restored = False
        """Whether this request has restored the plan, so that its first stage is done."""

    @property
    def plan(self) -> Plan:
        """The running plan."""
        assert self.session.plan is not None  # noqa: S101  # only stages of a plan run
        return self.session.plan

    @property
    def context(self) -> dict[str, Any]:
        """The context of the running plan."""
        return self.plan.context

    @property
    def stage(self) -> PlannedStage:
        """The current stage of the plan."""
        return self.plan.stages[0]

    @cached_property
    def user(self) -> Person | None:
        """The user of the session; None without one who may log in."""
        user = person(self.store, self.session.user)
        return user if user is not None and user.is_active else None

    @property
    def caller(self) -> Person | None:
        """The user of the token that was sent, or else of the session."""
        return self._caller if self._is_authenticated else self.user

    @property
    def pending(self) -> Person | None:
        """The pending user of the plan."""
        kept = self.context.get(PENDING_USER) if self.session.plan is not None else None
        if kept != self._pending[0]:
            self._pending = kept, person_of(self.store, kept)
        return self._pending[1]

    def respond(self) -> Step:
        """The response to the request."""
        session = self.session
        session.query = self._query()
        if token := session.parameters.get(FLOW_TOKEN):
            try:
                self._authenticate()  # before it is taken: a request that fails does not use the link up
            except (errors.Unavailable, Offload):
                raise
            except Exception as error:
                return self._failed(error)
            self._restore(token)
        if session.plan is not None and session.plan.flow != self.flow.pk:
            session.plan = None
        try:
            if session.plan is None:
                session.history = None
                session.plan = Planner(self.store, self.exchange.credentials, self.user).plan(self.flow)
            if not self._reach_stage():
                return self._end()
        except NotApplicable as denial:
            return self._not_applicable(str(denial))
        before = session.state()
        try:
            self._authenticate()
            step = self._run_stage()
            session.written = session.state()  # fails if a stage has kept what can't be stored
            return step
        except (errors.Unavailable, Offload):
            raise
        except Exception as error:
            session.restore(before)
            return self._failed(error)

    def done(self) -> Step:
        """Complete the stage, and continue with the next one."""
        self.session.history = [*(self.session.history or []), state_of(self.plan)]
        self.plan.stages.pop(0)
        return self.repeat() if self.plan.stages else self._end()

    def repeat(self) -> Step:
        """Redirect the client to the next challenge."""
        query = as_encoded(self.exchange.query)
        url = f"{self.exchange.path}?{query}" if query else self.exchange.path
        return Redirect(url) if query == self.exchange.query else redirect_challenge(url)

    def challenge(self, component: str, messages: Mapping[str, Any] | None = None, **properties: Any) -> Step:
        """A challenge of the stage.

        :param component: its kind
        :param messages: the errors of the last response; None if there are none
        :param properties: those of this kind
        """
        wrong = {} if messages is None else {"response_errors": messages}
        return {"flow_info": self._flow_info(), "component": component, **wrong, **properties}

    def user_info(self) -> dict[str, str]:
        """The user of the challenge; only the name as typed if the identification stage shows no matched user."""
        typed = self._typed
        return user_info(self.pending or self.caller if typed is None else Person(None, typed), self._shown_as)

    def deny(self, message: str = "") -> Step:
        """End or restart the flow, as the binding requires. :param message: for the user"""
        return self.invalid() or self._denied(message or UNKNOWN_ERROR)

    def invalid(self) -> Step | None:
        """Restart the flow or the stage after an invalid response, if the binding requires it."""
        # An action has the name of the method that takes it.
        action = getattr(self, f"_{self.stage.bound.invalid_response_action}", None)
        return None if action is None else action()

    def _restart(self) -> Step:
        return self._replan({}, None)

    def _restart_with_context(self) -> Step:
        return self._replan(self.context, self.pending)

    def _replan(self, context: Mapping[str, Any], pending: Person | None) -> Step:
        planner = Planner(self.store, self.exchange.credentials, self.user)
        try:
            self.session.plan = planner.plan(self.flow, context, pending)
            self.session.history = None
        except NotApplicable as denial:
            return self._not_applicable(str(denial))
        return self.repeat()

    def _query(self) -> list[tuple[str, str]]:
        """The parameters of the page that runs the flow."""
        return list(_page_query(self.exchange.query))

    def _restore(self, token: str) -> None:
        """Restore the plan that the token of a link names, if it names one of this flow."""
        plan = take_link(self.store, token, self.flow.pk)
        if plan is None:
            reason = (
                "The link was used before, is too old, or is not one of this flow. Or its user has another address or password by"
                " now, or may not log in. The flow begins anew."
            )
            log.info("link not valid", id=self.exchange.id, flow=self.flow.slug, reason=reason)
        else:
            self.session.plan = plan
            self.context[RESTORED] = self.restored = True

    def _reach_stage(self) -> bool:
        """Drop stages whose policies do not pass any more. :returns: whether one is left"""
        while self.plan.stages:
            stage = self.stage
            if not stage.marked:
                return True
            policies = self.store.runnable_flows.policies_of_stage(stage.binding)
            user, http_request = self.pending or self.user, self.exchange.credentials
            request = PolicyRequest(user, self.context, self.store, http_request, self.plan)
            if evaluate(policies, stage.bound.policy_engine_mode, request, self.store.models).passes:
                return True
            self.plan.stages.pop(0)
        return False

    def _authenticate(self) -> None:
        """Verify the credentials and the accepted media type. :raises Unauthenticated: they are not valid"""
        if not self.exchange.acceptable:
            raise Unacceptable
        credentials = self.exchange.credentials
        if credentials.authorization is None and self.user is None:
            return
        context: RequestContext = self.exchange.authenticate()
        self._is_authenticated = True
        self._caller = person(self.store, context.user)

    def _run_stage(self) -> Step:
        stage = self.stage
        kind = self._kind_of(stage.model)
        if kind is None:
            return self._cannot_run(
                f"The stage {stage.values.name} is of the kind {stage.model}, which can't be run here."
            )
        if not self.store.runnable_flows.has_object(stage.stage):
            return self._cannot_run(f"The stage {stage.values.name} has been deleted.")
        return kind(self).answer() if self.answers is not None else kind(self).ask()

    def _cannot_run(self, reason: str) -> Step:
        log.warning("stage denied", flow=self.flow.slug, reason=reason)
        return self._denied(reason)

    def _end(self) -> Step:
        """The redirect at the end of the flow."""
        session = self.session
        to = session.parameters.get(_NEXT)
        chosen = self.context.get("redirect")
        if not isinstance(chosen, str) or not chosen:
            chosen = None
        if chosen is None and to is not None and not is_own(to):
            return self._denied(INVALID_NEXT)
        session.plan, session.query = None, None
        return redirect_challenge(chosen or to or self._home)

    def _not_applicable(self, message: str) -> Step:
        """Deny a flow to a user who may not run it, as its `denied_action` requires."""
        to = dict(parse_qsl(self.exchange.query, keep_blank_values=True)).get(_NEXT, "")
        self.session.plan = None
        continues = getattr(self, f"_{self.flow.denied_action}", None)
        url = continues(to if is_own(to) else "") if continues is not None else ""
        return redirect_challenge(url) if url else self._denied(message)

    @staticmethod
    def _message_continue(to: str) -> str:
        return to

    def _continue(self, to: str) -> str:
        return to or self._home

    @property
    def _home(self) -> str:
        """The default URL at the end of flows."""
        return f"{self.exchange.root}/"

    def _denied(self, message: str) -> Step:
        """End the flow."""
        planned = self.session.plan is not None
        info = self._flow_info() if planned else flow_info(self.flow, self.flow.title, self.exchange.root)
        user = self.user_info()
        self.session.plan = None
        return {"flow_info": info, "component": ACCESS_DENIED, **user, "error_message": message}

    def _failed(self, error: Exception) -> Step:
        """The challenge for a failure. Superusers and those who may debug see the error."""
        by_client = isinstance(error, Unauthenticated | Unacceptable | errors.Unreadable)
        plan = self.session.plan
        stage = plan.stages[0] if plan is not None and plan.stages else None
        (log.info if by_client else log.error)(
            "stage failed",
            id=self.exchange.id,
            flow=self.flow.slug,
            stage=stage.values.name if stage is not None else None,
            kind=stage.model if stage is not None else None,
            reason=f"{type(error).__name__}: {error}",
            exc_info=None if by_client else error,
        )
        sees = self._is_authenticated and self._caller is not None and self._caller.may_debug
        return error_challenge(self.exchange.id, error if sees else None)

    def _flow_info(self) -> dict[str, str]:
        return flow_info(self.flow, title_of(self.flow, self._shown_as, self._application), self.exchange.root)

    @property
    def _application(self) -> str:
        """The name of the application that the flow leads to; empty if there is none."""
        found = self.context.get(APPLICATION) if self.session.plan is not None else None
        return "" if found is None else str(found["name"])

    @property
    def _shown_as(self) -> str:
        """The name of the user in challenges; empty if there is none."""
        if (typed := self._typed) is not None:
            return typed
        user = self.pending or self.caller
        return "" if user is None else user.username

    @property
    def _typed(self) -> str | None:
        """The typed name, if it is shown in place of the user; None if not."""
        typed = self.context.get(PENDING_NAME) if self.session.plan is not None else None
        return None if typed is None else str(typed)


@bounded_cache(256)
def _page_query(query: str) -> tuple[tuple[str, str], ...]:
    """The parameters of a page. :param query: of the request, with the query of the page as one parameter"""
    outer = dict(parse_qsl(query, keep_blank_values=True))
    return tuple(parse_qsl(outer.get("query", ""), keep_blank_values=True))


class Unacceptable(Exception):
    """The client does not accept JSON."""

    def __str__(self) -> str:
        return "Could not satisfy the request Accept header."
