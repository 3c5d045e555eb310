"""Values that a version lacks have stand-ins, which do not overwrite what they stand for."""

import pytest
from jsonschema_rs import validator_for

from app.contract.response.stand_ins import StandIns
from app.settings import Settings
from tests.asgi import FLOWS
from tests.contract.test_served_versions import NEWEST, cache, serving  # noqa: F401  # fixtures

PASSWORDS, MATCHERS = "/api/v3/stages/password/", "/api/v3/policies/event_matcher/"
INBUILT, LDAP, KERBEROS = (
    "authentik.core.auth.InbuiltBackend",
    "authentik.sources.ldap.auth.LDAPBackend",
    "authentik.sources.kerberos.auth.KerberosBackend",
)
FLOW = {"name": "F", "slug": "f", "title": "F", "designation": "recovery"}


@pytest.fixture(scope="module")
def client(serving):  # noqa: F811
    return serving()


@pytest.fixture
def flow(client):
    """A flow with a value that the first version lacks."""
    assert client("POST", f"/{NEWEST}{FLOWS}", FLOW | {"authentication": "require_redirect"}).status == 201
    yield f"{FLOWS}f/"
    client("DELETE", f"{FLOWS}f/")


def authentication(client, flow, version="2024.8"):
    return client("GET", f"/{version}{flow}").json()["authentication"]


def test_a_version_says_the_stand_in_of_a_value_that_it_lacks(client, flow):
    assert authentication(client, flow) == "none"
    assert authentication(client, flow, "2024.10") == "none"
    assert authentication(client, flow, NEWEST) == "require_redirect"
    listed = client("GET", FLOWS).json()["results"]
    assert [one["authentication"] for one in listed if one["slug"] == "f"] == ["none"]


@pytest.mark.parametrize(
    ("method", "body"), [("PATCH", {"authentication": "none"}), ("PUT", FLOW | {"authentication": "none"})]
)
def test_a_stand_in_that_comes_back_does_not_overwrite_the_value(client, flow, method, body):
    changed = client(method, flow, body | {"title": "changed"})
    assert (changed.status, changed.json()["authentication"], changed.json()["title"]) == (200, "none", "changed")
    assert authentication(client, flow, NEWEST) == "require_redirect"


def test_another_value_overwrites_the_one_that_a_version_lacks(client, flow):
    client("PATCH", flow, {"authentication": "require_authenticated"})
    assert authentication(client, flow, NEWEST) == "require_authenticated"
    client("PATCH", flow, {"authentication": "none"})
    assert authentication(client, flow, NEWEST) == "none"


def test_the_version_with_a_value_overwrites_it_with_its_stand_in(client, flow):
    client("PATCH", f"/{NEWEST}{flow}", {"authentication": "none"})
    assert authentication(client, flow, NEWEST) == "none"


def test_a_stand_in_is_said_in_nested_objects(client, flow):
    client("PATCH", f"/{NEWEST}{flow}", {"authentication": "require_redirect"})
    stage = client("POST", "/api/v3/stages/dummy/", {"name": "d"}).json()["pk"]
    target = client("GET", flow).json()["pk"]
    assert client("POST", "/api/v3/flows/bindings/", {"target": target, "stage": stage, "order": 0}).status == 201
    assert client("GET", f"/api/v3/stages/dummy/{stage}/").json()["flow_set"][0]["slug"] == "f"


def test_an_item_without_a_stand_in_is_left_out_and_kept(client):
    both = [INBUILT, KERBEROS]
    path = f"{PASSWORDS}{client('POST', f'/{NEWEST}{PASSWORDS}', {'name': 'p', 'backends': both}).json()['pk']}/"
    assert client("GET", path).json()["backends"] == [INBUILT]
    assert client("PUT", path, {"name": "q", "backends": [INBUILT]}).json()["name"] == "q"
    assert client("GET", f"/{NEWEST}{path}").json()["backends"] == both
    client("PATCH", path, {"backends": [LDAP]})
    assert client("GET", f"/{NEWEST}{path}").json()["backends"] == [LDAP]


@pytest.mark.parametrize("value", [[], ["require_redirect"], {}, {"a": ["b"]}, [["b"], {}], 1, None])
def test_a_stored_value_of_another_type_has_no_stand_in(value):
    stand_ins, options = StandIns(Settings().contract), {"none"}
    assert stand_ins.said(value, options) in (value, ["none"])
    validator = validator_for({"properties": {"a": {"enum": ["none"], "type": "string"}}})
    document = {"a": value}
    assert stand_ins.replace(document, list(validator.iter_errors(document))) == document
    validator = validator_for({"properties": {"a": {"items": {"enum": ["none"], "type": "string"}}}})
    document = {"a": [value]}
    assert stand_ins.replace(document, list(validator.iter_errors(document))) == document


def test_null_may_stand_for_a_value_and_does_not_overwrite_it(client):
    body = {"name": "m", "app": "authentik.stages.redirect"}
    path = f"{MATCHERS}{client('POST', f'/{NEWEST}{MATCHERS}', body).json()['pk']}/"
    assert client("GET", path).json()["app"] is None
    assert client("PATCH", path, {"app": None, "name": "n"}).json()["name"] == "n"
    assert client("GET", f"/{NEWEST}{path}").json()["app"] == "authentik.stages.redirect"


def test_properties_that_a_version_lacks_survive_its_changes(client):
    stages = "/api/v3/stages/captcha/"
    body = {"name": "c", "public_key": "a", "private_key": "b", "interactive": True}
    path = f"{stages}{client('POST', f'/{NEWEST}{stages}', body).json()['pk']}/"
    assert "interactive" not in client("GET", path).json()
    assert client("PUT", path, {"name": "changed", "public_key": "a", "private_key": "b"}).status == 200
    kept = client("GET", f"/{NEWEST}{path}").json()
    assert (kept["name"], kept["interactive"]) == ("changed", True)


def test_the_stand_in_of_a_stand_in_is_used_where_a_version_lacks_both(tmp_path):
    root = tmp_path / "root.yaml"
    root.write_text("openapi: 3.0.3\ninfo: {version: 1.0.0}\n")
    (tmp_path / "versions").mkdir()
    steps = [("2024.10", "../root.yaml", "b", "a"), ("2024.12", "2024.10.yaml", "c", "b")]
    for version, extended, value, stand_in in steps:
        (tmp_path / "versions" / f"{version}.yaml").write_text(
            f"overlay: 1.1.0\ninfo: {{title: t, version: {version}.0}}\nextends: {extended}\nactions:\n"
            f"- target: $.components.schemas.E\n  description: d\n"
            f"  update: {{enum: [{value}], x-stand-in: {{{value}: {stand_in}}}}}\n"
        )
    stand_ins = StandIns(root)
    assert stand_ins.said("c", {"a"}) == "a"
    assert stand_ins.said("c", {"a", "b"}) == "b"
    assert stand_ins.said("x", {"a"}) == "x"
    assert stand_ins.said(["c", "x", "a"], {"a"}) == ["a", "x", "a"]


def test_each_value_that_a_version_lacks_is_said_by_each_earlier_one():
    stand_ins = StandIns(Settings().contract)
    assert stand_ins.said("require_redirect", {"none", "require_authenticated"}) == "none"
