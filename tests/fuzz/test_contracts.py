"""Random edits of the contract: what passes the checks is served, whatever is sent to it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import database_at
from tests.fuzz import contracts


@pytest.fixture(scope="module")
def made(engine, tmp_path_factory, request):
    """A server whose contract is edited."""
    for url in database_at(engine, tmp_path_factory.mktemp("store"), request):
        workshop = contracts.Workshop(url)
        yield workshop
        workshop.close()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(chance=st.randoms(use_true_random=True))
def test_what_passes_the_checks_is_answered_without_a_failure(made, chance):
    contracts.attempt(made, chance)
