"""`/contract/snapshot/` and `/contract/restore/`: save the state of the store, and put it back after a test."""

from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response
from werkzeug.exceptions import Conflict

from app.pages.superusers import done, require_superuser
from app.store import Store

DEFAULT = "default"
"""The name of a snapshot for which the request gives none."""


def snapshots(store: Store, workers: int) -> Blueprint:
    """The paths of snapshots. All of them require a superuser.

    :param store: the store to save
    :param workers: the number of processes that serve: snapshots are in the memory of one
    """
    page = Blueprint("snapshots", __name__, url_prefix="/contract")

    def change(function: Callable[[str], None], name: str) -> Response:
        require_superuser(store)
        if workers > 1:
            raise Conflict(f"Snapshots are for one worker, and FLOWS_WORKERS is {workers}.")
        return done(partial(function, name))

    @page.post("/snapshot/", strict_slashes=False)
    @page.post("/snapshot/<name>/", strict_slashes=False)
    def take(name: str = DEFAULT) -> Response:
        return change(store.snapshots.take, name)

    @page.post("/restore/", strict_slashes=False)
    @page.post("/restore/<name>/", strict_slashes=False)
    def restore(name: str = DEFAULT) -> Response:
        return change(store.snapshots.put_back, name)

    @page.delete("/snapshot/", strict_slashes=False)
    @page.delete("/snapshot/<name>/", strict_slashes=False)
    def discard(name: str = DEFAULT) -> Response:
        return change(store.snapshots.discard, name)

    return page
