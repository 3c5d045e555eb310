"""PostgreSQL whose transactions are more isolated than by default: clients that are in one another's way all succeed."""

import psycopg
import pytest

from tests.conftest import database_at
from tests.contention import check, servers

pytestmark = pytest.mark.postgresql


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_clients_that_are_in_one_anothers_way_all_succeed(contract, tmp_path, request, level, count):
    for url in database_at("postgresql", tmp_path, request):
        name = url.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
        with servers(url, contract, count) as send:
            check(send)


@pytest.mark.parametrize("pool", [1, 2, 6])
def test_few_connections_are_enough_for_many_clients(contract, tmp_path, request, pool):
    for url in database_at("postgresql", tmp_path, request):
        with servers(url, contract, 1, database_pool=pool) as send:
            check(send)
