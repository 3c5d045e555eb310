"""What tests of the served contract may ask for."""

import pytest

from tests.contract_files import shipped
from tests.examples import Examples


@pytest.fixture
def examples(client_on_each):
    """Objects made from the contract's examples, in an application on each engine."""
    return Examples(shipped(), client_on_each)
