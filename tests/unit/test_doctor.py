"""What `flows doctor` says of things that no command can bring about."""

import importlib.metadata
import shutil
import sqlite3
from types import SimpleNamespace

import pytest

from app.cli import examination
from app.cli.examination import Line
from app.settings import Settings
from app.store.engine.address import address_of
from app.store.upkeep.diagnosis import POOLER, Condition

ADDRESS = address_of("postgresql://flows:secret@db.example/flows")
WELL = {"version": "17.2", "seconds": 0.001, "connections": 97, "taken": 3, "read_only": False, "ahead": 0.0}


def judged(lines):
    return [(line.state, line.found) for line in lines if line.state != "ok"]


def test_settings_that_nobody_reads_and_secrets_are_named_and_not_shown():
    environment = {"FLOWS_DATABSE_URL": "x", "FLOWS_QQQ": "x", "FLOWS_PORT": "80", "PATH": "x"}
    assert list(examination.check_settings(Settings(), environment)) == [
        Line("ok", "settings", "FLOWS_PORT given."),
        Line("warn", "settings", "FLOWS_DATABSE_URL is not a setting.", "Did you mean FLOWS_DATABASE_URL?"),
        Line("warn", "settings", "FLOWS_QQQ is not a setting.", "Remove it."),
    ]
    lines = list(examination.check_settings(Settings(bootstrap_token="hunter2", metrics_token="x" * 20), {}))
    assert judged(lines) == [("warn", "FLOWS_BOOTSTRAP_TOKEN can be guessed.")]
    assert "hunter2" not in str(lines)


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        ({"host": "0.0.0.0"}, True),
        ({"host": "127.0.0.1"}, False),
        ({"host": "0.0.0.0", "metrics": "off"}, False),
        ({"host": "0.0.0.0", "metrics_token": "x" * 32}, False),
    ],
)
def test_metrics_that_anybody_may_read(settings, warned):
    found = [("warn", "Anybody who reaches the port may read the metrics.")] if warned else []
    assert judged(examination.check_settings(Settings(**settings), {})) == found


def test_versions(monkeypatch):
    assert judged(examination.check_versions()) == []
    wanted = ["click>=99", "nothing-like-it>=1", "schemathesis>=99; extra == 'fuzz'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: wanted)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))
    assert list(examination.check_versions())[1:] == [
        Line("fail", "versions", f"click is {importlib.metadata.version('click')}.", "pip install 'click>=99'"),
        Line("fail", "versions", "nothing-like-it is missing.", "pip install 'nothing-like-it>=1'"),
        Line("fail", "versions", "SQLite is older than 3.35.", "Use a Python that comes with a newer one."),
    ]


@pytest.mark.parametrize(
    ("free", "size", "state"),
    [(10 * 2**30, 0, "ok"), (10 * 2**30, 6 * 2**30, "warn"), (2**30 - 1, 0, "warn"), (2**26 - 1, 0, "fail")],
)
def test_space(tmp_path, monkeypatch, free, size, state):
    store = tmp_path / "flows.sqlite3"
    with store.open("wb") as file:
        # No block of it is on the disk.
        file.truncate(size)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=free))
    (line,) = examination.check_space(tmp_path, store)
    assert (line.state, bool(line.advice)) == (state, state != "ok")


@pytest.mark.parametrize(
    ("ahead", "state", "found"),
    [
        (4, "ok", "Agrees with the database's."),
        (-4, "ok", "Agrees with the database's."),
        (90, "warn", "This machine's clock is 90 s behind the database's."),
        (-90, "warn", "This machine's clock is 90 s ahead of the database's."),
    ],
)
def test_clock(ahead, state, found):
    (line,) = examination.check_clock(ahead, "the database's")
    assert (line.state, line.found) == (state, found)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({}, []),
        ({"seconds": 0.02}, [("warn", "A small statement takes 20.0 ms.")]),
        ({"read_only": True}, [("fail", "It accepts no changes.")]),
        (
            {"grants": ["GRANT INSERT ON flows TO reader;"]},
            [("fail", "It accepts no changes from this role, or not all of them.")],
        ),
        (
            {"encoding": "LATIN1"},
            [("warn", "Its encoding is LATIN1: a text with other characters is rejected with 503.")],
        ),
        ({"direct": False}, [("warn", POOLER)]),
        (
            {"taken": 60},
            [("warn", "This server may open 40 connections; 60 of 97 are open already.")],
        ),
    ],
)
def test_database_server(condition, found):
    lines = list(examination.check_server(Settings(workers=4), ADDRESS, Condition(**WELL | condition)))
    assert lines[0].found.startswith("postgresql://flows@db.example/flows: PostgreSQL 17.2, answers in ")
    assert judged(lines) == found
    assert "secret" not in str(lines)
