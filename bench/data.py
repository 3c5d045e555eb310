"""What every peer serves: the same tables, flows and token, in a database of its own per run."""

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from app.application import load_contract, open_store
from app.settings import Settings
from app.store.search import search_text
from app.store.tables import flows as table

TOKEN = "benchmark-token-of-a-superuser-0123456789"  # noqa: S105  # of databases that live for one run

# The number of the flow with the rare word.
RARE = 77

_DESIGNATIONS = ("authentication", "authorization", "enrollment", "invalidation", "recovery", "stage_configuration")
# Rows of one statement, so that a million are no list in memory.
_BATCH = 10_000


def flow(number: int) -> dict[str, Any]:
    """The flow of a number, the same in each run. One of them has a rare word in its title, all have a common one."""
    word = "Aardvark" if number == RARE else "Example"
    return {
        "pk": str(uuid.UUID(int=number << 96, version=4)),
        "policybindingmodel_ptr_id": str(uuid.UUID(int=number << 96 | 1, version=4)),
        "name": f"Flow {number:07}",
        "slug": f"flow-{number:07}",
        "title": f"{word} of a journey, number {number}",
        "designation": _DESIGNATIONS[number % len(_DESIGNATIONS)],
        "background": "/static/dist/assets/images/flow_background.jpg",
        "policy_engine_mode": "any",
        "compatibility_mode": number % 2 == 0,
        "layout": "stacked",
        "denied_action": "message_continue",
        "authentication": "none",
    }


def fill(url: str, count: int) -> None:
    """Make the tables, a superuser token and a number of flows in an empty database."""
    settings = Settings.from_environment({"FLOWS_DATABASE_URL": url})
    store = open_store(settings, load_contract(settings))
    store.migrate()
    store.tokens.add("benchmark", superuser=True, secret=TOKEN)
    with store.database.engine.begin() as connection:
        for batch in _batches(count):
            rows = [{**row, "search": search_text(row, store.flows.searched)} for row in batch]
            connection.execute(sa.insert(table), rows)
    store.migrate()
    with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    store.close()


def _batches(count: int) -> Iterator[list[dict[str, Any]]]:
    numbers = iter(range(count))
    while batch := [flow(number) for number in itertools.islice(numbers, _BATCH)]:
        yield batch
