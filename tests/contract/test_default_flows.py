"""The flows of `flows serve --seed default`: those of a new authentik, as far as the contract serves their kinds."""

import pytest

from app.blueprints import DEFAULT
from app.blueprints.importing import apply
from tests.asgi import FLOWS

# As authentik has them: designation, who may enter, and the orders and models of the stages.
EXPECTED = {
    "default-authentication-flow": ("authentication", "none", [
        (10, "identification"), (20, "password"), (30, "authenticator_validate"), (100, "user_login")
    ]),
    "default-invalidation-flow": ("invalidation", "none", [(0, "user_logout")]),
    "default-password-change": ("stage_configuration", "require_authenticated", [(0, "prompt"), (1, "user_write")]),
    "default-authenticator-static-setup": ("stage_configuration", "require_authenticated", [(0, "authenticator_static")]),
    "default-authenticator-totp-setup": ("stage_configuration", "require_authenticated", [(0, "authenticator_totp")]),
    "default-authenticator-webauthn-setup": ("stage_configuration", "require_authenticated", [(0, "authenticator_webauthn")]),
    "default-provider-authorization-explicit-consent": ("authorization", "require_authenticated", [(0, "consent")]),
    "default-provider-authorization-implicit-consent": ("authorization", "require_authenticated", []),
    "default-source-authentication": ("authentication", "require_unauthenticated", [(0, "user_login")]),
    "default-source-enrollment": ("enrollment", "none", [(0, "prompt"), (1, "user_write"), (2, "user_login")]),
    "default-source-pre-authentication": ("stage_configuration", "none", []),
    "default-user-settings-flow": ("stage_configuration", "require_authenticated", [(20, "prompt"), (100, "user_write")]),
    "initial-setup": ("stage_configuration", "none", [(10, "prompt"), (20, "user_write"), (100, "user_login")]),
}  # fmt: skip


def applied(store):
    outcome = apply(store, DEFAULT.read_bytes(), skip_unknown=True)
    assert outcome.success, outcome.findings
    assert outcome.notes == ()
    return outcome


@pytest.fixture
def seeded(client):
    applied(client.store)
    return client


def test_they_are_those_of_a_new_authentik(seeded):
    served = {model.app for model in seeded.store.models.values()}
    flows = {flow["slug"]: flow for flow in seeded.get(FLOWS).json()["results"]}
    assert flows.keys() == EXPECTED.keys()
    for slug, (designation, authentication, stages) in EXPECTED.items():
        flow = flows[slug]
        assert (flow["designation"], flow["authentication"]) == (designation, authentication), slug
        bound = seeded.get("/api/v3/flows/bindings/", query=f"target={flow['pk']}&ordering=order").json()["results"]
        found = [(one["order"], one["stage_obj"]["meta_model_name"].split(".")[0]) for one in bound]
        wanted = [(order, f"authentik_stages_{kind}") for order, kind in stages]
        assert found == [one for one in wanted if one[1] in served], slug


def test_nothing_but_what_is_not_served_is_skipped(client):
    outcome = applied(client.store)
    skipped = [log for log in outcome.logs if log["attributes"]["action"] == "skipped"]
    for log in skipped:
        assert "is not served here" in log["event"] or "it depends on entry " in log["event"]
        assert log["attributes"]["model"] not in client.store.models or "it depends on" in log["event"]


def test_what_was_changed_later_stays_at_the_next_start(seeded):
    path = f"{FLOWS}default-invalidation-flow/"
    assert seeded.patch(path, {"title": "Bye"}).status == 200
    assert {log["attributes"]["action"] for log in applied(seeded.store).logs} <= {"unchanged", "skipped"}
    assert seeded.get(path).json()["title"] == "Bye"
