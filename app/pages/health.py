"""`/-/health/`: liveness and readiness. The event loop responds, even if all threads are busy."""

from flask import Blueprint, Response, request

from app.pages.watch import KNOWN

LIVE, READY = "/-/health/live/", "/-/health/ready/"


def health() -> Blueprint:
    """Two paths for an orchestrator, with empty responses like authentik's."""
    page = Blueprint("health", __name__)

    @page.get(LIVE)
    def live() -> Response:
        return Response(status=200)

    @page.get(READY)
    def ready() -> Response:
        return Response(status=200 if request.environ[KNOWN] else 503)

    return page
