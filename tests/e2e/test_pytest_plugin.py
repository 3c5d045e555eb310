"""The pytest plugin, as a project uses it that has installed the server."""

import json
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import psutil
import pytest

from flows_server.testing import Server, ServerError
from flows_server.testing.coverage import merged
from flows_server.testing.exchanges import described
from tests.serving import runs, wait_for

pytest_plugins = ["pytester"]

FLOW = {"name": "Welcome", "slug": "welcome", "title": "Welcome!", "designation": "authentication"}


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with tests of its own. `project(CODE, *OPTIONS)` runs them."""
    monkeypatch.setenv("FLOWS_DATABASE_URL", "sqlite:////nowhere/that/exists")

    def run(code, *options):
        pytester.makepyfile(f"FLOW = {FLOW}\n\n{code}")
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)

    return run


def test_each_test_finds_the_store_as_it_was_seeded(project, pytester):
    result = project(
        """
import pytest
from uuid import UUID

@pytest.mark.parametrize("number", range(2))
def test_create(flows, flows_server, number):
    assert flows.get("flows/instances/default-authentication-flow/").status_code == 200
    created = flows.post("flows/instances/", json=FLOW).raise_for_status().json()
    identifiers.add(created["pk"])
    assert flows.url == flows_server.url
    assert flows_server.version == "2024.8.1"

def test_deterministic():
    assert len(identifiers) == 1

identifiers = set()
""",
        *("--flows-seed", "default", "--flows-deterministic"),
    )
    result.assert_outcomes(passed=3)


def test_a_version_is_that_of_the_server(project):
    result = project(
        """
def test_version(flows, flows_server):
    assert flows_server.version.startswith("2024.12")
    assert flows.get("stages/redirect/").is_success
""",
        *("--flows-version", "2024.12"),
    )
    result.assert_outcomes(passed=1)


def test_a_failed_test_shows_its_own_requests_and_the_line_that_rejected_one(project):
    result = project(
        """
def test_passing(flows):
    flows.get("flows/bindings/")

def test_failing(flows):
    rejected = flows.post("flows/instances/", json=FLOW | {"slug": "a b"})
    assert rejected.status_code == 201
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*/flows/bindings/*")
    result.stdout.fnmatch_lines(
        [
            "*requests to the flows server*",
            "POST /api/v3/flows/instances/ -> 400 Bad Request",
            '    sent *"slug":"a b"*',
            "    received *letters, numbers, underscores*",
            "    rejected by openapi/authentik-flows.yaml:*:*",
        ]
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "flows/instance/", "404 Not Found", "There is no such path."),
        ("POST", "flows/instances", "404 Not Found", "There is no such path. Each path ends with a slash."),
        ("PUT", "flows/instances/", "405 Method Not Allowed", 'Method *"PUT*" not allowed.'),
        ("GET", "flows/%FF/?a=b", "404 Not Found", "There is no such path."),
    ],
)
def test_a_failed_test_shows_its_requests_outside_the_contract(project, method, path, status, sentence):
    result = project(f"def test_failing(flows):\n    assert flows.request({method!r}, {path!r}).is_success\n")
    result.assert_outcomes(failed=1)
    shown = path.replace("%FF", "%*")
    result.stdout.fnmatch_lines([f"{method} /api/v3/{shown} -> {status}", f"    received  *{sentence}*"])


MAILS = """
import pytest
from flows_server.testing import Flows, Mail

@pytest.mark.parametrize("number", range(2))
def test_mails(flows: Flows, number):
    assert flows.outbox() == []
    flow = flows.post("flows/instances/", json=FLOW | {"designation": "recovery"}).json()["pk"]
    for order, (kind, values) in enumerate([("identification", {"user_fields": ["username"]}), ("email", {})]):
        stage = flows.post(f"stages/{kind}/", json={"name": kind, **values}).json()["pk"]
        flows.post("flows/bindings/", json={"target": flow, "stage": stage, "order": order}).raise_for_status()
    for name in ("jane", "june"):
        flows.post("core/users/", json={"username": name, "name": name, "email": f"{name}@example.com"})
        flows.cookies.clear()
        flows.post("flows/executor/welcome/", json={"uid_field": name}, follow_redirects=True)
    newest, oldest = flows.outbox()
    mail: Mail = newest
    assert (mail["address"], mail["state"]) == ("june@example.com", "kept")
    assert mail["link"] in mail["plain"] and "/if/flow/welcome/" in mail["link"]
    assert set(mail) == {*Mail.__required_keys__}
    assert oldest["address"] == "jane@example.com"
"""


@pytest.mark.parametrize("options", [(), ("--flows-version", "2026.8")])
def test_each_test_finds_its_own_e_mails_the_newest_first(project, options):
    project(MAILS, *options).assert_outcomes(passed=2)


def test_a_project_with_a_package_called_app_keeps_it(project, pytester, monkeypatch):
    pytester.mkpydir("app").joinpath("__init__.py").write_text("MINE = True", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    monkeypatch.syspath_prepend(pytester.path)
    code = "import app\n\ndef test_both(flows):\n    assert app.MINE\n    assert flows.get('flows/instances/').is_success\n"
    pytester.makepyfile(code)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_options_may_stand_in_the_configuration_file(project, pytester):
    pytester.mkdir("blueprints").joinpath("flow.yaml").write_text(
        f"version: 1\nentries: [{{model: authentik_flows.flow, identifiers: {{slug: welcome}}, attrs: {json.dumps(FLOW)}}}]",
        "utf-8",
    )
    pytester.makeini("[pytest]\nflows_seed = blueprints\nflows_coverage_min = 1\n")
    pytester.makeconftest(
        "import pytest\n\n@pytest.fixture(scope='session')\ndef flows_settings():\n    return {'FLOWS_BODY_LIMIT': '50'}\n"
    )
    result = project(
        """
def test_settings(flows):
    assert flows.get("flows/instances/welcome/").is_success
    assert flows.post("flows/instances/", json=FLOW).status_code == 413
"""
    )
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["* % of 2 operations"])


READ = "def test_read(flows):\n    assert flows.get('flows/instances/').is_success\n"


def test_a_run_below_the_threshold_of_coverage_fails_and_says_what_is_missing(project):
    result = project(READ, "--flows-coverage-min", "95", "--flows-coverage-of", "flows_instances_l*")
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["flows_instances_list: never *status 403*", "This is less than 95 %."])


def test_a_client_of_few_operations_reaches_a_high_threshold(project):
    ignored = ("status 4*", "parameter *", "member *")
    options = [option for pattern in ignored for option in ("--flows-coverage-ignore", pattern)]
    result = project(READ, "--flows-coverage-min", "100", *options)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["100.0 % of 1 operations"])


def test_workers_of_xdist_have_stores_of_their_own_and_one_coverage(project):
    pytest.importorskip("xdist")
    result = project(
        """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_create(flows, number):
    assert flows.post("flows/instances/", json=FLOW).status_code == 201
""",
        *("-n", "2", "--flows-coverage-min", "1"),
    )
    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["* % of 1 operations"])


@pytest.mark.parametrize("threshold", ["much", "nan", "-1", "101", "inf"])
def test_a_threshold_that_is_no_percentage_is_wrong_usage(project, threshold):
    assert project("def test_x(): pass", f"--flows-coverage-min={threshold}").ret == pytest.ExitCode.USAGE_ERROR


def test_a_run_with_a_threshold_that_never_uses_the_server_fails_and_says_so(project):
    result = project("def test_x(): pass", "--flows-coverage-min", "50")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["flows_coverage_min: no test has used the server."])
    assert project("def test_x(): pass", "--flows-coverage-min", "50", "--collect-only").ret == pytest.ExitCode.OK


def test_a_server_that_can_not_start_says_why_once_and_without_a_traceback(project, tmp_path, monkeypatch):
    # In CI and on a wide terminal, the summary of pytest repeats whole messages.
    monkeypatch.setenv("COLUMNS", "80")
    for variable in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(variable, raising=False)
    contract = tmp_path / "contract.yaml"
    contract.write_text("openapi: 3.0.3\n", "utf-8")
    code = "import pytest\n@pytest.mark.parametrize('number', range(3))\ndef test_any(flows, number):\n    pass\n"
    result = project(code, "--flows-contract", str(contract))
    result.assert_outcomes(errors=3)
    shown = result.stdout.str()
    assert len([line for line in shown.splitlines() if line.startswith("The server did not start.")]) == 1
    assert shown.count(f"{contract}:1:1: The key `info` is missing") == 1
    assert shown.count("The flows server did not start: see the first error.") == 2
    assert "Traceback" not in shown
    assert len(shown.splitlines()) < 30


def test_a_server_that_stops_in_the_middle_of_its_announcement_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("flows_server.testing.server._START", 0.5)
    stuck = ["sh", "-c", "printf 'URL: http://127.0.0.1:1\nAP'; exec sleep 60"]
    with pytest.raises(ServerError, match=r"did not start within 0\.5 s"), Server(command=stuck):
        pass


def test_a_command_that_is_missing_is_named():
    with pytest.raises(ServerError, match=r"no-such-command: .*not found"), Server(command=["no-such-command"]):
        pass


def test_a_server_ends_with_its_tests_however_they_end(tmp_path):
    script = (
        "from flows_server.testing import Server\nserver = Server().__enter__()\nprint(server.url, flush=True)\ninput()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tests:
        url = urlsplit(tests.stdout.readline())
        children = psutil.Process(tests.pid).children(recursive=True)
        assert children
        tests.kill()
    wait_for(lambda: not any(child.is_running() and runs(child) for child in children), "the end of the server")
    with pytest.raises(ConnectionRefusedError), socket.create_connection((url.hostname, url.port)):
        pass


def test_a_store_that_lasts_is_put_back_in_each_run(database_url, run):
    assert (
        run("db", "upgrade", FLOWS_DATABASE_URL=database_url, FLOWS_BOOTSTRAP_TOKEN="a-token-for-tests").returncode == 0
    )
    for _ in range(2):
        with Server(database_url=database_url) as server, server.client() as flows:
            server.snapshot()
            assert flows.post("flows/instances/", json=FLOW).status_code == 201
            server.restore()
            assert flows.get("flows/instances/").json()["results"] == []


def report(*operations):
    keys = ("operation", "calls", "points", "missing")
    return {"operations": [dict(zip(keys, operation, strict=True)) for operation in operations]}


def test_coverage_of_several_servers__a_point_counts_if_one_has_seen_it():
    reports = [report(("a", 1, 4, ["x", "y"]), ("b", 0, 4, ["x"])), report(("a", 0, 4, ["y", "z"]))]
    coverage = merged(reports, called=True)
    assert (coverage.points, coverage.missing, coverage.percent) == ({"a": 4}, {"a": ["y"]}, 75)
    assert merged(reports, called=False).points == {"a": 4, "b": 4}


def test_coverage_of_nothing_is_no_coverage():
    assert merged([], called=True).percent == 0


def test_exchanges__long_bodies_and_many_requests_are_cut():
    entry = {
        "request": {
            "method": "POST",
            "url": "http://h/a/?b=1",
            "postData": {"mimeType": "a/b", "comment": "Left out."},
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "headers": [],
            "content": {"size": 2000, "mimeType": "text/plain", "text": 2000 * "x"},
        },
    }
    lines = described(21 * [entry]).splitlines()
    assert lines[:3] == ["(1 earlier requests)", "POST /a/?b=1 -> 200 OK", "    sent      Left out."]
    assert lines[3].endswith("x ... (2000 characters)")
    assert len(lines) == 61
