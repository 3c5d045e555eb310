"""Sessions of clients: the user who has logged in, and the plan of the running flow.

An unchanged session is not written, except to extend its expiry.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from app import determinism
from app.caches import bounded_cache
from app.exchanges import Credentials, Header, SessionExpired, Unauthenticated
from app.executor.cookies import (
    SESSION,
    cookies_of,
    csrf_failure,
    delete_session,
    session_cookie,
    session_key,
    set_csrf,
    set_session,
)
from app.executor.people import Person, person
from app.executor.plan import Plan, plan_from
from app.store import Store
from app.store.collections.identity import new_uuid
from app.store.collections.sessions import StoredSession

_KEY_BYTES = 24
# The lifetime of a session that ends with the browser, in seconds: the server does not notice that end. A session without a user
# is shorter, as anybody can begin one.
_OPEN_BROWSER, _WITHOUT_USER = 14 * 86400, 86400
# The expiry is extended after this fraction of a lifetime.
_MOVES = 10


@dataclass
class Session:
    """The session of a client.

    :param key: the key in its cookie
    :param stored: as it is stored; None for a new one
    :param user: the key of the user who has logged in, None if nobody has
    :param lifetime: in seconds; 0 for as long as the browser is open
    :param subject: the public identifier of the user, empty if nobody has logged in
    :param plan: the plan of the running flow
    :param history: the completed stages, for the inspector
    :param query: the parameters of the page that runs the flow
    :param failures: how many wrong passwords were given
    :param consent: the token of a consent that was asked for
    :param prepared: the devices that are being set up, by kind: the key of the user, and the data of the device
    :param written: the state as JSON, once the request is done with it; empty before
    :param logged_in: whether a user has logged in by this request
    :param flushed: whether this request has ended it
    """

    key: str
    stored: StoredSession | None = None
    user: str | None = None
    lifetime: int = 0
    subject: str = ""
    plan: Plan | None = None
    history: list[Any] | None = None
    query: list[tuple[str, str]] | None = None
    failures: int = 0
    consent: str = ""
    prepared: dict[str, Any] | None = None
    written: str = ""
    logged_in: bool = False
    flushed: bool = False

    @property
    def parameters(self) -> dict[str, str]:
        """The last value of each parameter of the page."""
        return dict(self.query or ())

    def state(self) -> str:
        """The state, as JSON."""
        state = {name: value for name in _STATE if (value := getattr(self, name))}
        return orjson.dumps(state).decode()

    def restore(self, state: str) -> None:
        """Restore an earlier state."""
        values = orjson.loads(state)
        for name, empty in _STATE.items():
            setattr(self, name, values.get(name, empty))
        self.plan = plan_from(values.get("plan"))

    def log_in(self, user: Person, lifetime: int) -> None:
        """Renew the key and set the user. The plan is kept; the state of a different user is dropped.

        A user who is not active becomes nobody, also after a later activation (recorded: `enroll.inactive_group_path`).
        """
        if self.user != user.pk:
            self.prepared = None  # whoever began the session may have seen the secrets
            if self.user is not None:
                self.history, self.failures, self.consent = None, 0, ""
        self.key = _new_key()
        self.user, self.subject = (user.pk, user.uid) if user.is_active else (None, "")
        self.lifetime, self.logged_in = lifetime, True

    def flush(self) -> None:
        """End the session. The rest of its plan continues in a new one."""
        plan = self.plan
        self.restore("{}")
        self.key, self.user, self.lifetime, self.plan = _new_key(), None, 0, plan
        self.logged_in, self.flushed = False, True


_STATE: dict[str, Any] = {
    "subject": "",
    "plan": None,
    "history": None,
    "query": None,
    "failures": 0,
    "consent": "",
    "prepared": None,
}


@dataclass(frozen=True, slots=True)
class SessionAccess:
    """The access of the user of a session; see `Access`."""

    name: str
    superuser: bool
    permissions: frozenset[str]
    user: str
    expires: int
    session: Callable[[], tuple[Header, ...]]


class ClientSessions:
    """The sessions of a store, found by the cookies of requests.

    :param store: the store
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, credentials: Credentials) -> Session:
        """The session of a request; a new one if its cookie names no valid session."""
        cookie = cookies_of(credentials.cookies).get(SESSION, "")
        key = session_key(self._store.sessions.signing_key, cookie) if cookie else ""
        stored = self._store.sessions.find(_digest(key)) if key else None
        if stored is None:
            return Session(_new_key())
        session = Session(key, stored, stored.user, stored.lifetime)
        session.restore(stored.state)
        return session

    def save(self, session: Session, credentials: Credentials) -> tuple[Header, ...]:
        """Store the changes of a session, except for HEAD, which changes nothing (RFC 9110, section 9.2.1).

        :returns: the headers that set its cookie, or delete it
        :raises SerializationFailure: another request has changed it
        """
        if credentials.method == "HEAD":
            return ()
        state, stored, now = session.written or session.state(), session.stored, int(determinism.now())
        if session.flushed and session.plan is None and session.user is None:
            if stored is not None:
                self._store.sessions.remove(stored)
            return (delete_session(),) if SESSION in cookies_of(credentials.cookies) else ()
        expires = now + (session.lifetime or (_OPEN_BROWSER if session.user is not None else _WITHOUT_USER))
        changed = StoredSession(
            _digest(session.key),
            stored.uuid if stored is not None else new_uuid(),
            session.user,
            stored.version if stored is not None else 0,
            now,
            expires,
            session.lifetime,
            credentials.address,
            credentials.header("user-agent"),
            state,
        )
        if stored is None:
            self._store.sessions.add(changed)
        elif stored.digest != changed.digest:
            self._store.sessions.remove(stored)
            self._store.sessions.add(changed)
        elif (state, session.lifetime) != (stored.state, stored.lifetime) or _is_due(stored, now):
            self._store.sessions.change(changed)
        return self._headers(session, credentials)

    def access(self, credentials: Credentials) -> SessionAccess | None:
        """The access of the user of a session to the whole API; None if nobody has logged in.

        :raises SessionExpired: the cookie names a session that has ended
        :raises Unauthenticated: another site may have sent the request
        """
        cookies = cookies_of(credentials.cookies)
        if SESSION not in cookies:
            return None
        session = self.read(credentials)
        user = person(self._store, session.user)
        if session.stored is None or (session.user is not None and (user is None or not user.is_active)):
            raise SessionExpired((delete_session(),))
        if user is None:
            return None
        if failure := csrf_failure(credentials, cookies):
            raise Unauthenticated(failure)
        return SessionAccess(
            user.username,
            user.is_superuser,
            frozenset(),
            user.pk,
            session.stored.expires,
            lambda: self.save(session, credentials),
        )

    def _headers(self, session: Session, credentials: Credentials) -> tuple[Header, ...]:
        secure = credentials.origin.startswith("https:")
        cookie = session_cookie(self._store.sessions.signing_key, session.key, session.subject)
        headers = (set_session(cookie, session.lifetime, secure=secure),)
        return (set_csrf(secure=secure), *headers) if session.logged_in else headers


def _is_due(stored: StoredSession, now: int) -> bool:
    return (now - stored.used) * _MOVES >= stored.expires - stored.used


@bounded_cache(1024)
def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _new_key() -> str:
    return determinism.random_bytes(_KEY_BYTES).hex()
