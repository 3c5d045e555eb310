"""A server that records, and that answers the same in each run."""

import json
import re
import subprocess
import sys

import pytest

from tests.asgi import FLOWS
from tests.commands import ROOT
from tests.contract_files import copied
from tests.serving import free_port, wait_for

FLOW = {"name": "A", "slug": "a", "title": "A", "designation": "recovery"}
ROOT_TOKEN = [("Authorization", "Bearer root"), ("Content-Type", "application/json")]


@pytest.fixture
def serve(start, tmp_path):
    """Starts a server on a store of its own."""
    numbers = iter(range(9))

    def serve(*options, **variables):
        database = f"sqlite:///{tmp_path}/{next(numbers)}.sqlite3"
        wire, _, process = start(
            "serve", *options, FLOWS_DATABASE_URL=database, FLOWS_BOOTSTRAP_TOKEN="root", **variables
        )
        return wire, process, database

    return serve


def create(wire, **properties):
    response = wire.send("POST", FLOWS, ROOT_TOKEN, json.dumps(FLOW | properties).encode())
    assert response.status == 201, response.body
    return response.json()


@pytest.mark.parametrize("option", ["--record", "--deterministic"])
def test_serve__for_one_worker(run, option):
    result = run("serve", option, FLOWS_WORKERS="2")
    assert result.returncode == 2
    assert f"{option} is for one worker, and FLOWS_WORKERS is 2." in result.stderr


def test_headers_are_recorded_as_they_were_sent(serve):
    wire, _, _ = serve("--record")
    missing = FLOWS + "nope/"
    sent = [wire.send(method, path, ROOT_TOKEN) for method, path in (("GET", FLOWS), ("HEAD", FLOWS), ("GET", missing))]
    recorded = json.loads(wire.send("GET", "/contract/traffic.har", ROOT_TOKEN).body)["log"]["entries"]
    for response, entry in zip(sent, recorded, strict=True):
        headers = {header["name"]: header["value"] for header in entry["response"]["headers"]}
        assert headers == {
            name: value for name, value in response.headers.items() if name not in ("date", "connection")
        }


def test_coverage__of_a_server(serve, run):
    wire, _, _ = serve("--record", FLOWS_PORT=(port := str(free_port())))
    assert "no such operation was called" in run("coverage", "--called", FLOWS_PORT=port).stderr
    create(wire)
    result = run("coverage", "--format", "details", FLOWS_PORT=port)
    assert (result.returncode, result.stderr) == (0, "")
    listed = re.search(r"^flows_instances_create: 6 of \d+, 1 calls\n((?:  .*\n)+)", result.stdout, re.MULTILINE)[1]
    assert "  never: member layout=sidebar_left\n" in listed
    assert "  never: member designation=recovery\n" not in listed
    assert result.stdout.splitlines()[-1].startswith("6 of ")
    result = run("coverage", f"http://127.0.0.1:{port}/api/v3", "--min", "95", "--format", "json")
    coverage = json.loads(result.stdout)
    assert coverage == wire.send("GET", "/contract/coverage.json").json()
    missing = coverage["points"] - coverage["exercised"]
    assert result.returncode == 1
    assert result.stderr == f"flows: {coverage['percent']} % is less than 95 %: {missing} are missing.\n"
    assert run("coverage", "--min", str(coverage["percent"]), FLOWS_PORT=port).returncode == 0
    chosen = ["--called", "--kind", "status", "--ignore", "status 4*", "--min", "100"]
    result = run("coverage", *chosen, FLOWS_PORT=port)
    assert result.stdout == "flows: 1 of 1 operations called, 1 of 1 points\n1 of 1 exercised: 100.0 %\n"
    assert result.returncode == 0
    assert run("coverage", "--operation", "nothing_*", FLOWS_PORT=port).returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [("--min", "101"), ("--min", "x"), ("--format", "xml"), ("--kind", "x"), ("https://127.0.0.1",), ("a", "b")],
)
def test_coverage__called_wrongly(run, arguments):
    assert run("coverage", *arguments).returncode == 2


def test_coverage__of_nothing(serve, run):
    serve(FLOWS_PORT=(port := str(free_port())))
    result = run("coverage", FLOWS_PORT=port)
    assert (result.returncode, result.stdout) == (1, "")
    assert "records nothing. Start it with `flows serve --record`" in result.stderr
    nowhere = f"http://127.0.0.1:{free_port()}"
    result = run("coverage", nowhere)
    assert result.returncode == 1
    assert f"{nowhere} does not answer" in result.stderr


def test_deterministic__a_snapshot_repeats_identities(serve):
    wire, _, _ = serve("--record", "--deterministic")
    assert wire.send("POST", "/contract/snapshot", ROOT_TOKEN).status == 204
    first = create(wire)
    assert wire.send("POST", "/contract/restore", ROOT_TOKEN).status == 204
    assert create(wire) == first


def test_deterministic__a_store_that_is_served_again_has_new_identities(start):
    pks = set()
    for number in range(3):
        wire, _, process = start("serve", "--deterministic", FLOWS_BOOTSTRAP_TOKEN="root")
        pks |= {create(wire, slug=f"{number}-{other}")["pk"] for other in range(3)}
        process.terminate()
        process.wait(30)
    assert len(pks) == 9


def test_dev__records_and_follows_the_contract(serve, start, tmp_path):
    contract = copied(tmp_path / "contract")
    wire, _, _ = start(
        "dev",
        "--deterministic",
        FLOWS_CONTRACT=str(contract),
        FLOWS_BOOTSTRAP_TOKEN="root",
    )

    def created():
        response = wire.send("GET", "/contract/coverage.json")
        return next(one for one in response.json()["operations"] if one["operation"] == "flows_instances_create")

    def responses():
        try:
            return created()
        except OSError:
            return None

    wait_for(responses, "the start of the server")
    # As on any other store that is empty.
    assert create(wire) == create(serve("--deterministic")[0])
    assert wire.send("POST", "/contract/snapshot", ROOT_TOKEN).status == 204
    contract.write_text(
        contract.read_text().replace("        - sidebar_right\n", "        - sidebar_right\n        - sidebar_top\n")
    )
    wait_for(lambda: "member layout=sidebar_top" in created()["missing"], "the new contract")
    assert created()["calls"] == 1
    create(wire, slug="b", layout="sidebar_top")
    assert "member layout=sidebar_top" not in created()["missing"]
    assert created()["calls"] == 2
    assert wire.send("POST", "/contract/restore", ROOT_TOKEN).status == 204
    assert wire.send("GET", FLOWS, ROOT_TOKEN).json()["pagination"]["count"] == 1


def test_never_by_default(serve):
    assert create(serve()[0])["pk"] != create(serve()[0])["pk"]


def test_deterministic__a_client_s_tests_are_recorded_as_the_same_bytes(serve, run, environment, tmp_path):
    port, archives = str(free_port()), []
    for number in range(2):
        wire, process, database = serve("--record", "--deterministic", FLOWS_PORT=port)
        folder = str(tmp_path / f"run-{number}")
        # The tests write their token and its user into the database, where the server numbers users as well, and the server
        # caches the token for a second: what depends on the caller's user may find the user of the test before.
        dependent = (
            "core_tokens",
            "core_users_me",
            "core.token",
            "_invitations_",
            "invitation.invitation",
            "_preview_",
            "application",
            "authenticated_session",
            "user_consent",
        )
        others = " and ".join(f"not {name}" for name in dependent)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--basetemp",
            folder,
            "tests/client/test_generated_client.py",
            "-k",
            others,
        ]
        variables = environment | {
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "",
            "TEST_CLIENT_URL": f"http://127.0.0.1:{port}",
            "TEST_CLIENT_DATABASE": database,
        }
        result = subprocess.run(
            command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300, check=False
        )
        assert result.returncode == 0, result.stdout
        # Each of the client's tests begins with no token.
        token = run("token", "create", "auditor", "--superuser", FLOWS_DATABASE_URL=database).stdout.strip()
        archives.append(wire.send("GET", "/contract/traffic.har", [("Authorization", f"Bearer {token}")]).body)
        process.terminate()
        process.wait(30)
    one, other = archives
    assert len(json.loads(one)["log"]["entries"]) > 500
    assert one == other
