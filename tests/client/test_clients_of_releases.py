"""The official Python clients of other releases do what that of 2024.8 does, as far as their release has the operations."""

import pytest

from tests.client.environments import LOCKS, Unreachable, run_tests

# One for each generator of the clients, and the newest; `make clients` runs all.
CHOSEN = ["2025.4", "2025.12", "2026.8"]


@pytest.fixture(params=sorted(LOCKS))
def version(request):
    if request.param not in CHOSEN and not request.config.getoption("all_clients"):
        pytest.skip("`make clients` runs it")
    return request.param


def test_the_client_of_a_release_does_what_its_contract_has(version):
    try:
        result = run_tests(version)
    except Unreachable as error:
        pytest.skip(f"the client of {version} is not installed: {error}")
    assert result.returncode == 0, result.stdout
