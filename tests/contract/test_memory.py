"""An answer that is given again is the one that would be given anew."""

import sqlite3

import pytest

from app.contract.response.responses import Response
from app.contract.serve import response_cache as memories
from app.contract.serve.response_cache import ResponseCache
from tests.asgi import FLOWS, Client


@pytest.fixture
def asked(monkeypatch, shared):
    """The paths that were looked up in the store."""
    flows, seen = type(shared[0].flows), []
    for name in ("getting", "page"):
        original = getattr(flows, name)

        def noting(self, *arguments, _original=original, _name=name):
            seen.append(_name)
            return _original(self, *arguments)

        monkeypatch.setattr(flows, name, noting)
    # They hold the methods from before.
    shared[0].resources.clear()
    yield seen
    shared[0].resources.clear()


def test_the_same_question_is_asked_of_the_store_once(client, asked, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    for _ in range(3):
        assert client.get(path).json() == flow
        assert client.get(FLOWS).json()["results"] == [flow]
        assert client.get(FLOWS + "?page_size=1").json()["results"] == [flow]
    assert asked == ["getting", "page", "page"]


def test_what_this_server_writes_is_seen_at_once(client, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    for title in ("one", "two"):
        assert client.patch(path, {"title": title}).json() == client.get(path).json() == flow | {"title": title}
    assert client.delete(path).status == 204
    assert client.get(path).status == 404
    assert client.get(FLOWS).json()["pagination"]["count"] == 0


def test_what_another_process_writes_is_seen_at_once(client, store, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    other = sqlite3.connect(store.database.address.path)
    for title in ("one", "two"):
        assert client.get(path).status == 200
        with other:
            other.execute("UPDATE flows SET title = ?", (title,))
        assert client.get(path).json()["title"] == client.get(FLOWS).json()["results"][0]["title"] == title
    other.close()


def test_who_may_not_see_it_is_not_told(client, store, make_flow):
    client.post(FLOWS, make_flow())
    assert client.get(FLOWS).status == 200
    nobody = Client(client.app, store.tokens.add("nobody"))
    assert nobody.get(FLOWS).status == 403
    assert client.get(FLOWS, token="wrong").status == 403
    store.tokens.change("root", active=False)
    assert client.get(FLOWS).status == 403


def test_refusals_are_not_remembered(client, asked):
    for _ in range(2):
        assert client.get(FLOWS + "nothing/").status == 404
    assert asked == ["getting", "getting"]


def test_few_and_short_answers_are_remembered(monkeypatch):
    monkeypatch.setattr(memories, "_CACHED_LENGTH", 3)
    memory = ResponseCache(lambda: 1, 2)
    assert memory.get_cached("/a", b"") is None
    for path, body in (("/a", b"a"), ("/b", b"b"), ("/long", b"long")):
        memory.put(path, b"", Response(200, body))
    assert memory.get_cached("/long", b"") is None
    assert [memory.get_cached(path, b"").body for path in ("/a", "/b")] == [b"a", b"b"]
    memory.put("/c", b"", Response(200, b"c"))
    assert memory.get_cached("/a", b"") is None
    assert memory.get_cached("/c", b"x") is None
    assert memory.get_cached("/c", b"").body == b"c"


def test_nothing_is_remembered_while_the_version_is_not_known():
    versions = iter([None, 1, None, 1])
    memory = ResponseCache(lambda: next(versions), 2)
    assert memory.get_cached("/a", b"") is None
    memory.put("/a", b"", Response(200))
    assert memory.get_cached("/a", b"") is None
    memory.put("/a", b"", Response(200))
    assert memory.get_cached("/a", b"") is None
    assert memory.get_cached("/a", b"") is None
