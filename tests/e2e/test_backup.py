"""Backup and restore, by the installed command."""

import json
import os
import shlex
import signal
import subprocess

import psutil
import psycopg

from app.store.upkeep.migration import HEAD
from tests import postgresql
from tests.asgi import FLOWS
from tests.e2e.test_command import FLOW, bearer
from tests.serving import runs, wait_for


def test_backup_of_a_running_server_and_restore(start, run, tmp_path):
    wire, token, process = start()
    store, file = f"{tmp_path}/deep/flows.sqlite3", f"{tmp_path}/flows.backup"
    created = wire.send("POST", FLOWS, bearer(token), json.dumps(FLOW).encode())
    assert created.status == 201
    result = run("backup", file)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{file} holds {store} at revision {HEAD}.\n"
    assert wire.send("DELETE", FLOWS + "a/", bearer(token)).status == 204
    result = run("restore", "--replace", file)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"flows: {store} is in use. Stop every server on it first.\n"
    assert wire.send("GET", FLOWS + "a/", bearer(token)).status == 404
    # What is left of a server that was killed is given up too. Its workers end by themselves.
    workers = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    wait_for(lambda: not any(worker.is_running() and runs(worker) for worker in workers), "the end of the workers")
    assert run("restore", file).returncode == 1
    result = run("restore", "--replace", file)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{store} holds what {file} held at revision {HEAD}.\n"
    wire, _, _ = start()
    assert wire.send("GET", FLOWS + "a/", bearer(token)).json() == created.json()


def test_a_damaged_store_is_refused_with_what_to_do(run, tmp_path):
    assert run("token", "create", "a", "--superuser").returncode == 0
    store = tmp_path / "deep" / "flows.sqlite3"
    store.write_bytes(b"garbage" * 1000)
    for command in (["serve"], ["token", "list"]):
        result = run(*command)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == (
            f"flows: {store} is damaged: file is not a database."
            " Stop every server on it and put a backup in its place: `flows restore FILE --replace`.\n"
        )


def test_postgresql_has_commands_of_its_own(run, postgresql_url, tmp_path):
    url = postgresql_url.replace("/postgres?", "/dumped?")
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE dumped")
    assert run("db", "upgrade", FLOWS_DATABASE_URL=url).returncode == 0
    assert run("token", "create", "a", "--superuser", FLOWS_DATABASE_URL=url).returncode == 0
    file = tmp_path / "the dump"
    for command in ("backup", "restore"):
        result = run(command, str(file), FLOWS_DATABASE_URL=url)
        assert (result.returncode, result.stdout) == (2, "")
        first, second = result.stderr.splitlines()
        assert first == "flows: FLOWS_DATABASE_URL names no embedded store."
        instead = second.partition("PostgreSQL has a command of its own for that: ")[2]
        environment = os.environ | {"PATH": f"{postgresql.programs()}:{os.environ['PATH']}"}
        subprocess.run(shlex.split(instead), env=environment, check=True, timeout=60)
        if command == "backup":
            assert run("token", "revoke", "a", FLOWS_DATABASE_URL=url).returncode == 0
    assert " valid " in run("token", "list", FLOWS_DATABASE_URL=url).stdout


def test_a_password_is_not_shown(run, tmp_path):
    url = "postgresql://me:secret@db.example/flows?sslmode=require&password=secret"
    result = run("backup", str(tmp_path / "file"), FLOWS_DATABASE_URL=url)
    assert result.returncode == 2
    assert "'postgresql://me@db.example/flows?sslmode=require'" in result.stderr
    assert "secret" not in result.stderr
