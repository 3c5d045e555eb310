"""`/-/health/`: whether the process lives and whether it can serve."""

from flask import Blueprint, Response

from app import errors
from app.store import Store


def health(store: Store) -> Blueprint:
    """Two addresses for an orchestrator, with empty answers as authentik's."""
    page = Blueprint("health", __name__, url_prefix="/-/health")

    @page.get("/live/")
    def live() -> Response:
        return Response(status=200)

    @page.get("/ready/")
    def ready() -> Response:
        try:
            migrated = store.migrated()
        except errors.Unavailable:
            migrated = False
        return Response(status=200 if migrated else 503)

    return page
