"""What every peer serves: the same tables, flows with what is bound to them, and a token, in a database of its own per run."""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from app.application import load_contract, open_store
from app.settings import Settings
from app.store import Store
from app.store.schema.search import search_text
from app.store.schema.tables import flows as table

TOKEN = "benchmark-token-of-a-superuser-0123456789"  # noqa: S105  # of databases that live for one run

# The number of the flow with the rare word.
RARE = 77

STAGES = 3
"""How many stages are bound to a flow. One policy is."""

_DESIGNATIONS = ("authentication", "authorization", "enrollment", "invalidation", "recovery", "stage_configuration")
# Rows of one statement, so that a million are no list in memory.
_BATCH = 10_000

# How many stages and policies the flows share.
_STAGES, _POLICIES = 200, 20

# Each identity in the column becomes a binding. Their keys go down while their order goes up, so that nobody is right by chance.
_BIND = (
    """
    INSERT INTO stage_bindings (pk, policybindingmodel_ptr_id, target, stage, "order", evaluate_on_plan,
        re_evaluate_policies, policy_engine_mode, invalid_response_action)
    SELECT substr(pk, 1, 32) || (1999 - place), substr(pk, 1, 32) || (2000 + place), pk,
        substr(stages, 37 * place + 1, 36), place, false, true, 'any', 'retry'
    FROM flows CROSS JOIN ({places}) AS places ORDER BY pk, place
    """,
    """
    INSERT INTO policy_bindings (pk, policy, flow, negate, enabled, "order", timeout, failure_result)
    SELECT substr(pk, 1, 32) || 3000, policies, pk, false, true, 0, 30, false FROM flows ORDER BY pk
    """,
)


def identity(number: int, part: int = 0) -> str:
    """The UUID of a number, the same in each run."""
    return f"{number:08x}-0000-4000-8000-{part:012x}"


def stage(number: int) -> str:
    """The identity of one of the stages that the flows share."""
    return identity(0xA0000000 + number % _STAGES)


def policy(number: int) -> str:
    """The identity of one of the policies that the flows share."""
    return identity(0xB0000000 + number % _POLICIES)


def flow(number: int, stages: int = STAGES) -> dict[str, Any]:
    """The flow of a number, the same in each run. One of them has a rare word in its title, all have a common one.

    :param stages: how many are bound to it, from 1 to 200
    """
    word = "Aardvark" if number == RARE else "Example"
    return {
        "pk": identity(number),
        "policybindingmodel_ptr_id": identity(number, 1),
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
        # Steps of 67 lead to each of 200 before they come back.
        "stages": " ".join(stage(number + 67 * place) for place in range(stages)),
        "policies": policy(number),
    }


def fill(url: str, count: int, stages: int = STAGES) -> None:
    """Make the tables, a superuser token and a number of flows in an empty database.

    :param stages: how many are bound to each flow, from 1 to 200
    """
    filled = store(url)
    filled.migrate()
    filled.tokens.add("benchmark", superuser=True, secret=TOKEN)
    _add_shared(filled)
    with engine(url).begin() as connection, _without_triggers(connection):
        for batch in _batches(count, stages):
            rows = [{**row, "search": search_text(row[name] for name in filled.flows.searched)} for row in batch]
            connection.execute(sa.insert(table), rows)
        places = " UNION ALL ".join(f"SELECT {place} AS place" for place in range(stages))
        for statement in _BIND:
            connection.exec_driver_sql(statement.format(places=places))
    filled.migrate()
    with filled.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            # What would be done in the background, while requests are timed, is done before.
            connection.execute(sa.text("VACUUM"))
            connection.execute(sa.text("CHECKPOINT"))
        connection.execute(sa.text("ANALYZE"))
    filled.close()


def store(url: str) -> Store:
    """What the project keeps in a database."""
    settings = Settings.from_environment({"FLOWS_DATABASE_URL": url})
    return open_store(settings, load_contract(settings))


def engine(url: str) -> sa.Engine:
    """SQLAlchemy's own way to a database: the store's commits each row of many by itself."""
    return sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1), poolclass=sa.NullPool)


def _add_shared(filled: Store) -> None:
    shared = {
        "authentik_stages_dummy.dummystage": map(stage, range(_STAGES)),
        "authentik_policies_dummy.dummypolicy": map(policy, range(_POLICIES)),
    }
    with filled.database.write() as session:
        for name, identities in shared.items():
            model, repository = filled.models[name], filled.repository(name)
            for number, pk in enumerate(identities):
                repository.add(session, model.read_new({"name": f"{model.verbose_name} {number:03}"}), pk)


@contextlib.contextmanager
def _without_triggers(connection: sa.Connection) -> Iterator[None]:
    """What they keep is filled in with the rest: a binding after the other, it would take many times as long."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield
        return
    triggers = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, sql in triggers:
        connection.exec_driver_sql(sql)


def _batches(count: int, stages: int) -> Iterator[list[dict[str, Any]]]:
    numbers = iter(range(count))
    while batch := [flow(number, stages) for number in itertools.islice(numbers, _BATCH)]:
        yield batch
