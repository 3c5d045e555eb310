"""`flows doctor` on stores that are well, ill, or not there."""

import os
import re
import sqlite3
import stat
import subprocess
import time

from tests.contract_files import copied

SUBJECTS = ["settings", "versions", "contract", "store"]


def lines(result):
    """State and subject of each line."""
    assert result.stderr == ""
    return [tuple(line.split()[:2]) for line in result.stdout.splitlines() if not line.startswith(" ")]


def ill(result):
    return [line for line in lines(result) if line[0] != "ok"]


def test_an_embedded_store(run, tmp_path):
    store = tmp_path / "deep" / "flows.sqlite3"
    found = run("doctor")
    assert (found.returncode, ill(found)) == (0, [("warn", "store")])
    assert not store.parent.exists()
    assert run("db", "upgrade").returncode == 0
    found = run("doctor")
    assert (found.returncode, ill(found)) == (0, [])
    assert [subject for _, subject in lines(found)] == [*SUBJECTS, "tables", "tokens", "objects", "clock", "space"]
    assert run("token", "revoke", "bootstrap").returncode == 0
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    ahead = time.time() + 1000
    os.utime(store, (ahead, ahead))
    found = run("doctor", FLOWS_PROT="1")
    assert (found.returncode, ill(found)) == (0, [("warn", "settings"), ("warn", "tokens"), ("warn", "clock")])
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    found = run("doctor")
    assert found.returncode == 1
    assert ("fail", "tables") in ill(found)
    store.write_bytes(store.read_bytes()[:4096] + b"\xff" * 8192)
    found = run("doctor")
    assert (found.returncode, ill(found)) == (1, [("fail", "store")])
    assert "`flows restore FILE --replace`" in found.stdout


def test_a_store_that_others_may_read_and_the_command_that_ends_that(run, tmp_path):
    folder = tmp_path / "deep"
    assert run("db", "upgrade").returncode == 0
    folder.chmod(0o755)
    (folder / "flows.sqlite3").chmod(0o644)
    found = run("doctor")
    assert (found.returncode, ill(found)) == (0, [("warn", "store")])
    command = re.search(r"`(chmod .*)`", found.stdout)[1]
    subprocess.run(command, shell=True, check=True)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "flows.sqlite3")] == [0o700, 0o600]
    assert ill(run("doctor")) == []


def test_a_contract_that_can_not_be_served_and_no_store(run, tmp_path):
    violated = copied(tmp_path / "broken")
    violated.write_text(violated.read_text().replace("x-searches:", "x-serches:"))
    found = run("doctor", FLOWS_CONTRACT=str(violated), FLOWS_DATABASE_URL="nothing")
    assert found.returncode == 1
    assert set(ill(found)) == {("fail", "contract"), ("fail", "store")}


def test_a_store_in_memory_is_a_warning(run):
    found = run("doctor", FLOWS_DATABASE_URL="sqlite://", FLOWS_WORKERS="2")
    assert (found.returncode, ill(found)) == (0, [("warn", "store")])


def test_postgresql(run, postgresql_url):
    import psycopg

    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE examined")
    url = postgresql_url.replace("/postgres?", "/examined?")
    found = run("doctor", FLOWS_DATABASE_URL=url)
    assert (found.returncode, ill(found)) == (1, [("fail", "tables")])
    assert run("db", "upgrade", FLOWS_DATABASE_URL=url, FLOWS_BOOTSTRAP_TOKEN="x" * 32).returncode == 0
    found = run("doctor", FLOWS_DATABASE_URL=url)
    assert (found.returncode, ill(found)) == (0, [])
    assert [subject for _, subject in lines(found)] == [*SUBJECTS, "tables", "tokens", "objects", "clock"]
    gone = run("doctor", FLOWS_DATABASE_URL="postgresql://flows:secret@127.0.0.1:1/flows")
    assert (gone.returncode, ill(gone)) == (1, [("fail", "store")])
    assert "secret" not in gone.stdout
