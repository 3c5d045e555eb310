"""What a handler may be, and what it may ask for."""

from functools import partial

import pytest

from app import errors
from app.contract import checks
from app.contract.document.findings import ContractError
from app.contract.request.origin import origin_of
from app.contract.serve.response_cache import ResponseCache
from tests.contract.keeping import implementation, keeping
from tests.contract.widgets import CONTRACT, HANDLERS, ID, WIDGETS, serve

ME = WIDGETS + "me/"


def test_who_asks():
    client = serve()
    assert client.get(ME).json() == {"name": "root", "superuser": True, "base_url": "http://127.0.0.1:80"}
    assert client.get(ME, token="widgets.view").json()["superuser"] is False
    assert client.get(WIDGETS + "anybody/", token="").json()["name"] == ""


def test_what_who_asks_may_do():
    def widgets_me_retrieve(store, request):
        return {name: request.may(name) for name in ("widgets.view", "widgets.change")}

    client = serve(widgets_me_retrieve=widgets_me_retrieve)
    assert client.get(ME).json() == {"widgets.view": True, "widgets.change": True}
    assert client.get(ME, token="widgets.view").json() == {"widgets.view": True, "widgets.change": False}


def test_an_answer_to_one_sender_is_not_given_to_another():
    client = serve(memory=ResponseCache(lambda: "unchanged", 10))
    for token in ("root", "widgets.view", "root"):
        assert client.get(ME, token=token).json()["name"] == token


def test_the_request_is_known_where_existence_is_asked_for():
    def widgets_retrieve(store, pk, request):
        assert request.name == "widgets.view"
        raise errors.NotFound

    client = serve(widgets_retrieve=widgets_retrieve)
    assert client.put(f"{WIDGETS}{ID}/", {}, token="widgets.view").status == 404


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, "http://127.0.0.1:9100"),
        ({"host": "flows.example"}, "http://flows.example"),
        ({"host": "flows.example:9443", "x-forwarded-proto": "https"}, "https://flows.example:9443"),
        ({"host": "[::1]:9100", "x-forwarded-proto": "HTTPS, http"}, "https://[::1]:9100"),
        ({"host": "flows.example", "x-forwarded-proto": "javascript"}, "http://flows.example"),
        ({"host": "a@b"}, "http://127.0.0.1:9100"),
        ({"host": "a/b"}, "http://127.0.0.1:9100"),
        ({"host": "\xfc"}, "http://127.0.0.1:9100"),
        ({"host": "a\n"}, "http://127.0.0.1:9100"),
    ],
)
def test_where_the_client_thinks_the_server_is(headers, origin):
    scope = {
        "scheme": "http",
        "server": ("127.0.0.1", 9100),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    assert origin_of(scope) == origin


@pytest.mark.parametrize(
    ("server", "origin"),
    [
        (("::1", 80), "https://[::1]:80"),
        (("/run/flows.sock", None), "https://localhost"),
        (None, "https://localhost"),
    ],
)
def test_where_the_server_is_if_the_client_does_not_say(server, origin):
    assert origin_of({"scheme": "https", "server": server, "headers": []}) == origin


def generic_retrieve(model, store, pk):
    return {"name": model, "key": pk}


def closing_over(model):
    def retrieve(store, pk):
        return generic_retrieve(model, store, pk)

    return retrieve


class Retrieving:
    def __init__(self, model):
        self.model = model

    def retrieve(self, store, pk):
        return generic_retrieve(self.model, store, pk)

    def __call__(self, store, pk, request):
        return generic_retrieve(self.model, store, pk)


def with_default(store, pk, model="a model"):
    return generic_retrieve(model, store, pk)


@pytest.mark.parametrize(
    "handler",
    [
        partial(generic_retrieve, "a model"),
        partial(partial(generic_retrieve), "a model"),
        partial(with_default, model="a model"),
        with_default,
        closing_over("a model"),
        Retrieving("a model").retrieve,
        Retrieving("a model"),
    ],
    ids=["partial", "twice", "by name", "default", "closure", "method", "object"],
)
def test_a_handler_made_for_a_model(handler):
    assert serve(widgets_retrieve=handler).get(f"{WIDGETS}{ID}/").json() == {"name": "a model", "key": ID}


def lacking(model, store):
    """Takes no pk."""


def demanding(model, store, pk, more):
    """Takes more than the operation gives."""


@pytest.mark.parametrize(
    ("function", "takes"), [(lacking, "nothing"), (demanding, "more, pk")], ids=["lacking", "demanding"]
)
def test_a_handler_made_for_a_model_that_does_not_fit(function, takes):
    served_by = HANDLERS | {"widgets_retrieve": partial(function, "a model"), "widgets_more": partial(function)}
    with pytest.raises(ContractError) as caught:
        checks.load(CONTRACT, implementation(served_by), "widgets.yaml")
    place = f"tests/contract/test_handlers.py:{function.__code__.co_firstlineno}:1"
    first, second = sorted(map(str, caught.value.findings))
    assert first.startswith(f"{place}: The handler 'widgets_more' serves no operation of widgets.yaml.")
    assert f"The handler 'widgets_retrieve' takes {takes}, and the operation gives pk." in second
    assert second.endswith(f"those of the function at {place}.")


def test_only_a_body_of_what_is_answered_is_stored(tmp_path):
    def load(*paths):
        text = CONTRACT.read_text("utf-8")
        for path in paths:
            text = text.replace(f"  {path}:\n", f"  {path}:\n    x-serves: owners\n", 1)
        (tmp_path / "widgets.yaml").write_text(text, "utf-8")
        checks.load(tmp_path / "widgets.yaml", implementation(HANDLERS, lambda _: keeping("name", "owner")))

    load("/widgets/test/", "/widgets/{widget_uuid}/drawing/")
    with pytest.raises(ContractError, match="The store has no property 'order'"):
        load("/widgets/")
