"""Copies of an embedded store, made and put back."""

import shutil
import sqlite3
import threading

import pytest
from alembic import command

from app import errors
from app.store import Store
from app.store.queries.listing import PageRequest
from app.store.upkeep import backup, migration
from tests.unit.test_store import SEARCHED, properties


@pytest.fixture
def path(tmp_path):
    return tmp_path / "flows.sqlite3"


@pytest.fixture
def opened():
    """Opens a store, migrated."""
    stores = []

    def opened(path):
        store = Store(f"sqlite:///{path}", searched=SEARCHED)
        stores.append(store)
        store.migrate()
        return store

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def upgrade(opened):
    """What `restore` upgrades a copy with."""

    def upgrade(path):
        opened(path).close()

    return upgrade


@pytest.fixture
def made(opened, path, tmp_path):
    """A backup of a store with one flow, the flow that came later, and the store, closed."""
    store = opened(path)
    store.flows.add(properties(slug="first"))
    backup.back_up(path, tmp_path / "backup")
    store.flows.add(properties(slug="later"))
    store.close()
    return tmp_path / "backup"


def slugs(opened, path):
    store = opened(path)
    found = sorted(flow.slug for flow in store.flows.page(PageRequest({}, (), (), 1, 1000)).rows)
    store.close()
    return found


def revision_set(path, revision):
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
    connection.close()


def test_a_backup_has_all_that_was_acknowledged(opened, path, tmp_path, upgrade):
    store = opened(path)
    secret = store.tokens.add("root", superuser=True)
    flow = store.flows.add(properties(slug="a"))
    file = tmp_path / "some where" / "the%20backup?"
    # What was written last is not in the store's file yet, but in the log beside it.
    assert backup.back_up(path, file) == migration.HEAD
    store.flows.change("a", {"title": "Other"})
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]
    assert file.stat().st_mode & 0o777 == 0o600
    other = tmp_path / "other" / "flows.sqlite3"
    assert backup.restore(file, other, upgrade, replace=False) == migration.HEAD
    assert [entry.name for entry in other.parent.iterdir()] == [other.name]
    restored = opened(other)
    assert restored.flows.get("a") == flow
    assert restored.tokens.find(secret).superuser


def test_a_backup_is_of_one_moment_and_holds_nobody_up(opened, path, tmp_path):
    store = opened(path)
    with store.database.write() as session:
        for name in ("left", "right"):
            session.script(f"INSERT INTO store_properties VALUES ('{name}', '0')")
    stop, written, failed = threading.Event(), threading.Semaphore(0), []

    def write():
        try:
            while not stop.is_set():
                with store.database.write() as session:
                    session.script("UPDATE store_properties SET value = value + 1 WHERE name = 'left'")
                    session.script("UPDATE store_properties SET value = value + 1 WHERE name = 'right'")
                written.release()
        except errors.Unavailable as error:
            failed.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        moments = []
        for _ in range(20):
            assert written.acquire(timeout=20)
            backup.back_up(path, tmp_path / "backup")
            with sqlite3.connect(tmp_path / "backup") as copy:
                (left,), (right,) = copy.execute("SELECT value FROM store_properties WHERE name IN ('left', 'right')")
            copy.close()
            assert left == right
            moments.append(int(left))
    finally:
        stop.set()
        writer.join()
    assert failed == []
    assert moments == sorted(moments)
    assert moments[-1] >= 20


def test_a_restored_store_takes_the_place_of_the_other(opened, path, made, upgrade):
    assert slugs(opened, path) == ["first", "later"]
    backup.restore(made, path, upgrade, replace=True)
    assert slugs(opened, path) == ["first"]
    assert slugs(opened, made) == ["first"]


def test_a_backup_of_an_earlier_revision_is_brought_to_this_one(opened, path, tmp_path, upgrade):
    old = Store(f"sqlite:///{tmp_path}/old", searched=SEARCHED)
    config = migration.configuration()
    with old.database.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("INSERT INTO store_properties VALUES ('kept', 'yes')")
    old.close()
    assert backup.back_up(tmp_path / "old", tmp_path / "backup") == "0001"
    assert backup.restore(tmp_path / "backup", path, upgrade, replace=False) == "0001"
    restored = opened(path)
    assert restored.migrated()
    with restored.database.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT value FROM store_properties WHERE name = 'kept'").scalar()
    assert kept == "yes"


def other_program(path):
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE flows (pk)")
    connection.close()


def orphan(path):
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO object_references VALUES ('nobody', 'flow', 0, NULL, NULL)")
    connection.close()


def scribbled(path):
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xff" * 4096)


NO_STORE = "is not a store of this server."
NO_DATABASE = "is damaged: file is not a database. Use another backup."
CUT_OFF = "is damaged: database disk image is malformed. Use another backup."
NEWER = f"is at revision 9999, and this version knows none above {migration.HEAD}."
WRONG = {
    "empty": (lambda path: path.write_bytes(b""), NO_STORE),
    "another program's": (other_program, NO_STORE),
    "no database": (lambda path: path.write_bytes(b"garbage" * 1000), NO_DATABASE),
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-8192]), CUT_OFF),
    "scribbled on": (scribbled, "Use another backup."),
    "newer": (lambda path: revision_set(path, "9999"), NEWER),
    "not there": (lambda path: path.unlink(), "There is no store at"),
}


@pytest.mark.parametrize("spoil", WRONG)
def test_a_backup_that_is_not_sound_is_refused_and_changes_nothing(opened, path, made, upgrade, spoil):
    WRONG[spoil][0](made)
    before = {entry.name for entry in path.parent.iterdir()}
    with pytest.raises(errors.StoreUnusable) as caught:
        backup.restore(made, path, upgrade, replace=True)
    assert WRONG[spoil][1] in str(caught.value)
    assert str(made) in str(caught.value)
    assert {entry.name for entry in path.parent.iterdir()} == before
    assert slugs(opened, path) == ["first", "later"]


def test_a_store_that_is_there_is_given_up_only_on_purpose(opened, path, made, upgrade):
    with pytest.raises(errors.StoreUnusable, match="then give --replace"):
        backup.restore(made, path, upgrade, replace=False)
    assert slugs(opened, path) == ["first", "later"]


def test_a_store_in_use_is_not_replaced(opened, path, made, upgrade, monkeypatch):
    monkeypatch.setattr(backup, "_PATIENCE", 0)
    store = opened(path)
    # One who has read only is enough.
    assert store.flows.get("later")
    with pytest.raises(errors.StoreUnusable, match=r"in use\. Stop every server on it first\."):
        backup.restore(made, path, upgrade, replace=True)
    store.flows.change("later", {"title": "Other"})
    store.close()
    assert slugs(opened, path) == ["first", "later"]


def test_a_newer_store_is_not_replaced(path, made, upgrade):
    revision_set(path, "9999")
    before = path.read_bytes()
    with pytest.raises(errors.StoreUnusable, match="revision 9999"):
        backup.restore(made, path, upgrade, replace=True)
    assert path.read_bytes() == before


def test_what_goes_wrong_on_the_way_leaves_the_store_as_it_is(opened, path, made):
    def fail(_path):
        raise RuntimeError

    before = {entry.name for entry in path.parent.iterdir()}
    with pytest.raises(RuntimeError):
        backup.restore(made, path, fail, replace=True)
    assert {entry.name for entry in path.parent.iterdir()} == before
    assert slugs(opened, path) == ["first", "later"]


def test_the_log_of_a_damaged_store_is_not_taken_for_the_restored_one_s(opened, path, made, upgrade):
    store = opened(path)
    store.flows.add(properties(slug="in-the-log"))
    log = path.with_name("log")
    shutil.copyfile(f"{path}-wal", log)
    store.close()
    path.write_bytes(b"garbage" * 1000)
    log.rename(f"{path}-wal")
    backup.restore(made, path, upgrade, replace=True)
    assert slugs(opened, path) == ["first"]


@pytest.mark.parametrize("name", ["flows.sqlite3", "link", "used"])
def test_a_store_is_no_place_for_a_backup(opened, path, made, name):
    path.with_name("link").symlink_to(path)
    shutil.copyfile(path, path.with_name("used"))
    other = opened(path.with_name("used"))
    other.flows.get("first")
    with pytest.raises(errors.StoreUnusable, match="is a store itself"):
        backup.back_up(path, path.with_name(name))


def test_a_backup_that_fails_leaves_the_one_before(path, made):
    before = made.read_bytes()
    scribbled(path)
    with pytest.raises(errors.Damaged, match="flows restore FILE --replace"):
        backup.back_up(path, made)
    assert made.read_bytes() == before
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, made.name}


def test_a_backup_that_can_not_be_written(path, made):
    with pytest.raises(errors.StoreUnusable, match="can't be written"):
        backup.back_up(path, made / "below" / "a file")


def test_a_full_disk_leaves_the_backup_before(path, made, monkeypatch):
    connect = sqlite3.connect

    def full(*arguments, **options):
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA max_page_count = 2")
        return connection

    before = made.read_bytes()
    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(errors.StoreUnusable, match="can't be copied: database or disk is full"):
        backup.back_up(path, made)
    assert made.read_bytes() == before
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, made.name}


def test_a_damaged_store_is_refused_at_the_start(opened, path, made):
    scribbled(path)
    with pytest.raises(errors.Damaged) as caught:
        opened(path)
    assert str(caught.value).startswith(f"{path} is damaged: ")
    assert str(caught.value).endswith(
        ". Stop every server on it and put a backup in its place: `flows restore FILE --replace`."
    )


def test_a_folder_that_can_not_be_written_to_is_told_of(opened, path, made, monkeypatch):
    monkeypatch.setattr("os.access", lambda folder, _mode: folder != path.parent)
    with pytest.raises(errors.Unavailable, match=f"{path.parent} can't be written to"):
        opened(path)


def test_a_large_store_is_looked_through_on_demand(opened, path, made, monkeypatch):
    monkeypatch.setattr(backup, "QUICKLY_CHECKED", 4096)
    opened(path).close()
    scribbled(path)
    backup.check(path)
    with pytest.raises(errors.Damaged):
        backup.check(path, thorough=True)


def test_rows_that_lead_nowhere_are_damage(path, made):
    orphan(path)
    with pytest.raises(errors.Damaged, match="rows lead to others that are not there"):
        backup.check(path, thorough=True)
