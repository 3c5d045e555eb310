"""Running flows in several versions on one store: stages take values in the form of each."""

import pytest

from app import determinism, passwords
from tests.contract.test_served_versions import cache, serving  # noqa: F401  # fixtures
from tests.executor import Browser, flow_of, login_flow


@pytest.fixture(scope="module")
def server(serving):  # noqa: F811
    """A client of a server with the user jane, and flows."""
    client = serving()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "COST", 2)
        login_flow(client)
    email = {"use_global_settings": True, "token_expiry": 30}
    flow_of(client, "mail", ("identification", {"user_fields": ["username"]}), ("email", email), ("dummy", {}))
    return client


@pytest.mark.parametrize(("minutes", "status"), [(30, 302), (31, 200)])
@pytest.mark.parametrize("asking", ["2024.8", "2025.4", "2026.8"])
@pytest.mark.parametrize("beginning", ["2024.8", "2025.4"])
def test_a_link_is_valid_as_long_in_each_version(server, monkeypatch, beginning, asking, minutes, status):
    server.delete("/outbox.json")
    browser = Browser(server)
    browser.post("mail", prefix=f"/{beginning}", uid_field="jane")
    assert browser.get("mail", prefix=f"/{asking}").json()["component"] == "ak-stage-email"
    (mail,) = server.get("/outbox.json").json()
    token, now = mail["link"].partition("flow_token=")[2], determinism.now
    monkeypatch.setattr(determinism, "now", lambda: now() + minutes * 60)
    assert Browser(server).get("mail", f"query=flow_token%3D{token}", f"/{asking}").status == status
