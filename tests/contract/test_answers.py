"""Answers are validated too: one that breaks the contract never reaches a client."""

import uuid
from datetime import UTC, datetime

import pytest
import structlog

from app import errors, handlers, logs
from app.application import create_app, handlers_of
from app.contract.serve import reporting
from app.store.queries.listing import PageRequest
from tests.asgi import FLOWS, Client
from tests.contract_files import shipped


@pytest.fixture
def served_with(edited):
    """Makes a client of an application in which one handler is another function."""

    def replace(name, function):
        # The boot checks look at the parameters.
        function.__signature__ = __import__("inspect").signature(handlers_of(shipped())[name])
        return edited(served_by={**handlers.discover(), name: function})

    return replace


def flow(**properties):
    return {
        "pk": str(uuid.uuid4()), "policybindingmodel_ptr_id": str(uuid.uuid4()), "name": "A", "slug": "a", "title": "A",
        "designation": "recovery", "background": "/a", "stages": [], "policies": [], "cache_count": 0,
        "policy_engine_mode": "any", "compatibility_mode": False, "export_url": "", "layout": "stacked",
        "denied_action": "continue", "authentication": "none",
    } | properties  # fmt: skip


def without(property_name):
    response = flow()
    del response[property_name]
    return response


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (flow(layout="round"), 'layout: violates `enum` ["stacked", "content_left", '),
        (flow(pk="not-a-uuid"), 'pk: violates `pattern` "^[0-9a-f'),
        (flow(stages=[17]), 'stages/0: violates `type` ["string"]'),
        (flow(cache_count="17"), 'cache_count: violates `type` ["integer"]'),
        (flow(cache_count=0.0), 'cache_count: violates `type` ["integer"]'),
        (flow(slug="q" * 51), "slug: violates `maxLength` 50"),
        (flow(name=None), 'name: violates `type` ["string"]'),
        (without("title"), 'the whole answer: violates `required` "title"'),
    ],
    ids=lambda value: value.partition(":")[0] if isinstance(value, str) else "",
)
def test_an_answer_against_the_contract_is_500_and_logged_without_its_values(served_with, response, problem):
    client = served_with("flows_instances_retrieve", lambda *_, **__: response)
    with structlog.testing.capture_logs() as log:
        got = client.get(FLOWS + "a/")
    assert (got.status, got.json()) == (500, {"detail": "A server error occurred."})
    entry = next(entry for entry in log if entry["log_level"] == "error")
    assert entry["operation"] == "flows_instances_retrieve"
    assert entry["id"] == got.headers["x-authentik-id"]
    assert entry["problem"].startswith(problem)
    assert not any(value in entry["problem"] for value in ("round", "not-a-uuid", "17", "qq"))


def test_an_answer_by_the_contract_passes(served_with):
    stored = flow()
    client = served_with("flows_instances_retrieve", lambda *_, **__: dict(stored))
    assert client.get(FLOWS + "a/").json() == stored | {"export_url": "/api/v3/flows/instances/a/export/"}


@pytest.mark.parametrize("value", [uuid.uuid4(), datetime.now(UTC), {1, 2}, b"a", object()])
def test_an_answer_that_is_no_json_is_500(served_with, value):
    client = served_with("flows_instances_retrieve", lambda *_, **__: flow(name=value))
    assert client.get(FLOWS + "a/").status == 500


def test_a_page_with_one_bad_flow_is_500(served_with):
    numbers = dict.fromkeys(("next", "previous", "count", "current", "total_pages", "start_index", "end_index"), 0)
    bad = {"pagination": numbers, "results": [flow(), flow(layout="round")]}
    client = served_with("flows_instances_list", lambda *_, **__: bad)
    with structlog.testing.capture_logs() as log:
        assert client.get(FLOWS).status == 500
    assert any(entry.get("problem", "").startswith("results/1/layout: ") for entry in log)


def raising(error):
    def handler(*_, **__):
        raise error

    return handler


def test_a_failing_handler_is_500_with_its_traceback_in_the_log(served_with):
    client = served_with("flows_instances_retrieve", raising(RuntimeError("secret of the house")))
    with structlog.testing.capture_logs() as log:
        response = client.get(FLOWS + "a/")
    assert (response.status, response.json()) == (500, {"detail": "A server error occurred."})
    assert any(entry.get("exc_info") for entry in log)


def test_a_database_that_is_down_is_503(served_with):
    client = served_with("flows_instances_retrieve", raising(errors.Unavailable("gone")))
    response = client.get(FLOWS + "a/")
    assert (response.status, response.json()) == (503, {"detail": "The database is not available."})
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("operation", "method", "path", "error"),
    [
        ("flows_instances_create", "POST", FLOWS, errors.NotFound()),
        ("flows_instances_create", "POST", FLOWS, errors.NotUnique("name")),
        ("flows_instances_cache_info_retrieve", "GET", FLOWS + "cache_info/", errors.NotFound()),
    ],
)
def test_an_error_that_the_operation_does_not_document_is_500(served_with, make_flow, operation, method, path, error):
    client = served_with(operation, raising(error))
    assert client(method, path, make_flow() if method == "POST" else None).status == 500


def test_a_refusal_that_the_contract_describes_otherwise_is_500(edited):
    described = (
        "            $ref: '#/components/schemas/GenericError'\n          example:\n            detail: Not found.\n"
    )
    otherwise = "            $ref: '#/components/schemas/Cache'\n          example:\n            count: 1\n"
    client = edited((described, otherwise))
    with structlog.testing.capture_logs() as log:
        assert client.get(FLOWS + "nothing/").status == 500
    assert log[0]["problem"] == "The response 404 is documented with another body."


def test_the_log_has_a_line_per_request_with_the_id_of_the_answer(client, settings, contract, store, monkeypatch):
    client.app = create_app(settings, contract=contract, store=store)
    reader = store.tokens.add("reader", permissions=["authentik_flows.view_flow"])
    monkeypatch.setattr(reporting, "log", structlog.get_logger())
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(0))
    with structlog.testing.capture_logs() as log:
        responses = [client.get(FLOWS, token=reader), client.post(FLOWS, {}), client.get(FLOWS, token="nope")]
    logs.configure("error", "json")
    assert [entry["id"] for entry in log] == [response.headers["x-authentik-id"] for response in responses]
    assert [(entry["operation"], entry["status"], entry["token"]) for entry in log] == [
        ("flows_instances_list", 200, "reader"),
        ("flows_instances_create", 400, "root"),
        ("flows_instances_list", 403, None),
    ]
    assert log[1]["reason"] == "name,slug,title,designation"
    assert not any(reader in str(entry) or "nope" in str(entry) for entry in log)


def test_nothing_is_stored_of_a_request_that_breaks_off(client, store):
    import asyncio

    async def send(message):
        raise AssertionError(message)

    async def receive():
        return next(messages)

    messages = iter([{"type": "http.request", "body": b'{"name":', "more_body": True}, {"type": "http.disconnect"}])
    scope = {
        "type": "http", "method": "POST", "path": FLOWS, "query_string": b"", "root_path": "", "raw_path": FLOWS.encode(),
        "headers": [(b"authorization", b"Bearer root"), (b"content-type", b"application/json")],
    }  # fmt: skip
    asyncio.run(client.app(scope, receive, send))
    assert store.flows.page(PageRequest({}, (), (), 1, 1)).count == 0
    assert isinstance(client, Client)
