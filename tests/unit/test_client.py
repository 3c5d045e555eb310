"""The client that the pytest plugin gives to tests."""

import httpx
import pytest

from flows_server.testing.client import Flows


@pytest.mark.parametrize(
    ("url", "verified"),
    [
        ("http://127.0.0.1:8000/api/v3/", False),
        ("HTTP://localhost/", False),
        ("https://flows.example/api/v3/", True),
        ("HTTPS://flows.example/", True),
    ],
)
def test_a_client_verifies_the_certificate_before_it_sends_the_token(monkeypatch, url, verified):
    given = {}
    monkeypatch.setattr(httpx.Client, "__init__", lambda _client, **options: given.update(options))
    Flows(url, "secret")
    assert given["verify"] is verified
