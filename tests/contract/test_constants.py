"""Operations whose response the contract states as a whole."""

import pytest

from tests.contract_files import shipped

API = "/api/v3/"

CONSTANT = [(path, operation) for _, path, _, operation in shipped().operations() if "x-constant" in operation]


@pytest.mark.parametrize(("path", "operation"), CONSTANT, ids=[operation["operationId"] for _, operation in CONSTANT])
def test_a_constant_operation_answers_its_example(client, path, operation):
    media = operation["responses"]["200"]["content"]["application/json"]
    assert client.get(API.rstrip("/") + path).json() == media["example"]


def test_the_first_calls_of_clients_need_no_permission(client):
    """`root_config_retrieve` answers anybody, `admin_version_retrieve` any token."""
    client.store.tokens.add("reader", secret="reader")
    assert client.get(API + "root/config/", token="").status == 200
    assert client.get(API + "admin/version/", token="reader").status == 200
    assert client.get(API + "admin/version/", token="").status == 403


def test_an_edited_example_is_answered(edited):
    client = edited(("version_current: 2024.8.6", "version_current: 2024.8.7"))
    assert client.get(API + "admin/version/").json()["version_current"] == "2024.8.7"
