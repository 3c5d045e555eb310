"""The installed command, started as a user starts it."""

import contextlib
import json
import re
import signal
import sqlite3

import psutil
import pytest

from app.contract.document.bundling import read
from app.contract.document.versions import overlays
from app.store.upkeep.migration import HEAD
from tests.asgi import FLOWS
from tests.commands import ROOT
from tests.contract_files import copied
from tests.serving import free_port, wait_for

FLOW = {"name": "A", "slug": "a", "title": "A", "designation": "recovery"}


def bearer(token):
    return [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")]


def test_serve__prints_url_and_token_once_and_keeps_what_it_answered(start, run):
    wire, token, process = start()
    assert token
    created = wire.send("POST", FLOWS, bearer(token), json.dumps(FLOW).encode())
    assert created.status == 201
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    wire, second_token, _ = start()
    assert second_token is None
    assert wire.send("GET", FLOWS + "a/", bearer(token)).json() == created.json()


def test_serve__nothing_holds_the_port_after_a_crash(start):
    port = str(free_port())
    _, _, process = start(FLOWS_PORT=port, FLOWS_WORKERS="2")

    def workers_started():
        return psutil.Process(process.pid).children()

    # As early as can be: a worker must learn of it even while it starts.
    workers = wait_for(workers_started, "the start of a worker")
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    wait_for(lambda: not any(worker.is_running() for worker in workers), "the end of the workers")
    wire, _, _ = start(FLOWS_PORT=port)
    assert wire.send("GET", "/-/health/ready/").status == 200


def test_serve__stops_when_told_to(start):
    wire, token, process = start(FLOWS_WORKERS="2")
    assert wire.send("GET", FLOWS, bearer(token)).status == 200
    process.terminate()
    assert process.wait(30) == 0
    assert "Traceback" not in process.output.read_text()


def test_serve__a_token_of_the_environment(start):
    wire, token, process = start(FLOWS_BOOTSTRAP_TOKEN="mine")
    assert token is None
    assert wire.send("GET", FLOWS, bearer("mine")).status == 200
    assert "mine" not in process.output.read_text()


def test_serve__a_body_above_the_limit(start):
    wire, token, _ = start(FLOWS_BODY_LIMIT="100")
    assert wire.send("POST", FLOWS, bearer(token), b" " * 101).status == 413
    assert wire.send("POST", FLOWS, bearer(token), b" " * 101, chunked=True).status == 413
    assert wire.send("POST", FLOWS, bearer(token), b" " * 100).status == 400


def test_serve__a_revocation_takes_effect_in_a_running_server(start, run):
    wire, _, _ = start()
    reader = run("token", "create", "reader", "--permission", "authentik_flows.view_flow").stdout.strip()
    assert wire.send("GET", FLOWS, bearer(reader)).status == 200
    assert run("token", "revoke", "reader").returncode == 0
    wait_for(lambda: wire.send("GET", FLOWS, bearer(reader)).status == 403, "the revocation")


def test_serve__a_contract_that_can_not_be_served(run, tmp_path):
    violated = copied(tmp_path / "broken")
    violated.write_text(violated.read_text().replace("x-searches:", "x-serches:"))
    for command, stream in (("serve", "stderr"), ("check", "stdout")):
        result = run(command, FLOWS_CONTRACT=str(violated))
        assert result.returncode == 1
        line = re.escape(str(violated)) + r":\d+:\d+: The extension 'x-serches' is not known here\. .+"
        assert re.search(line, getattr(result, stream))
        assert "Traceback" not in result.stderr


def test_serve__a_database_without_tables_is_not_touched(run, postgresql_url):
    result = run("serve", FLOWS_DATABASE_URL=postgresql_url)
    assert result.returncode == 1
    assert result.stderr.strip().endswith("Run `flows db upgrade`.")
    assert run("db", "current", FLOWS_DATABASE_URL=postgresql_url).returncode == 1


def test_serve__on_postgresql_with_several_workers(start, run, postgresql_url):
    import psycopg

    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE served")
    url = postgresql_url.replace("/postgres?", "/served?")
    assert run("db", "upgrade", FLOWS_DATABASE_URL=url).stdout == f"The database was at nothing and is at {HEAD} now.\n"
    token = run("token", "create", "root", "--superuser", FLOWS_DATABASE_URL=url).stdout.strip()
    wire, _, _ = start(FLOWS_DATABASE_URL=url, FLOWS_WORKERS="2")
    assert wire.send("POST", FLOWS, bearer(token), json.dumps(FLOW).encode()).status == 201
    for _ in range(8):
        assert wire.send("GET", FLOWS + "a/", bearer(token)).json()["slug"] == "a"
    assert wire.send("GET", "/-/health/ready/").status == 200


def test_check(run):
    result = run("check")
    operations = sum(1 for _ in read(ROOT / "openapi/authentik-flows.yaml").operations())
    first, *versions = result.stdout.splitlines()
    assert (result.returncode, first) == (0, f"openapi/authentik-flows.yaml: {operations} operations, nothing found.")
    checked = [line.partition(":")[0] for line in versions if line.endswith(" operations, nothing found.")]
    assert checked == [overlay.file.name for overlay in overlays(ROOT / "openapi/authentik-flows.yaml")]


@pytest.mark.parametrize("path", ["openapi/authentik-flows.yaml", "tests/contract/parted/small.yaml"])
def test_bundle(run, path):
    contract = read(ROOT / path)
    as_yaml, as_json = (run("bundle", "--format", form, FLOWS_CONTRACT=path) for form in ("yaml", "json"))
    assert (as_yaml.returncode, as_yaml.stdout.encode()) == (0, contract.text)
    assert (as_json.returncode, json.loads(as_json.stdout)) == (0, contract.document)


def test_bundle__files_that_do_not_fit_together(run, tmp_path):
    (tmp_path / "a.yaml").write_text("paths: {/a/: {$ref: 'b.yaml#/paths/a'}}")
    result = run("bundle", FLOWS_CONTRACT=str(tmp_path / "a.yaml"))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{tmp_path}/a.yaml:1:15: The file 'b.yaml' can't be read: ")


def test_request(run):
    created = run("request", "POST", FLOWS, "-d", json.dumps(FLOW))
    assert (created.returncode, created.stderr) == (0, "201 Created\n")
    assert json.loads(created.stdout)["slug"] == "a"
    rejected = run("request", "POST", FLOWS, "-d", json.dumps(FLOW))
    assert rejected.returncode == 1
    assert json.loads(rejected.stdout) == {"slug": ["Flow with this slug already exists."]}
    assert run("request", "DELETE", FLOWS + "a/").returncode == 0
    assert run("request", "GET", FLOWS, "--token", "nope").returncode == 1
    assert run("token", "list").stdout == ""


def test_token_create__superuser_and_permission(run):
    result = run("token", "create", "a", "--superuser", "--permission", "authentik_flows.view_flow")
    assert (result.returncode, result.stdout) == (2, "")
    assert "Give --superuser, which has every permission, or at least one --permission." in result.stderr
    assert run("token", "list").stdout == ""


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1b[2J", "a\u2028b", b"a\xff"])
def test_token_create__a_name_that_no_line_shows(run, name):
    result = run("token", "create", name, "--superuser")
    assert (result.returncode, result.stdout) == (2, "")
    assert "a name has at least one visible character, and no control characters." in result.stderr
    assert run("token", "list").stdout == ""


def test_token_list__a_stored_name_that_no_line_shows(run, tmp_path):
    run("token", "create", "a", "--superuser")
    with contextlib.closing(sqlite3.connect(tmp_path / "deep" / "flows.sqlite3")) as database, database:
        database.execute("UPDATE tokens SET name = 'a' || char(10) || 'b'")
    assert re.fullmatch(r"a\\nb +valid +never +superuser\n", run("token", "list").stdout)


@pytest.mark.parametrize(
    "command", [("fuzz",), ("replay", "--token", "some", "--empty-it"), ("coverage",)], ids=lambda command: command[0]
)
@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "127.0.0.1:8000",
        "ftp://127.0.0.1",
        "http://",
        "http://[",
        "http://a b",
        "http://a\nb",
        "http://a:99999",
    ],
)
def test_a_deployment_without_a_url_exits_2(run, command, url):
    result = run(*command, url)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.endswith(f"Error: {url!r} is not a URL like http://127.0.0.1:8000.\n")
    assert result.stderr.startswith(f"Usage: flows {command[0]} ")


@pytest.mark.parametrize("command", ["serve", "check", "token list"])
def test_a_contract_that_can_not_be_read_exits_1(run, command):
    result = run(*command.split(), FLOWS_CONTRACT="/nonexistent.yaml")
    assert result.returncode == 1
    assert "/nonexistent.yaml:1:1: The contract can't be read: No such file" in result.stdout + result.stderr


def test_token(run):
    assert run("token", "create", "a").returncode == 2
    assert "there are: authentik_flows.view_flow" in run("token", "create", "a", "--permission", "nope").stderr
    assert "30m, 12h" in run("token", "create", "a", "--superuser", "--expires", "soon").stderr
    made = run("token", "create", "a", "--superuser", "--expires", "2w")
    assert made.returncode == 0
    assert len(made.stdout.strip()) == 43
    again = run("token", "create", "a", "--superuser")
    assert (again.returncode, "choose another name" in again.stderr) == (1, True)
    assert run("token", "revoke", "b").returncode == 1
    assert run("token", "revoke", "a").returncode == 0
    assert re.fullmatch(r"a +revoked +\d{4}-.+ superuser\n", run("token", "list").stdout)


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["serve"], {"FLOWS_PORT": "x"}, "FLOWS_PORT: 'x' can't be used"),
        (["serve"], {"FLOWS_DATABASE_URL": "mysql://x@y/z"}, "FLOWS_DATABASE_URL: "),
        (["token", "list"], {"FLOWS_DATABASE_URL": "nothing"}, "FLOWS_DATABASE_URL: That is not a URL of a database"),
        (["nothing"], {}, "No such command 'nothing'"),
        (["request", "GET"], {}, "Missing argument 'PATH'"),
        (["import"], {}, "Missing argument 'FILES...'"),
        (["import", "nothing.yaml"], {}, "File 'nothing.yaml' does not exist"),
        (["export"], {}, "Missing argument 'SLUG...'"),
        (["backup"], {}, "Missing argument 'FILE'"),
        (["restore", "nothing"], {}, "File 'nothing' does not exist"),
        (
            ["restore", __file__],
            {"FLOWS_DATABASE_URL": "nothing"},
            "FLOWS_DATABASE_URL: That is not a URL of a database",
        ),
        (["serve", "--seed", "nothing"], {}, "Directory 'nothing' does not exist"),
    ],
)
def test_wrong_calls_exit_2(run, arguments, variables, said):
    result = run(*arguments, **variables)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite://"])
@pytest.mark.parametrize(
    "command",
    [
        "token create a --superuser",
        "token list",
        "token revoke a",
        "db upgrade",
        "db current",
        "import docs/examples/welcome.yaml",
        "export a",
        "backup file",
        f"restore {__file__}",
        "check --store",
        "diff openapi/authentik-flows.yaml --store",
    ],
)
def test_a_store_in_memory_is_refused_where_it_would_end_with_the_command(run, command, url):
    result = run(*command.split(), FLOWS_DATABASE_URL=url)
    assert result.returncode == 2
    assert result.stderr == (
        "flows: FLOWS_DATABASE_URL: A store in memory ends with this command. Give sqlite:///PATH; a server with a store in memory"
        " takes the token of FLOWS_BOOTSTRAP_TOKEN.\n"
    )


def test_request__a_store_in_memory(run, tmp_path):
    result = run("request", "GET", FLOWS, FLOWS_DATABASE_URL="sqlite://", TMPDIR=str(tmp_path))
    assert (result.returncode, json.loads(result.stdout)["results"]) == (0, [])
    assert not list(tmp_path.glob("flows-*"))


@pytest.mark.parametrize(
    "command",
    [
        "serve",
        "dev",
        "check",
        "bundle",
        "backup",
        "restore",
        "import",
        "export",
        "request",
        "token create",
        "token list",
        "token revoke",
        "db upgrade",
        "db current",
        "doctor",
        "replay",
        "fuzz",
    ],
)
def test_each_command_has_an_example(run, command):
    result = run(*command.split(), "--help")
    assert result.returncode == 0
    assert "Example: " in result.stdout


@pytest.mark.parametrize("group", ["", "token", "db"])
def test_help_shows_the_summary_of_each_command_whole(run, group):
    summaries = [
        line.split(maxsplit=1)[1]
        for line in run(*group.split(), "--help").stdout.partition("Commands:")[2].splitlines()
        if line.strip()
    ]
    assert summaries
    assert all(summary.endswith(".") and "..." not in summary and len(summary) <= 60 for summary in summaries)


def test_serve__logs_a_request_to_a_path_of_the_api_that_does_not_exist(start):
    wire, _, process = start()
    for path in ("/api/v3/flows/instances", "/api/v3/providers/all/"):
        assert wire.send("GET", path).status == 404

    def logged():
        lines = [json.loads(line) for line in process.output.read_text().splitlines() if line.startswith("{")]
        return [(line["path"], line["status"]) for line in lines if line["event"] == "request"]

    wait_for(
        lambda: logged() == [("/api/v3/flows/instances", 404), ("/api/v3/providers/all/", 404)],
        "the lines of both requests",
    )
