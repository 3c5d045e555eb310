"""Operations whose response the contract states as a whole."""

import pytest

from app.contract.compile.constants import constants
from app.contract.document.overlays import minor
from app.contract.document.versions import names
from app.settings import Settings
from tests.contract_files import contract_of, shipped

API = "/api/v3/"

CONSTANT = [(path, operation) for _, path, _, operation in shipped().operations() if "x-constant" in operation]


@pytest.mark.parametrize(("path", "operation"), CONSTANT, ids=[operation["operationId"] for _, operation in CONSTANT])
def test_a_constant_operation_answers_its_example(client, path, operation):
    media = operation["responses"]["200"]["content"]["application/json"]
    assert client.get(API.rstrip("/") + path).json() == media["example"]


@pytest.mark.parametrize("version", names(Settings().contract, shipped().release))
def test_the_version_that_a_client_is_told_is_that_of_its_contract(version):
    (told,) = (
        constant.response
        for name, constant in constants(contract_of(version)).items()
        if name == "admin_version_retrieve"
    )
    assert minor(told["version_current"]) == minor(told["version_latest"]) == version


def test_the_first_calls_of_clients_need_no_permission(client):
    """`root_config_retrieve` answers anybody, `admin_version_retrieve` any token."""
    client.store.tokens.add("reader", secret="reader")
    assert client.get(API + "root/config/", token="").status == 200
    assert client.get(API + "admin/version/", token="reader").status == 200
    assert client.get(API + "admin/version/", token="").status == 403


def test_an_edited_example_is_answered(edited):
    client = edited(("version_current: 2024.8.6", "version_current: 2024.8.7"))
    assert client.get(API + "admin/version/").json()["version_current"] == "2024.8.7"
