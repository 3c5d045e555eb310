"""The page that compares versions."""

import html
import os
import re

import pytest

from app.application import create_app, open_store
from app.recording.recorder import Recorder
from app.settings import Settings
from tests.asgi import Client
from tests.serving import wait_for

PAGE = "/contract/versions/"


@pytest.fixture(scope="module")
def client(contract, tmp_path_factory):
    settings = Settings(database_url=f"sqlite:///{tmp_path_factory.mktemp('store')}/flows.sqlite3", token_cache=0.0)
    store = open_store(settings, contract)
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    yield Client(create_app(settings, contract=contract, store=store, recorder=Recorder(contract)), "root")
    store.close()


def text(response):
    assert response.status == 200, response.body
    return re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", "", response.body.decode())))


def compared(client, query):
    """The text of the page, when the versions are compared."""
    return wait_for(
        lambda: (found := text(client.get(PAGE, query=query))) and "being compared" not in found and found,
        "the comparison",
        120,
    )


def test_versions_are_chosen_from_all_that_exist(client):
    page = client.get(PAGE).body.decode()
    assert page.count("<option selected>") == 2
    assert "<option selected>2024.8</option>" in page
    assert "<option>2025.12</option>" in page


def test_the_differences_have_the_sentences_of_the_overlays_by_operation(client, monkeypatch):
    monkeypatch.setitem(os.environ, "FLOWS_VERSION", "2025.2")
    client.get("/api/v3/stages/identification/")
    page = compared(client, "from=2024.8&to=2024.10")
    assert re.search(r"stages_identification_list 0 breaking, \d safe, 1 recorded call ", page)
    assert "2024.10 An identification stage may show a captcha (captcha_stage). openapi/versions/2024.10.yaml:" in page
    stages = compared(client, "from=2024.8&to=2024.10&tag=stages")
    assert "stages_identification_create" in stages
    assert "policies_event_matcher_create" in page
    assert "policies_event_matcher_create" not in stages
    assert "1 operation of 2024.8 and 2024.10 differ." in compared(
        client, "from=2024.8&to=2024.10&tag=stages&called=yes"
    )


@pytest.mark.parametrize("query", ["from=2023.1&to=2024.8", "from=2024.8&to=../x"])
def test_a_version_that_does_not_exist_is_rejected_with_those_that_do(client, query):
    response = client.get(PAGE, query=query)
    assert (response.status, "There are: 2024.8, 2024.10" in response.body.decode()) == (400, True)
