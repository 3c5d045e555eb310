"""A store is its owner's alone."""

import os
import stat

import pytest

from app.store import Store
from app.store.engine.factory import open_database
from app.store.engine.sqlite import privacy
from app.store.upkeep import backup


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def made(path):
    """A store, in use."""
    store = Store(f"sqlite:///{path}", searched={"flows": ("name",)})
    store.migrate()
    if not store.tokens.any():
        store.tokens.add("root", superuser=True)
    return store


def files(path):
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]


def test_a_new_store_and_the_folders_made_for_it_are_for_their_owner(tmp_path, umask):
    path = tmp_path / "a" / "b" / "flows.sqlite3"
    store = made(path)
    assert [mode(file) for file in files(path)] == [0o600] * 3
    assert [mode(path.parent), mode(path.parent.parent)] == [0o700] * 2
    assert privacy.open_to_others(path) == {}
    store.close()


def test_so_are_a_backup_and_what_is_made_of_it(tmp_path, umask):
    store, copy, restored = (tmp_path / name / "flows.sqlite3" for name in ("store", "copy", "restored"))
    made(store).close()
    backup.back_up(store, copy)
    backup.restore(copy, restored, lambda path: open_database(f"sqlite:///{path}").close(), replace=False)
    for path in (copy, restored):
        assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    used = made(restored)
    assert [mode(file) for file in files(restored)] == [0o600] * 3
    used.close()


def test_modes_that_are_there_stay_and_are_told_with_those_that_should_be(tmp_path):
    path = tmp_path / "shared" / "flows.sqlite3"
    made(path).close()
    path.chmod(0o644)
    path.parent.chmod(0o755)
    store = made(path)
    assert [mode(file) for file in files(path)] == [0o644] * 3
    assert mode(path.parent) == 0o755
    assert privacy.open_to_others(path) == {path.parent: "700"} | dict.fromkeys(files(path), "600")
    path.parent.chmod(0o1777)
    assert path.parent not in privacy.open_to_others(path)
    store.close()
