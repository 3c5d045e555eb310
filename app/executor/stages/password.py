"""Password stages, which ask for the password of the pending user."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from app import passwords
from app.exchanges import Exchange
from app.executor.people import Person
from app.executor.plan import Properties
from app.executor.stages.kind import Question, wrong
from app.executor.steps import Step
from app.store import Store

_WRONG = "Invalid password"
_RECOVERY = "recovery"


class Stage(Question):
    """See `Question`."""

    def properties(self) -> Mapping[str, Any]:
        """See `Question`."""
        recovery, exchange = self.run.store.runnable_flows.designated(_RECOVERY), self.run.exchange
        server = exchange.credentials.origin + exchange.root
        link = {"recovery_url": f"{server}/if/flow/{recovery[0]}/"} if recovery else {}
        return {**self.run.user_info(), **link, "allow_show_password": self.stage.allow_show_password}

    def refuse(self, messages: Mapping[str, Any]) -> Step:
        """See `Question`. After too many wrong responses in a session the flow ends."""
        session = self.run.session
        session.failures += 1
        if session.failures >= self.stage.failed_attempts_before_cancel:
            session.failures = 0
            return self.run.deny()
        return super().refuse(messages)

    def solve(self, answer: Properties) -> Step:
        """Continue with the right password. :raises Invalid: it is wrong"""
        run = self.run
        if run.pending is None:
            return run.deny()
        backend = backend_of(run.store, run.exchange, run.pending, answer.password, self.stage.backends)
        if not backend:
            raise wrong("password", _WRONG)
        run.context.update(proof_of(backend))
        return run.done()


BACKEND = "user_backend"
"""The key in the context of a plan of the backend that knew the password."""


def proof_of(backend: str) -> dict[str, Any]:
    """The properties in the context of a plan about the backend that verified the password."""
    method = "token" if _BACKENDS[backend.rpartition(".")[2]] is _knows_token else "password"
    return {"auth_method": method, "auth_method_args": {}, BACKEND: backend}


def backend_of(store: Store, exchange: Exchange, user: Person, password: str, backends: Iterable[str]) -> str:
    """The first backend that accepts a password of a user; empty if none does. It takes the same time for all users.

    :param backends: those to ask
    """
    for backend in backends:
        knows = _BACKENDS.get(backend.rpartition(".")[2])
        if knows is not None and knows(store, exchange, user, password) and user.is_active:
            return backend
    return ""


def _knows_password(store: Store, exchange: Exchange, user: Person, password: str) -> bool:
    stored = store.passwords.of(user.pk)
    check: tuple[Any, ...] = (passwords.matches_nobody, password)
    if stored is not None:
        check = (passwords.matches, password, stored)
    return bool(exchange.compute(f"password of {user.pk or user.username}", *check))


def _knows_token(store: Store, _exchange: Exchange, user: Person, password: str) -> bool:
    return store.tokens.is_app_password(password, user.pk) and bool(user.pk)


# By the last part of their names. Those that ask other servers know no password.
_BACKENDS: Mapping[str, Callable[[Store, Exchange, Person, str], bool]] = {
    "InbuiltBackend": _knows_password,
    "TokenBackend": _knows_token,
}
