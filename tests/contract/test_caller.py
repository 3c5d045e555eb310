"""What `flows fuzz` spares of a deployment: the objects that the caller's credentials depend on."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.conformance.caller import names_of_caller
from app.contract.document.bundling import read
from tests.serving import served


@pytest.fixture
def url(client):
    with served(client.app) as url:
        yield url


def test_user_groups_and_tokens_of_the_caller_are_named(client, url, contract):
    token = client.store.tokens.add("of-the-run", superuser=True)
    user = client.get("/api/v3/core/users/me/", token=token).json()["user"]
    named = names_of_caller(url, token, contract)
    assert named >= {str(user["pk"]), *(group["pk"] for group in user["groups"]), "of-the-run"}


def test_nothing_is_named_for_a_rejected_token(url, contract):
    assert names_of_caller(url, "wrong", contract) == frozenset()


def test_another_user_is_not_named(client, url, contract):
    made = client.post("/api/v3/core/users/service_account/", {"name": "other"}).json()
    assert str(made["user_pk"]) not in names_of_caller(url, client.token, contract)
    assert "service-account-other-password" not in names_of_caller(url, client.token, contract)


def test_nothing_is_named_by_a_contract_without_users(client, url):
    assert names_of_caller(url, client.token, read(Path(__file__).with_name("widgets.yaml"))) == frozenset()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"user": null}', b'{"user": {"username": "a"}}'])
def test_nothing_is_named_by_a_response_that_violates_the_contract(contract, body):
    app = Starlette(routes=[Route("/{path:path}", lambda _: Response(body))])
    with served(app) as url:
        assert names_of_caller(url, "token", contract) == frozenset()
