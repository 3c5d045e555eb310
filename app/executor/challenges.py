"""Common properties of all challenges, and the challenges that belong to no stage."""

import re
import traceback
from typing import Any

from app.executor.people import NOBODY_AVATAR, Person
from app.store.queries.flow_row import Flow

# The page that cancels a flow.
_CANCEL = "/flows/-/cancel/"

UNKNOWN_ERROR = "Unknown error"

ACCESS_DENIED, FLOW_ERROR, REDIRECT = "ak-stage-access-denied", "ak-stage-flow-error", "xak-flow-redirect"
"""The components of challenges that come from no stage."""

_ANONYMOUS = "AnonymousUser"
_USER, _APPLICATION = "user", "app"
# The beginning of a conversion of Python's printf-style formatting, with the first character of its width or precision.
_CONVERSION = re.compile(rf"%(?:\((?:{_USER}|{_APPLICATION})\))?[#0 +-]*(?P<size>[1-9.*]?).?", re.DOTALL)


def flow_info(flow: Flow, title: str, root: str) -> dict[str, str]:
    """The display of a flow: title, layout and background.

    :param title: its title
    :param root: see `Exchange`
    """
    return {"title": title, "background": flow.background, "cancel_url": root + _CANCEL, "layout": flow.layout}


def title_of(flow: Flow, shown_as: str, application: str = "") -> str:
    """The title of a running flow, which may name the user and the application.

    :param shown_as: the name of the user, empty if there is none
    :param application: the name of the application, empty if there is none
    """
    # A width or a precision may be a billion.
    if "%" not in flow.title or any(found["size"] for found in _CONVERSION.finditer(flow.title)):
        return flow.title
    try:
        return str(flow.title % {_USER: shown_as or _ANONYMOUS, _APPLICATION: application})
    except (KeyError, TypeError, ValueError):
        # Not a format (recorded: `basic.title`).
        return flow.title


def user_info(user: Person | None, shown_as: str) -> dict[str, str]:
    """The user of a challenge. :param shown_as: the name to show"""
    return {"pending_user": shown_as, "pending_user_avatar": NOBODY_AVATAR if user is None else user.avatar}


def redirect_challenge(to: str) -> dict[str, Any]:
    """The challenge that redirects to the end of a flow, or to its continuation."""
    return {"component": REDIRECT, "to": to}


def error_challenge(request_id: str, error: BaseException | None = None) -> dict[str, Any]:
    """The challenge for a failure. :param error: shown to callers who may see it"""
    challenge = {"component": FLOW_ERROR, "request_id": request_id}
    if error is None:
        return challenge
    return {**challenge, "error": str(error), "traceback": "".join(traceback.format_exception(error))}
