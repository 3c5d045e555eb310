"""Time-based one-time passwords (RFC 6238)."""

import base64
import hmac
from collections.abc import Mapping
from typing import Any

import pyotp

from app import determinism

NAME = "TOTP Authenticator"
"""The name of these devices."""

# 160 bits, the length of the hash (RFC 4226, section 4).
_SECRET_BYTES = 20
_PERIOD = 30
# The steps before and after the current one whose codes are accepted: clocks differ, and typing takes time.
_WINDOW = 1


def new_data(digits: str) -> dict[str, Any]:
    """The data of a new device: its secret, and the last step whose code was used. :param digits: how many a code has"""
    secret = base64.b32encode(determinism.random_bytes(_SECRET_BYTES)).decode()
    return {"secret": secret, "digits": int(digits), "step": 0}


def url_of(data: Mapping[str, Any], username: str, issuer: str) -> str:
    """The URL with the secret, for authenticator apps. :param issuer: the name of the service"""
    return _totp(data).provisioning_uri(name=username, issuer_name=issuer)


def data_after(data: Mapping[str, Any], code: str) -> dict[str, Any] | None:
    """Use a code. :returns: the data afterwards; None if the code is wrong, or not newer than the last one"""
    totp, step = _totp(data), int(determinism.now()) // _PERIOD
    given = code.zfill(data["digits"]).encode("utf-8", "surrogatepass")
    steps = range(max(step - _WINDOW, data["step"] + 1), step + _WINDOW + 1)
    matching = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), given)]
    return {**data, "step": matching[0]} if matching else None


def _totp(data: Mapping[str, Any]) -> pyotp.TOTP:
    return pyotp.TOTP(data["secret"], digits=data["digits"], interval=_PERIOD)
