"""From revision to revision, and what servers of other versions make of it."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from app import errors
from app.store import Store
from app.store.queries.listing import PageRequest
from app.store.upkeep import migration
from tests.conftest import database_at
from tests.unit.test_store import SEARCHED

REVISIONS = [
    script.revision
    for script in reversed(list(ScriptDirectory.from_config(migration.configuration()).walk_revisions()))
]


@pytest.fixture
def store(database_url):
    store = Store(database_url, searched=SEARCHED)
    yield store
    store.close()


def upgrade(store, revision):
    config = migration.configuration()
    with store.database.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql(store.database.migration_begin[0])
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def tables(store):
    with store.database.engine.connect() as connection:
        inspector = sa.inspect(connection)
        return {table: {c["name"]: c for c in inspector.get_columns(table)} for table in inspector.get_table_names()}


def test_revisions_are_numbers_in_their_order():
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS


def test_each_revision_leaves_what_servers_of_the_one_before_use(store):
    before = {}
    for revision in REVISIONS:
        upgrade(store, revision)
        after = tables(store)
        for table, columns in before.items():
            assert columns.keys() <= after[table].keys()
            for name in after[table].keys() - columns.keys():
                column = after[table][name]
                assert column["nullable"] or column["default"], (
                    f"{revision}: those that do not know {table}.{name} can't add"
                )
        before = after


@pytest.mark.parametrize("revision", REVISIONS)
def test_what_is_there_is_kept_from_each_revision_on(store, revision):
    upgrade(store, revision)
    texts = ("pk", "policybindingmodel_ptr_id", "name", "slug", "title", "designation", "background", "policy_engine_mode",
             "layout", "denied_action", "authentication", "search")  # fmt: skip
    first = sa.table("flows", *map(sa.column, texts), sa.column("compatibility_mode"))
    with store.database.engine.connect() as connection:
        connection.execute(
            sa.insert(first).values({**{name: f"the {name}" for name in texts}, "compatibility_mode": True})
        )
    store.migrate()
    assert store.migrated()
    flow = store.flows.get("the slug")
    assert (flow.name, flow.compatibility_mode) == ("the name", True)
    assert store.flows.page(PageRequest({}, ("name",), (), 1, 10)).rows == [flow]


@pytest.fixture
def migrated_url(engine, tmp_path, request):
    """The URL of a second empty database."""
    folder = tmp_path / "migrated"
    folder.mkdir()
    yield from database_at(engine, folder, request)


def test_a_new_database_is_as_a_migrated_one(store, migrated_url):
    store.migrate()
    migrated = Store(migrated_url, searched=SEARCHED)
    try:
        upgrade(migrated, "head")
        migrated.migrate()
        expected = schema(migrated)
        assert {"flows", "alembic_version"} <= expected["columns"].keys()
        assert len(expected["triggers"]) == {"sqlite": 6, "postgresql": 2}[migrated.database.name]
        assert schema(store) == expected
    finally:
        migrated.close()


def schema(store):
    """The columns, constraints, indexes and triggers of all tables, and the rows that they are created with."""
    found = {}
    with store.database.engine.connect() as connection:
        inspector = sa.inspect(connection)
        names = inspector.get_table_names()
        for kind in ("columns", "pk_constraint", "foreign_keys", "unique_constraints", "indexes", "check_constraints"):
            read = getattr(inspector, f"get_{kind}")
            found[kind] = {name: ordered(read(name)) for name in names}
        if connection.dialect.name == "sqlite":
            for name in names:
                keys = connection.exec_driver_sql(f"PRAGMA foreign_key_list({name})").all()
                # The inspector does not read the action of a key that was added with its column.
                found["foreign_keys"][name] = sorted(tuple(key)[2:] for key in keys)
        for kind, query in DEFINITIONS[connection.dialect.name].items():
            found[kind] = sorted(" ".join(text.split()) for (text,) in connection.exec_driver_sql(query))
        rows = sorted(connection.exec_driver_sql("SELECT name, value FROM store_properties"))
        # Each store has a key of its own.
        found["properties"] = [(name, len(value) if name == "session_key" else value) for name, value in rows]
        found["revisions"] = connection.exec_driver_sql("SELECT * FROM alembic_version").all()
    return found


def ordered(found):
    return sorted(map(repr, found)) if isinstance(found, list) else found


DEFINITIONS = {
    "sqlite": {"triggers": "SELECT sql FROM sqlite_master WHERE type = 'trigger'"},
    "postgresql": {
        "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "functions": "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    },
}


def test_a_newer_revision_is_served_by_those_that_run_and_opened_by_nobody_else(store):
    store.migrate()
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert store.migrated()
    with pytest.raises(errors.StoreUnusable, match=r"is at revision 9999, and this version knows none above \d{4}\."):
        store.migrate()


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DELETE FROM alembic_version", "has tables and no revision of them"),
        ("DROP TABLE alembic_version", "has tables and no revision of them"),
        ("UPDATE alembic_version SET version_num = 'abc'", "is abc, which is none of this server's"),
        ("UPDATE alembic_version SET version_num = '0000'", "is 0000, which is none of this server's"),
        ("INSERT INTO alembic_version VALUES ('0001')", "which is none of this server's"),
    ],
)
def test_tables_whose_revision_nobody_knows_are_left_alone(store, sql, message):
    store.migrate()
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql(sql)
    for ask in (store.migrate, store.migrated, store.revision):
        with pytest.raises(errors.Unfit, match=message):
            ask()


def test_a_table_of_revisions_without_any_other_is_an_empty_database(store):
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    assert store.revision() is None
    store.migrate()
    assert store.migrated()
