"""Over the wire an answer is what the application says, whether it is sent in one piece or step by step."""

import contextlib
import http.client
import json
from urllib.parse import urlsplit

import pytest

from app.application import create_app
from app.contract.serve import middleware
from tests.asgi import FLOWS
from tests.serving import served

ROOT = {"Authorization": "Bearer root"}
CLOSING = {**ROOT, "Connection": "close"}
JSON = {**ROOT, "Content-Type": "application/json"}
FLOW = json.dumps({"name": "A", "slug": "a", "title": "A", "designation": "recovery"})

REQUESTS = [
    ("GET", FLOWS, ROOT, None),
    ("GET", FLOWS, CLOSING, None),
    ("HEAD", FLOWS, ROOT, None),
    ("POST", FLOWS, JSON, FLOW),
    ("GET", FLOWS + "a/", ROOT, None),
    ("PATCH", FLOWS + "a/", JSON, '{"designation": "?"}'),
    ("GET", FLOWS + "b/", ROOT, None),
    ("GET", FLOWS, {}, None),
    ("OPTIONS", FLOWS, ROOT, None),
    ("DELETE", FLOWS + "a/", ROOT, None),
]
VARYING = {"date", "x-authentik-id"}


@pytest.fixture
def responses(contract, store, settings):
    """Sends all requests to a server of the store, on one connection while it lasts. Gives status, headers and body of each."""
    store.tokens.add("root", superuser=True, secret="root")

    def send():
        found = []
        with (
            served(create_app(settings, contract=contract, store=store)) as url,
            contextlib.closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)) as connection,
        ):
            for method, path, headers, body in REQUESTS:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                content = response.read()
                kept = [(name.lower(), value) for name, value in response.getheaders() if name.lower() not in VARYING]
                assert {name.lower() for name, _ in response.getheaders()} >= VARYING
                found.append((response.status, kept, b"" if method == "POST" or path.endswith("a/") else content))
        return found

    return send


def test_in_one_piece_and_step_by_step(responses, monkeypatch):
    whole = []
    sent = middleware.sent_whole
    monkeypatch.setattr(middleware, "sent_whole", lambda *given: whole.append(sent(*given)) or whole[-1])
    in_one_piece = responses()
    assert len([lines for lines in whole if lines]) == 4
    monkeypatch.setattr(middleware, "sent_whole", lambda *_: None)
    assert responses() == in_one_piece
    assert [status for status, _, _ in in_one_piece] == [200, 200, 200, 201, 200, 400, 404, 403, 204, 204]
