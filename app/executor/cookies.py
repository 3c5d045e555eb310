"""The cookies of sessions, as authentik sets them (recorded: `session.*`)."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from app import determinism
from app.caches import bounded_cache
from app.exchanges import Credentials, Header
from app.executor.signatures import sign, verified

SESSION, CSRF, DEVICE = "authentik_session", "authentik_csrf", "authentik_mfa"
"""The names of the cookies."""

_CSRF_HEADER = "x-authentik-csrf"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_ISSUER = "authentik"
_CONTEXT = "goauthentik.io/core/default"
_LONGEST = 2048
# A year of 52 weeks, in seconds.
_CSRF_AGE = 52 * 7 * 86400
_EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"


def cookies_of(header: str | None) -> Mapping[str, str]:
    """The cookies of a request, by name; the last of each (RFC 6265, section 4.2.1). :param header: None if it is missing"""
    pairs = (pair.partition("=") for pair in (header or "").split(";"))
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def session_key(signing_key: str, cookie: str) -> str:
    """The key of the session that a cookie names; empty if the cookie is not valid."""
    return "" if len(cookie) > _LONGEST else _session_key(signing_key, cookie)


@bounded_cache(1024)
def _session_key(signing_key: str, cookie: str) -> str:
    return str(verified(cookie, _secret(signing_key), issuer=_ISSUER).get("sid", ""))


@bounded_cache(1024)
def session_cookie(signing_key: str, key: str, subject: str) -> str:
    """The cookie that names a session. :param subject: the public identifier of its user, empty if there is none"""
    claims = {
        "sid": key,
        "iss": _ISSUER,
        "sub": subject or "anonymous",
        "authenticated": bool(subject),
        "acr": _CONTEXT,
    }
    return sign(claims, _secret(signing_key))


@bounded_cache(8)
def _secret(signing_key: str) -> str:
    return hashlib.sha512(signing_key.encode()).hexdigest()


def set_session(cookie: str, lifetime: int, *, secure: bool) -> Header:
    """The header that sets the cookie of a session.

    :param lifetime: in seconds; 0 for as long as the browser is open
    :param secure: whether the client uses TLS
    """
    age = "" if not lifetime else f" expires={_date(lifetime)}; Max-Age={lifetime - 1};"
    return b"set-cookie", f"{SESSION}={cookie};{age} HttpOnly; Path=/; {_same_site(secure)}".encode()


def delete_session() -> Header:
    """The header that deletes the cookie of a session."""
    return b"set-cookie", f'{SESSION}=""; expires={_EPOCH}; Max-Age=0; Path=/; SameSite=Lax'.encode()


def set_csrf(*, secure: bool) -> Header:
    """The header that sets a new CSRF token."""
    token = determinism.random_bytes(16).hex()
    same_site = _same_site(secure)
    expires = _date(_CSRF_AGE)
    return b"set-cookie", f"{CSRF}={token}; expires={expires}; Max-Age={_CSRF_AGE}; Path=/; {same_site}".encode()


def csrf_failure(credentials: Credentials, cookies: Mapping[str, str]) -> str:
    """The reason to reject a request as a cross-site forgery; empty if there is none."""
    if credentials.method in _SAFE:
        return ""
    origin = credentials.header("origin")
    if origin and origin != credentials.origin:
        return "CSRF Failed: Origin checking failed."
    expected, given = cookies.get(CSRF, ""), credentials.header(_CSRF_HEADER)
    if not expected:
        return "CSRF Failed: CSRF cookie not set."
    if not given:
        return "CSRF Failed: CSRF token missing."
    if not hmac.compare_digest(expected.encode(), given.encode()):
        return "CSRF Failed: CSRF token incorrect."
    return ""


def set_device(signing_key: str, stage: str, device: str, seconds: int, *, secure: bool) -> Header:
    """The header that sets the cookie of a browser in which a device was verified.

    :param stage: the key of the stage that asked for it
    :param device: the key of the device
    :param seconds: how long it need not be proved again
    """
    claims = {"device": device, "stage": stage, "exp": int(determinism.now()) + seconds}
    cookie = sign(claims, _device_secret(signing_key, stage))
    expires = f"expires={_date(seconds)}; Max-Age={seconds}"
    return b"set-cookie", f"{DEVICE}={cookie}; {expires}; HttpOnly; Path=/; {_same_site(secure)}".encode()


def device_in(signing_key: str, stage: str, cookie: str, seconds: int) -> str:
    """The key of the device of a cookie; empty if the cookie is not valid now. See `set_device`.

    :param seconds: how long a device need not be proved again; a cookie that lasts longer is not valid
    """
    claims = verified(cookie, _device_secret(signing_key, stage), require=["exp"])
    try:
        # The clock of this server counts.
        left = claims["exp"] - determinism.now()
    except (KeyError, TypeError):
        return ""
    return str(claims.get("device", "")) if 0 < left <= seconds else ""


def _device_secret(signing_key: str, stage: str) -> str:
    return hashlib.sha256(f"{signing_key}:{stage}".encode()).hexdigest()


def _date(seconds: int) -> str:
    """The date some seconds from now (RFC 9110, section 5.6.7)."""
    return datetime.fromtimestamp(determinism.now() + seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def _same_site(secure: bool) -> str:
    return "SameSite=None; Secure" if secure else "SameSite=Lax"
