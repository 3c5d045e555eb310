"""The application of `flows dev`, in this process."""

import dataclasses
import threading

import pytest

from app.dev import application
from app.dev.application import LiveApplication
from app.errors import Unavailable
from tests.asgi import FLOWS, Client
from tests.contract_files import copied
from tests.serving import wait_for

FLOW = {"name": "A", "slug": "a", "title": "A", "designation": "recovery"}


@pytest.fixture
def edited(settings, tmp_path):
    """Settings with a contract of the test's own."""
    return dataclasses.replace(settings, contract=copied(tmp_path / "contract"))


@pytest.fixture
def live(edited):
    """An application that follows what is saved when it is told to."""
    app = LiveApplication(edited)
    store = app._store
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    # Connexion compiles the contract at the first request.
    Client(app).get("/-/health/live/")
    yield app
    store.close()


def test_what_is_searched_changes_with_the_contract(live, edited):
    client = Client(live, "root")
    assert client.post(FLOWS, FLOW | {"title": "Sesame"}).status == 201
    count = client.get(FLOWS, query="search=sesame").json()["pagination"]["count"]
    text = edited.contract.read_text()
    searched = "x-searches: [name, slug, designation, title, denied_action]"
    assert (count, text.count(searched)) == (1, 1)
    edited.contract.write_text(text.replace(searched, "x-searches: [name, slug]"))
    live.take_up()
    assert client.get(FLOWS, query="search=sesame").json()["pagination"]["count"] == 0
    assert client.get(FLOWS + "a/").status == 200


def test_a_contract_that_can_not_be_taken_up_for_another_reason(live, edited, monkeypatch, capsys):
    client = Client(live, "root")

    def unavailable(*_):
        raise Unavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(application, "open_store", unavailable)
        live.take_up()
    assert client.get(FLOWS).headers["x-contract-state"] == "stale"
    problem = "The contract can't be activated: Unavailable: the disk is full."
    assert problem in capsys.readouterr().err
    assert problem.replace("'", "&#39;") in client.get("/").body.decode()
    live.take_up()
    assert "x-contract-state" not in client.get(FLOWS).headers
    assert f"{edited.contract} is served, after " in capsys.readouterr().err


def test_a_version_that_a_save_breaks_is_named_and_served_again_once_it_is_corrected(live, edited, capsys):
    client, path = Client(live, "root"), f"/2024.10{FLOWS}"
    overlay = edited.contract.parent / "versions/2024.10.yaml"
    good = overlay.read_text()
    overlay.write_text(good.replace("target: $.info\n", "target: $.infos\n"))
    live.take_up()
    line = overlay.read_text().splitlines().index("  - target: $.infos") + 1
    finding = f"versions/2024.10.yaml:{line}:5: The target finds nothing. Correct it, or remove the action."
    assert finding in capsys.readouterr().err
    for _ in range(2):
        response = client.get(path)
        assert response.status == 503
        assert response.json() == {"detail": f"The contract of version 2024.10 has errors. {finding}"}
    assert client.get(FLOWS).status == 200
    overlay.write_text(good)
    assert live.outdated()
    live.take_up()
    assert not live.outdated()
    assert "All versions can be served again." in capsys.readouterr().err
    assert client.get(path).status == 200


def test_nothing_of_a_mistake_is_markup(live, edited):
    text = edited.contract.read_text()
    edited.contract.write_text(text.replace("x-searches:", "x-<b>bold</b>:"))
    live.take_up()
    page = Client(live, "root").get("/").body
    assert b"x-&lt;b&gt;bold" in page
    assert b"<b>bold" not in page


def test_it_waits_for_a_contract_that_can_be_served(edited, capsys):
    text = edited.contract.read_text()
    edited.contract.write_text("openapi: 3.0.3\n")
    made = []
    thread = threading.Thread(target=lambda: made.append(LiveApplication(edited)), daemon=True)
    thread.start()
    said = []

    def told():
        said.append(capsys.readouterr().err)
        return "Nothing is served until a correction is saved." in "".join(said)

    wait_for(told, "the finding")
    assert not made
    edited.contract.write_text(text)
    wait_for(lambda: made, "the application")
    thread.join()
    made[0]._store.close()
