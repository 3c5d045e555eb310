"""Requests of superusers that change data and return nothing."""

from collections.abc import Callable

from flask import Response, request
from werkzeug.exceptions import Conflict, Forbidden

from app import errors
from app.contract.request import authentication as security
from app.pages.senders import Sender
from app.store import Store


def require_superuser(store: Store) -> None:
    """Check the token of the request. :raises Forbidden: its sender is not a superuser, or unknown"""
    if not caller(store).superuser:
        raise Forbidden(security.PERMISSION_DENIED)


def caller(store: Store) -> security.Access:
    """The access rights of the sender of the request. :raises Forbidden: the token is missing or invalid"""
    verify = security.BearerSecurityHandler(store.tokens.find).get_fn({}, [])
    try:
        return verify(Sender(request))
    except security.Forbidden as error:
        raise Forbidden(str(error)) from error


def done(change: Callable[[], None]) -> Response:
    """Make a change. :returns: 204 :raises Conflict: the state of the store does not allow it"""
    try:
        change()
    except errors.StoreUnusable as error:
        raise Conflict(str(error)) from error
    return Response(status=204)
