"""E-mail stages, which send the pending user a link that continues the flow."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from typing import Any
from urllib.parse import urlencode

from app import determinism, errors
from app.exchanges import FLOW_TOKEN, Postman
from app.executor.durations import seconds_of
from app.executor.mail.links import add_link, add_no_link
from app.executor.mail.rendering import rendered
from app.executor.people import Person
from app.executor.plan import Properties
from app.executor.stages.kind import NON_FIELD_ERRORS, Question, wrong
from app.executor.steps import Step
from app.store.collections.mails import QUEUED
from app.store.queries.people import USERS

_SENT = "email-sent"
_TOO_MANY = "Too many account verification attempts. Please try again after {} minutes."
# The keys in the context of whether the first e-mail was sent, and of the address that it was sent to instead of the user's.
_IS_SENT, _ADDRESS = "email_sent", "email"
_TOKEN_BYTES = 32
_MINUTE = 60


class Stage(Question):
    """See `Question`. The flow continues in the browser that opens the link."""

    def ask(self) -> Step:
        """See `Kind`. The first request sends the e-mail; the request by the link continues the flow."""
        run, user = self.run, self.run.pending
        if user is None:
            return run.deny()
        if run.restored:
            if self.stage.activate_user_on_success:
                run.store.objects.change(USERS, user.pk, {"is_active": True})
            return run.done()
        if not run.context.get(_IS_SENT):
            if wait := self._wait(user):
                return run.challenge(self.component, _too_many(wait).messages)
            self._send(user)
            run.context[_IS_SENT] = True
        return super().ask()

    def answer(self) -> Step:
        """See `Kind`."""
        return self.ask() if self.run.restored else super().answer()

    def properties(self) -> Mapping[str, Any]:
        """See `Question`."""
        return {}

    def solve(self, answer: Properties) -> Step:  # noqa: ARG002  # it says nothing
        """Send another e-mail. :raises Invalid: always, as only the link continues the flow"""
        if self.run.pending is not None:
            if wait := self._wait(self.run.pending):
                raise _too_many(wait)
            self._send(self.run.pending)
        raise wrong(NON_FIELD_ERRORS, _SENT, _SENT)

    def _wait(self, user: Person) -> int:
        """Count a request for an e-mail. :returns: the seconds to wait after too many requests, 0 after fewer

        A user who does not exist is treated alike.
        """
        most = self.stage.get("recovery_max_attempts")  # a property of later versions
        if most is None:
            return 0
        window = seconds_of(self.stage.recovery_cache_timeout)
        return self.run.store.mail_requests.count((user.address or user.username).lower(), user.pk, most, window)

    def _send(self, user: Person) -> None:
        """Send an e-mail, unless the user does not exist; neither the response nor its time reveals which."""
        run, stage, token = self.run, self.stage, determinism.random_bytes(_TOKEN_BYTES).hex()
        # One more minute than the stage says, as authentik has it: the text of its e-mails is rounded down.
        expires = int(determinism.now()) + max(_seconds(stage.token_expiry) + _MINUTE, 0)
        until = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%d %H:%M UTC")
        text = rendered(stage.template, stage.subject, user, self._link(token), until)
        address = run.context.get(_ADDRESS) or user.address
        if not user.pk or not address:
            add_no_link(run.store, token, user, run.plan)
            run.store.mails.add_none()
            return
        add_link(run.store, token, user, run.plan, expires)
        postman = self._postman
        state = postman.state_of(use_global_settings=stage.use_global_settings)
        run.store.mails.add(run.stage.stage, user.name, str(address), stage.subject, text, state)
        if state == QUEUED:
            postman.wake()

    def _link(self, token: str) -> str:
        """The page of this flow, with the parameters of this page. :param token: restores the plan"""
        run = self.run
        server = self._postman.url or run.exchange.credentials.origin + run.exchange.root
        query = [(name, value) for name, value in run.session.query or () if name != FLOW_TOKEN]
        return f"{server}/if/flow/{run.flow.slug}/?{urlencode([*query, (FLOW_TOKEN, token)])}"

    @property
    def _postman(self) -> Postman:
        postman = self.run.exchange.postman
        assert postman is not None  # noqa: S101  # an application that runs flows has one
        return postman


def _too_many(wait: int) -> errors.Invalid:
    """The error for too many requests. :param wait: after how many seconds to try again"""
    return wrong(NON_FIELD_ERRORS, _TOO_MANY.format(ceil(wait / _MINUTE)), "rate-limited")


def _seconds(expiry: int | str) -> int:
    """The lifetime of a link in seconds. :param expiry: in minutes, or from 2025.4 on as a duration"""
    return seconds_of(expiry) if isinstance(expiry, str) else expiry * _MINUTE
