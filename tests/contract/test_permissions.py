"""Every operation x every kind of token: generated from the YAML, so that a new operation is covered or fails."""

import time
from pathlib import Path

import pytest

from tests.contract_files import shipped
from tests.examples import Examples, operations

CONTRACT = shipped()
BASE = CONTRACT.document["servers"][0]["url"].rstrip("/")
ALL = operations(CONTRACT)
# Those that anybody may use, those that need a token, and those that need a permission.
PUBLIC = {name: operation for name, operation in ALL.items() if not operation.spec["security"]}
# Those whose objects their owner and superusers alone have: see `test_tokens.py`, `test_sessions.py` and `test_consents.py`.
OWNED_PATHS = tuple(f"{BASE}/core/{name}/" for name in ("tokens", "authenticated_sessions", "user_consent"))
OWNED = {
    name: operation
    for name, operation in ALL.items()
    if operation.url.startswith(OWNED_PATHS) or name == "core_users_me_retrieve"
}
# Those that serve anybody, and report failures of credentials themselves: see `test_executor.py`.
CHALLENGES = {name: operation for name, operation in ALL.items() if operation.spec.get("x-challenges")}
OPERATIONS = {
    name: operation
    for name, operation in ALL.items()
    if name not in PUBLIC and name not in OWNED and name not in CHALLENGES
}
PERMISSIONS = tuple(CONTRACT.document["x-permissions"])
REQUIRED = {name: frozenset(operation.spec.get("x-required-permissions", ())) for name, operation in OPERATIONS.items()}

NOT_PROVIDED = "Authentication credentials were not provided."
INVALID = "Token invalid/expired"
DENIED = "You do not have permission to perform this action."

MISSING = {"string": "nothing", "uuid": "00000000-0000-4000-8000-000000000000", "integer": "2147483647"}


@pytest.fixture
def examples(client):
    return Examples(CONTRACT, client)


def denied(response):
    return (response.status, response.json()) == (403, {"detail": DENIED})


def test_every_operation_on_stored_objects_requires_a_permission():
    constant = {name for name, operation in ALL.items() if operation.spec.get("x-constant")}
    # What all users see, as in authentik: their settings, the kinds, and the applications whose policies let them.
    seen_by_all = {
        "stages_all_user_settings_list",
        "stages_all_types_list",
        "policies_all_types_list",
        "core_applications_list",
        "core_applications_check_access_retrieve",
    }
    assert {name for name, required in REQUIRED.items() if not required} <= constant | seen_by_all
    assert PUBLIC.keys() <= constant


@pytest.mark.parametrize("operation_id", PUBLIC)
def test_public_operations_need_no_token(examples, operation_id):
    operation = PUBLIC[operation_id]
    response = examples.client(operation.method, examples.url(operation_id), token="")
    assert response.status == operation.success


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_tokens_that_allow_nothing(examples, store, operation_id):
    add, change = store.tokens.add, store.tokens.change
    tokens = {
        "none": ("", NOT_PROVIDED),
        "wrong": ("x" * 43, INVALID),
        "expired": (add("expired", superuser=True, expires=int(time.time()) - 1), INVALID),
        "inactive": (add("inactive", superuser=True), INVALID),
        "empty": (add("empty"), DENIED),
        "revoked": (add("revoked", superuser=True), INVALID),
    }
    change("inactive", active=False)
    url, request = examples.url(operation_id), examples.request(operation_id)
    for kind, (token, message) in tokens.items():
        if kind == "revoked":
            # Once it was good.
            response = examples.send(operation_id, token=token)
            assert response.status == OPERATIONS[operation_id].success, response.body
            change("revoked", active=False)
        response = examples.client(OPERATIONS[operation_id].method, url, **request, token=token)
        if kind == "empty" and not REQUIRED[operation_id]:
            assert response.status == OPERATIONS[operation_id].success
            continue
        assert (kind, response.status, response.json()) == (kind, 403, {"detail": message})


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_exactly_the_required_permissions(examples, store, operation_id):
    response = examples.send(operation_id, token=store.tokens.add("t", permissions=REQUIRED[operation_id]))
    assert response.status == OPERATIONS[operation_id].success, response.body


def test_any_other_single_permission(examples, store):
    tokens = {permission: store.tokens.add(permission, permissions=[permission]) for permission in PERMISSIONS}
    allowed = []
    for name, operation in OPERATIONS.items():
        if operation.success == 404:
            # Without an object the permission to view is enough to learn that there is none.
            continue
        url, request = examples.url(name), examples.request(name)
        for permission, token in tokens.items():
            if (
                REQUIRED[name]
                and REQUIRED[name] != {permission}
                and not denied(examples.client(operation.method, url, **request, token=token))
            ):
                allowed.append((name, permission))
    assert allowed == []


@pytest.mark.parametrize(
    "operation_id",
    [name for name, required in REQUIRED.items() if len(required) > 1 and OPERATIONS[name].success < 400],
)
def test_one_required_permission_too_few(examples, store, operation_id):
    for number, missing in enumerate(sorted(REQUIRED[operation_id])):
        token = store.tokens.add(f"t{number}", permissions=REQUIRED[operation_id] - {missing})
        assert denied(examples.send(operation_id, token=token))


@pytest.mark.parametrize("operation_id", [name for name, operation in OPERATIONS.items() if operation.parameters])
def test_whether_an_object_exists_is_told_to_those_who_may_see_it_only(examples, store, operation_id):
    operation = OPERATIONS[operation_id]
    (parameter,) = operation.parameters
    reading = CONTRACT.document["paths"][operation.url.removeprefix(BASE)].get("get", operation.spec)
    seeing = set(reading.get("x-required-permissions", ()))
    viewer = store.tokens.add("viewer", permissions=seeing)
    blind = [store.tokens.add(f"not {name}", permissions={*PERMISSIONS} - {name}) for name in seeing]
    request = examples.request(operation_id)
    schema = parameter["schema"]
    for value in (MISSING[schema.get("format", schema["type"])], "n°thing"):
        url = operation.url.replace(f"{{{parameter['name']}}}", value)
        response = examples.client(operation.method, url, **request, token=viewer)
        if reading is operation.spec and seeing != REQUIRED[operation_id]:
            assert denied(response)
        else:
            assert (response.status, response.json()) == (404, {"detail": "Not found."})
        assert all(denied(examples.client(operation.method, url, **request, token=token)) for token in blind)
    assert all(denied(examples.send(operation_id, token=token)) for token in blind)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for path, item in CONTRACT.document["paths"].items()
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if method.lower() not in item
    ],
)
def test_methods_that_a_path_has_not(examples, store, method, path):
    item = CONTRACT.document["paths"][path]
    needed = item.get("x-required-permissions", {}).get(method.lower(), [])
    url = next(examples.url(name) for name, operation in ALL.items() if operation.url == BASE + path)
    able, unable = store.tokens.add("able", permissions=needed), store.tokens.add("unable")
    assert examples.client(method, url, token=able).status == 405
    known = any(operation.url == BASE + path for name, operation in ALL.items() if name not in PUBLIC)
    assert examples.client(method, url, token="wrong").status == (403 if known else 405)
    assert examples.client(method, url, token=unable).status == (403 if needed else 405)
    assert examples.client(method, url, token="").status == (403 if needed else 405)


def test_the_store_keeps_no_token_in_clear(store, shared):
    secret = store.tokens.add("t", superuser=True)
    path = shared[0].database.address.path
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
        response = client.get(f"{BASE}/flows/instances/", headers={"authorization": header})
        assert (response.status, response.json()) == (403, {"detail": INVALID}), header
    for header in ("bearer root", "  Bearer root  ", "BEARER root"):
        assert client.get(f"{BASE}/flows/instances/", headers={"authorization": header}).status == 200, header
