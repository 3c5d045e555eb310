"""The page of the metrics, as Prometheus reads it."""

import dataclasses
import importlib.metadata

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app import errors
from app.application import create_app
from app.store.upkeep import migration
from tests.asgi import FLOWS, Client

METRICS = "/-/metrics/"
LABELS = ("operation", "method", "status", "rule")
FLOW = {"name": "A", "slug": "a", "title": "A", "designation": "recovery"}
DEFAULTS = {
    "background": "", "policy_engine_mode": "any", "compatibility_mode": False, "layout": "stacked",
    "denied_action": "message", "authentication": "none",
}  # fmt: skip


@pytest.fixture
def counted(settings, contract, store):
    """Makes a client of an application that has counted nothing."""
    store.tokens.add("root", superuser=True, secret="root")
    store.tokens.add("reader", permissions=["authentik_flows.view_flow"], secret="reader")

    def counted(**changes):
        return Client(create_app(dataclasses.replace(settings, **changes), contract=contract, store=store), "root")

    return counted


def families(client):
    response = client.get(METRICS, token="")
    assert (response.status, response.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return {family.name: family for family in text_string_to_metric_families(response.body.decode())}


def samples(client, name):
    return {
        tuple(sample.labels[label] for label in LABELS if label in sample.labels): sample.value
        for sample in families(client)[name].samples
    }


def test_requests_by_operation_method_and_status(counted, make_flow):
    client = counted()
    assert samples(client, "flows_requests") == {}
    flow = make_flow()
    client.post(FLOWS, flow)
    client.post(FLOWS, flow)
    client.get(FLOWS)
    client("HEAD", FLOWS)
    client.get(FLOWS + "nope/")
    client("OPTIONS", FLOWS)
    client("MADE-UP", FLOWS)
    client.get("/")
    client.get("/api/v3/nope/")
    assert samples(client, "flows_requests") == {
        ("flows_instances_create", "POST", "201"): 1,
        ("flows_instances_create", "POST", "400"): 1,
        ("flows_instances_list", "GET", "200"): 2,
        ("flows_instances_retrieve", "GET", "404"): 1,
        ("", "OPTIONS", "204"): 1,
        ("", "other", "405"): 1,
        ("", "other", "404"): 1,
    }


JSON = {"content-type": "application/json"}
NOBODY = "target=00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "path", "options", "operation", "rule"),
    [
        ("POST", FLOWS, {"json": {}}, "flows_instances_create", "required"),
        ("POST", FLOWS, {"json": FLOW | {"slug": "a b"}}, "flows_instances_create", "pattern"),
        ("POST", FLOWS, {"json": FLOW | {"slug": "taken"}}, "flows_instances_create", "x-unique"),
        ("POST", FLOWS, {"body": b"{", "headers": JSON}, "flows_instances_create", "syntax"),
        ("POST", FLOWS, {"body": b"a"}, "flows_instances_create", "media_type"),
        ("POST", FLOWS, {"json": FLOW, "token": "reader"}, "flows_instances_create", "x-required-permissions"),
        ("POST", FLOWS, {"json": FLOW, "token": "wrong"}, "flows_instances_create", "security"),
        ("GET", FLOWS, {"query": "page=99"}, "flows_instances_list", "existence"),
        ("GET", FLOWS, {"query": "designation=x"}, "flows_instances_list", "enum"),
        ("GET", FLOWS, {"query": "&".join("a" * 1001)}, "flows_instances_list", "syntax"),
        ("GET", FLOWS, {"headers": {"accept": "text/html"}}, "flows_instances_list", "accept"),
        ("GET", "/api/v3/flows/bindings/", {"query": NOBODY}, "flows_bindings_list", "x-references"),
        ("DELETE", FLOWS, {}, "", "method"),
        ("DELETE", FLOWS, {"token": "reader"}, "", "x-required-permissions"),
    ],
)
def test_refusals_by_the_rule_of_the_contract(counted, store, method, path, options, operation, rule):
    store.flows.add(FLOW | {"slug": "taken", **DEFAULTS})
    client = counted()
    assert client(method, path, **options).status >= 400
    assert samples(client, "flows_refusals") == {(operation, method if operation else "other", rule): 1}


def test_durations(counted):
    client = counted()
    client.get(FLOWS)
    client.get(FLOWS)
    (family,) = (f for f in families(client).values() if f.type == "histogram")
    assert family.name == "flows_request_duration_seconds"
    buckets = [sample for sample in family.samples if sample.name.endswith("_bucket")]
    numbers = [sample.value for sample in buckets]
    assert numbers == sorted(numbers)
    assert [sample.labels["le"] for sample in buckets][-1] == "+Inf"
    assert numbers[-1] == 2
    rest = {sample.name: sample.value for sample in family.samples if sample not in buckets}
    assert rest.pop("flows_request_duration_seconds_count") == 2
    assert 0 < rest.pop("flows_request_duration_seconds_sum") < 10


def test_the_state_of_the_server(counted, store):
    client = counted()
    found = {name: next(iter(family.samples)) for name, family in families(client).items() if family.type == "gauge"}
    assert {name: sample.value for name, sample in found.items()} == {
        "flows_requests_in_progress": 0,
        "flows_workers": 1,
        "flows_database_connections": found["flows_database_connections"].value,
        "flows_database_up": 1,
        "flows_store_bytes": store.size(),
        "flows_info": 1,
    }
    assert found["flows_info"].labels == {
        "version": importlib.metadata.version("flows-server"),
        "revision": migration.HEAD,
    }
    assert store.size() > 4096


def test_a_database_that_is_down_is_told_of(counted, store, monkeypatch):
    client = counted()

    def down():
        raise errors.Unavailable

    monkeypatch.setattr(store, "revision", down)
    assert samples(client, "flows_database_up") == {(): 0}
    assert "flows_store_bytes" not in families(client)


def test_a_token_may_be_asked_for(counted):
    client = counted(metrics_token="secret")
    for token in ("", "wrong", "root", "secret2"):
        response = client.get(METRICS, token=token)
        assert (response.status, response.body, response.headers["www-authenticate"]) == (401, b"", "Bearer")
    assert client.get(METRICS, token="secret").status == 200


def test_there_need_be_none(counted):
    assert counted(metrics="off").get(METRICS).status == 404


def test_a_request_that_breaks_off_is_not_in_progress_for_ever(counted):
    client = counted()
    with pytest.raises(ValueError, match="not enough values"):
        # The client leaves before its body, and gets no answer.
        client.post(FLOWS, body=[])
    assert samples(client, "flows_requests_in_progress") == {(): 0}
    assert samples(client, "flows_requests") == {}
