"""Every operation x every kind of token: generated from the YAML, so that a new operation is covered or fails."""

import itertools
import time

import pytest

from app.application import load_contract
from app.contract.plan import parameters
from app.settings import Settings
from tests.asgi import Client

CONTRACT = load_contract(Settings())
BASE = CONTRACT.document["servers"][0]["url"].rstrip("/")
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation) for _, path, method, operation in CONTRACT.operations()
}
PERMISSIONS = tuple(CONTRACT.document["x-permissions"])

NOT_PROVIDED = "Authentication credentials were not provided."
INVALID = "Token invalid/expired"
DENIED = "You do not have permission to perform this action."


def required(operation_id):
    return frozenset(OPERATIONS[operation_id][2]["x-required-permissions"])


def request(client, operation_id, token, slug="welcome"):
    """Send the operation's own example."""
    method, path, operation = OPERATIONS[operation_id]
    body = None
    if "requestBody" in operation:
        (media,) = operation["requestBody"]["content"].values()
        body = media["example"]
    return client(method, BASE + path.replace("{slug}", slug), body, token=token)


@pytest.fixture
def target(client, store):
    """A store with the flow that the paths name; creating needs another slug free."""

    def prepare(operation_id):
        if "{slug}" in OPERATIONS[operation_id][1]:
            store.flows.add(CONTRACT_FLOW)
        return Client(client.app)

    return prepare


CONTRACT_FLOW = {
    "name": "Welcome", "slug": "welcome", "title": "T", "designation": "recovery", "background": "/b",
    "policy_engine_mode": "any", "compatibility_mode": False, "layout": "stacked", "denied_action": "message",
    "authentication": "none",
}  # fmt: skip


def success(operation_id):
    return next(int(code) for code in OPERATIONS[operation_id][2]["responses"] if code < "300")


def test_every_operation_requires_a_permission():
    assert [name for name in OPERATIONS if not required(name)] == []


@pytest.mark.parametrize("operation_id", OPERATIONS)
@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("none", NOT_PROVIDED),
        ("wrong", INVALID),
        ("expired", INVALID),
        ("revoked", INVALID),
        ("inactive", INVALID),
        ("empty", DENIED),
    ],
)
def test_tokens_that_allow_nothing(target, store, operation_id, kind, sentence):
    client = target(operation_id)
    token = {"none": "", "wrong": "x" * 43}.get(kind)
    if token is None:
        superuser = kind != "empty"
        token = store.tokens.add("t", superuser=superuser, expires=int(time.time()) - 1 if kind == "expired" else 0)
    if kind in ("revoked", "inactive"):
        if kind == "revoked":
            # Once it was good.
            assert request(client, operation_id, token).status == success(operation_id)
            target(operation_id) if operation_id.endswith("destroy") else None
        store.tokens.change("t", active=False)
    answer = request(client, operation_id, token)
    assert (answer.status, answer.json()) == (403, {"detail": sentence})


@pytest.mark.parametrize("operation_id", OPERATIONS)
@pytest.mark.parametrize("permission", PERMISSIONS)
def test_each_single_permission(target, store, operation_id, permission):
    answer = request(target(operation_id), operation_id, store.tokens.add("t", permissions=[permission]))
    if required(operation_id) <= {permission}:
        assert answer.status == success(operation_id)
    else:
        assert (answer.status, answer.json()) == (403, {"detail": DENIED})


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_exactly_the_required_permissions_and_a_superuser(target, store, operation_id):
    for permissions, superuser in ((required(operation_id), False), ((), True)):
        with store.database.write() as session:
            session.run(store.database.compile(_delete_flows()))
        token = store.tokens.add(f"t{superuser}", permissions=permissions, superuser=superuser)
        assert request(target(operation_id), operation_id, token).status == success(operation_id)


@pytest.mark.parametrize("operation_id", [name for name in OPERATIONS if len(required(name)) > 1])
def test_one_required_permission_too_few(target, store, operation_id):
    client = target(operation_id)
    for number, missing in enumerate(sorted(required(operation_id))):
        token = store.tokens.add(f"t{number}", permissions=required(operation_id) - {missing})
        assert request(client, operation_id, token).status == 403


@pytest.mark.parametrize("operation_id", [name for name, (_, path, _) in OPERATIONS.items() if "{slug}" in path])
def test_whether_a_flow_exists_is_told_to_those_who_may_see_it_only(target, store, operation_id):
    client = target(operation_id)
    viewer = store.tokens.add("viewer", permissions=["authentik_flows.view_flow"])
    blind = store.tokens.add("blind", permissions=set(PERMISSIONS) - {"authentik_flows.view_flow"})
    assert request(client, operation_id, viewer, slug="nothing").status == 404
    assert request(client, operation_id, blind, slug="nothing").status == 403
    assert request(client, operation_id, blind).status == 403


@pytest.mark.parametrize("path", CONTRACT.document["paths"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_methods_that_a_path_has_not(client, store, path, method):
    item = CONTRACT.document["paths"][path]
    if method.lower() in item:
        return
    needed = item.get("x-required-permissions", {}).get(method.lower(), [])
    url = BASE + path.replace("{slug}", "welcome")
    able, unable = store.tokens.add("able", permissions=needed), store.tokens.add("unable")
    assert client(method, url, token=able).status == 405
    assert client(method, url, token="wrong").status == 403
    assert client(method, url, token=unable).status == (403 if needed else 405)
    assert client(method, url, token="").status == (403 if needed else 405)


def test_the_store_keeps_no_token_in_clear(store, shared):
    secret = store.tokens.add("t", superuser=True)
    path = shared[0].database.url.database
    from pathlib import Path

    kept = b"".join(file.read_bytes() for file in Path(path).parent.iterdir())
    assert secret.encode() not in kept
    assert len(secret) >= 43


def test_tokens_are_looked_up_by_the_exact_header(client, store):
    for header in (
        "Bearer  root",
        "Bearer root x",
        'Bearer "root"',
        "Bearer ROOT",
        "Bearer root, Bearer root",
        "Bearer ro\u00f6t",
    ):
        answer = client.get(f"{BASE}/flows/instances/", headers={"authorization": header})
        assert (answer.status, answer.json()) == (403, {"detail": INVALID}), header
    for header in ("bearer root", "  Bearer root  ", "BEARER root"):
        assert client.get(f"{BASE}/flows/instances/", headers={"authorization": header}).status == 200, header


def _delete_flows():
    import sqlalchemy as sa

    from app.store.tables import flows

    return sa.delete(flows)


def test_the_matrix_covers_each_parameter_of_a_path():
    names = {p["name"] for (m, path, _) in OPERATIONS.values() for p in parameters(CONTRACT, path, m.lower(), "path")}
    assert names == {"slug"}, "the requests of this file fill in `slug` only"
    assert len(list(itertools.product(OPERATIONS, PERMISSIONS))) == len(OPERATIONS) * len(PERMISSIONS)
