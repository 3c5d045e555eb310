"""What tests of attacks may ask for."""

import pytest

from tests.attacks.watching import Watched
from tests.contract_files import shipped
from tests.examples import Examples


@pytest.fixture
def watched(client):
    """A superuser's client of an application on SQLite, which looks at each answer."""
    return Watched(client)


@pytest.fixture
def attacked(client_on_each):
    """Objects made from the contract's examples, in an application on each engine, by a client that looks at each answer."""
    return Examples(shipped(), Watched(client_on_each))
