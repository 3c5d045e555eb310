"""The benchmark measures what it says, and the documents say what it measured. Nothing here is timed."""

import os
import shutil
import stat

import pytest
import sqlalchemy as sa

from app.application import create_app, open_store
from app.settings import Settings
from app.store.schema.tables import flows, policy_bindings, stage_bindings
from bench import data, load, report, scale
from bench.compare import Figures
from bench.operations import CREATE, LIST, OPERATIONS, PATCH, RETRIEVE
from bench.peers import PEERS
from bench.peers.requests import checks
from tests.serving import served

DOCUMENT = report.ROOT / "docs" / "performance.md"
README = report.ROOT / "README.md"
TABLES = ("ratios", "growth", "crowd")


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The path of a database with the benchmark's flows; to be copied."""
    path = tmp_path_factory.mktemp("bench") / "flows.sqlite3"
    data.fill(f"sqlite:///{path}", 100)
    return path


@pytest.fixture
def url(filled, tmp_path, contract):
    """A server with the benchmark's flows."""
    settings = Settings(database_url=f"sqlite:///{shutil.copy(filled, tmp_path)}")
    with served(create_app(settings, contract=contract, store=open_store(settings, contract))) as address:
        yield address


@pytest.fixture
def no_wrk(monkeypatch):
    """A machine without wrk."""
    monkeypatch.setattr(load.shutil, "which", lambda _name: None)


def test_a_ratio_is_of_each_round():
    own, other = Figures(rate=[100.0, 10.0, 50.0]), Figures(rate=[50.0, 4.0, 25.0])
    assert own.times(other) == 2
    assert Figures(rate=[30.0, 3.0]).times(Figures(rate=[10.0, 3.0])) == 2


def right_answer(url, operation):
    import httpx

    headers = {"authorization": f"Bearer {data.TOKEN}", "content-type": "application/json"}
    response = httpx.request(operation.method, url + operation.target(0), content=operation.content(0), headers=headers)
    assert response.status_code == operation.status
    return response.content


def bound(connection, flow):
    """The stages and the policies of a flow by its bindings, in order."""
    stages = sa.select(stage_bindings.c.stage).where(stage_bindings.c.target == flow)
    policies = sa.select(policy_bindings.c.policy).where(policy_bindings.c.flow == flow)
    return (
        connection.scalars(stages.order_by(stage_bindings.c.order, stage_bindings.c.pk)).all(),
        connection.scalars(policies.order_by(policy_bindings.c.order, policy_bindings.c.pk)).all(),
    )


def kept(connection, flow):
    """The stages and the policies of a flow as its row has them."""
    row = connection.execute(sa.select(flows.c.stages, flows.c.policies).where(flows.c.pk == flow)).one()
    return row.stages.split(), row.policies.split()


@pytest.mark.parametrize("stages", [3, 200])
def test_each_flow_has_what_is_bound_to_it(database_url, stages):
    data.fill(database_url, 12, stages)
    with data.engine(database_url).begin() as connection:
        for number in range(12):
            flow = data.identity(number)
            assert kept(connection, flow) == bound(connection, flow)
            assert [len(set(pks)) for pks in kept(connection, flow)] == [stages, 1]
        # From then on the database keeps them.
        flow = data.identity(7)
        first = sa.and_(stage_bindings.c.target == flow, stage_bindings.c.order == 0)
        connection.execute(sa.delete(stage_bindings).where(first))
        connection.execute(
            sa.update(policy_bindings).where(policy_bindings.c.flow == flow).values(policy=data.policy(9))
        )
        assert kept(connection, flow) == bound(connection, flow)
        assert [len(pks) for pks in kept(connection, flow)] == [stages - 1, 1]
        assert kept(connection, flow)[1] == [data.policy(9)]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_client_counts_right_answers(url, no_wrk, operation):
    seen = load.run(url, operation, right_answer(url, operation), seconds=0.1, connections=2, first=1)
    assert (seen.errors, seen.wrong) == (0, 0)
    assert seen.requests > 0
    assert 0 < seen.p50 <= seen.p99
    assert seen.rate == seen.requests / seen.seconds


@pytest.mark.parametrize("operation", [LIST, RETRIEVE, CREATE, PATCH], ids=lambda operation: operation.name)
def test_the_client_counts_wrong_answers(url, no_wrk, operation):
    seen = load.run(url, operation, b"something else", seconds=0.1, connections=2, first=1)
    assert seen.wrong == seen.requests > 0


def test_what_wrk_tells_is_read(tmp_path, monkeypatch):
    script = tmp_path / "wrk"
    script.write_text(
        '#!/bin/sh\necho "$@" > "$0.arguments"\necho Running\n'
        'echo \'RESULT {"requests": 10, "seconds": 2.0, "errors": 1, "wrong": 2, "p50": 3.0, "p99": 4.0}\'\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    seen = load.run("http://127.0.0.1:1", PATCH, b"{}", seconds=5, connections=7, first=3)
    assert seen == load.Measurement(10, 2.0, 1, 2, 3.0, 4.0)
    arguments = (tmp_path / "wrk.arguments").read_text()
    assert "-c7" in arguments
    assert arguments.rstrip().endswith("long")
    assert f"-- PATCH {PATCH.path} {data.TOKEN} 200" in arguments


def test_each_peer_is_a_module_that_makes_an_application():
    for peer in PEERS:
        path = report.ROOT / "bench" / "peers" / peer.name
        module = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        assert "def create_app(" in module.read_text("utf-8")
        assert peer.title in DOCUMENT.read_text("utf-8")


def test_the_documents_have_the_newest_figures():
    tables, document = report.tables(report.read()), DOCUMENT.read_text("utf-8")
    for name in ("machine", "start", *(f"{table} {engine}" for table in TABLES for engine in report.ENGINES)):
        assert name in tables
    for name, table in tables.items():
        assert f"<!-- {name} -->\n{table}\n<!-- /{name} -->" in document
    assert tables["ratios sqlite"] in README.read_text("utf-8")


def test_the_documents_say_how_many_answers_are_compared():
    assert f"the same {len(list(checks()))} requests" in " ".join(DOCUMENT.read_text("utf-8").split())


def test_what_is_bound_is_told_in_requests_and_in_bytes():
    seen = {"3": {"bytes": 700, "rates": {"flows": 2000.4}}, "200": {"bytes": 8_000, "rates": {"flows": 1500}}}
    figures = {"scale": {"sqlite": {"burden": {"retrieve": seen}}}}
    assert report.burden(figures, "sqlite").splitlines() == [
        "| SQLite: requests/s (MB/s) | retrieve, 3 stages | retrieve, 200 stages |",
        "|---|---:|---:|",
        "| bytes of a response | 700 | 8,000 |",
        "| flows server | 2,000 (1.4) | 1,500 (12.0) |",
    ]


def test_what_many_connections_lose_is_of_each_round():
    few, best, most = [50.0, 5.0, 40.0], [100.0, 10.0, 80.0], [75.0, 9.0, 64.0]
    assert scale.lost([few, best, most]) == pytest.approx(0.2)
    assert scale.lost([few, most, best]) == 0


def test_what_many_connections_lose_is_told():
    seen = {"rate": {"1": 1000.4, "256": 1500}, "p99": {"1": 0.2, "256": 20.04}, "fall": 0.064}
    figures = {"scale": {"sqlite": {"connections": {"list 20": seen}}}}
    assert report.crowd(figures, "sqlite").splitlines() == [
        "| SQLite: requests/s (p99, ms) | 1 connection | 256 connections | 256 against the peak |",
        "|---|---:|---:|---:|",
        "| list 20 | 1,000 (0.2) | 1,500 (20.0) | -6% |",
    ]


def test_a_document_without_a_place_for_a_table_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- here -->\nold\n<!-- /here -->\n")
    report.update(page, "here", "new")
    assert page.read_text() == "<!-- here -->\nnew\n<!-- /here -->\n"
    with pytest.raises(ValueError, match="<!-- there -->"):
        report.update(page, "there", "new")
