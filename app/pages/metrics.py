"""`/-/metrics/`: metrics for Prometheus."""

import hmac

from flask import Blueprint, Response, request

from app.metrics import Metrics
from app.pages.watch import KNOWN

PATH = "/-/metrics/"


def metrics(counted: Metrics, token: str) -> Blueprint:
    """The page of the metrics.

    :param counted: the counters of the server
    :param token: the required bearer token; empty to allow all clients
    """
    page = Blueprint("metrics", __name__)
    wanted = f"Bearer {token}".encode()

    @page.get(PATH)
    def read() -> Response:
        sent = request.headers.get("Authorization", "").encode()
        if token and not hmac.compare_digest(sent, wanted):
            return Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        # Many servers are never scraped: the library is imported on first use, which takes 10 ms.
        from app.pages.exposition import CONTENT_TYPE, exposition

        return Response(exposition(counted.totals(), request.environ[KNOWN]), content_type=CONTENT_TYPE)

    return page
