"""Starts that can't succeed, and what a start says of tokens."""

import contextlib
import importlib.metadata
import json
import os
import re
import shlex
import signal
import socket
import subprocess

import psutil
import pytest

from tests.asgi import FLOWS
from tests.commands import FLOWS_COMMAND
from tests.contract_files import shipped
from tests.e2e.test_command import FLOW, bearer
from tests.serving import wait_for


@pytest.mark.parametrize("command", ["serve", "dev"])
def test_a_taken_port_is_one_line_and_exit_1(run, command):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = run(command, FLOWS_PORT=str(port))
    assert (result.returncode, result.stdout) == (1, "")
    assert (
        result.stderr
        == f"flows: Port {port} of 127.0.0.1 is taken. Set FLOWS_PORT to another one; 0 takes a free one.\n"
    )


@pytest.mark.parametrize("command", ["serve", "dev"])
@pytest.mark.parametrize("host", ["300.1.1.1", "192.0.2.1", "no such host"])
def test_a_host_of_another_machine_is_one_line_and_exit_2(run, command, host):
    result = run(command, FLOWS_HOST=host)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("flows: FLOWS_HOST: ")
    assert len(result.stderr.splitlines()) == 1


def test_a_database_that_can_not_be_reached_is_one_line_and_exit_1(run):
    result = run("serve", FLOWS_DATABASE_URL="postgresql://flows@127.0.0.1:1/flows")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("flows: the database is not available: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("port", ["99999", "65536", "-1", "abc", "8000.5"])
def test_a_port_that_can_not_be_is_one_line_and_exit_2(run, port):
    result = run("serve", FLOWS_PORT=port)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"flows: FLOWS_PORT: {port!r} can't be used: give a whole number from 0 to 65535.\n"


def test_the_command_that_the_start_names_makes_a_token_that_works(start, environment):
    # The command is not on it, as an activated environment would have it.
    wire, _, process = start(PATH=os.defpath)
    named = re.search(r"`(.*) token create NAME --superuser` makes others", process.output.read_text())[1]
    made = subprocess.run(
        [*shlex.split(named), "token", "create", "NAME", "--superuser"],
        env=environment | {"PATH": os.defpath},
        cwd=FLOWS_COMMAND.parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert wire.send("GET", FLOWS, bearer(made.stdout.strip())).status == 200


def test_a_new_token_names_the_store_that_it_is_valid_for(run, tmp_path):
    first, second = (run("token", "create", name, "--superuser") for name in "ab")
    path = tmp_path / "deep" / "flows.sqlite3"
    assert first.stderr == f"It is valid for {path}, a store that was made now.\n"
    assert second.stderr == f"It is valid for {path}.\n"


def test_a_bootstrap_token_that_is_ignored_is_told(start, run):
    run("token", "create", "other", "--superuser")
    _, _, process = start(FLOWS_BOOTSTRAP_TOKEN="ignored-1234567890")
    output = process.output.read_text()
    assert "Token: as before;" in output
    assert "FLOWS_BOOTSTRAP_TOKEN is ignored: the store has tokens already" in output
    assert "ignored-1234567890" not in output


@pytest.mark.parametrize("command", ["serve", "dev"])
def test_a_bootstrap_token_is_told_by_the_name_of_its_setting(start, command):
    for _ in range(2):
        _, _, process = start(command, FLOWS_BOOTSTRAP_TOKEN="given-1234567890")
        output = process.output.read_text()
        assert "Token: the one of FLOWS_BOOTSTRAP_TOKEN" in output
        assert "given-1234567890" not in output
        process.terminate()
        process.wait(30)


def test_a_store_whose_only_token_is_revoked_says_so(start, run):
    run("token", "create", "other", "--superuser")
    run("token", "revoke", "other")
    _, _, process = start()
    assert "Token: none is valid;" in process.output.read_text()


def test_an_upgrade_of_an_empty_embedded_store_shows_its_first_token(run, start):
    made = re.search(r"Token: (\S{43})\n", run("db", "upgrade").stdout)
    wire, _, _ = start()
    assert wire.send("GET", FLOWS, bearer(made[1])).status == 200


def test_a_server_that_is_told_to_stop_while_its_workers_start_stops(start):
    _, _, process = start(FLOWS_WORKERS="4")
    process.terminate()
    assert process.wait(15) == 0


@pytest.mark.parametrize(("command", "watched"), [("serve", ""), ("dev", "Watch: app, openapi\n")])
def test_a_start_says_what_is_served_and_how_to_stop_it(start, tmp_path, command, watched):
    _, _, process = start(command, FLOWS_BOOTSTRAP_TOKEN="given-1234567890")
    assert process.output.read_text() == (
        f"URL:   {process.url}/api/v3/\n"
        f"Docs:  {process.url}/docs/\n"
        f"API:   {shipped().document['info']['version']}, openapi/authentik-flows.yaml\n"
        f"Store: {tmp_path}/deep/flows.sqlite3\n"
        f"Token: the one of FLOWS_BOOTSTRAP_TOKEN\n{watched}"
        "Stop:  Ctrl-C\n"
    )


def test_options_override_settings(start, run):
    _, _, process = start("serve", "--port", "0", "--host", "127.0.0.1", "--workers", "2", FLOWS_PORT="1")
    wait_for(lambda: len(psutil.Process(process.pid).children()) == 2, "the start of both workers")
    result = run("serve", "-p", "99999")
    assert result.returncode == 2
    assert "--port: '99999' can't be used: give a whole number from 0 to 65535." in result.stderr


def test_the_version_is_that_of_the_package(run):
    assert run("--version").stdout == f"flows {importlib.metadata.version('flows-server')}\n"


@pytest.mark.parametrize("command", ["serve", "dev"])
def test_a_misspelt_setting_is_told(start, command):
    _, _, process = start(command, FLOWS_PROT="9", FLOWS_QQQ="1", FLOWS_TOKEN="of other commands")
    told = [line for line in process.output.read_text().splitlines() if line.startswith("flows: ")]
    assert told == [
        "flows: FLOWS_PROT is not a setting; did you mean FLOWS_PORT?",
        "flows: FLOWS_QQQ is not a setting; docs/settings.md lists them.",
    ]


def test_a_server_ends_without_a_word_by_ctrl_c(start):
    _, _, process = start(FLOWS_WORKERS="2", FLOWS_LOG_LEVEL="error")
    told = process.output.read_text()
    # A terminal sends the signal to all its processes.
    for one in [*psutil.Process(process.pid).children(), process]:
        one.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert process.output.read_text() == told


@pytest.mark.parametrize(("command", "workers"), [("serve", "1"), ("serve", "2"), ("dev", "1")])
@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite://"])
def test_a_store_in_memory_is_one_store_for_as_long_as_the_server_runs(start, tmp_path, command, workers, url):
    variables = {"FLOWS_DATABASE_URL": url, "FLOWS_WORKERS": workers, "TMPDIR": str(tmp_path)}
    wire, secret, process = start(command, **variables)
    secret = secret or re.search(r"Token: (\S{43})$", process.output.read_text(), re.MULTILINE)[1]

    def ready():
        with contextlib.suppress(ConnectionError):
            return wire.send("GET", "/-/health/ready/").status == 200

    wait_for(ready, "the first response")
    # No other command finds the store.
    assert "token create" not in process.output.read_text()
    assert wire.send("POST", FLOWS, bearer(secret), json.dumps(FLOW).encode()).status == 201
    assert {wire.send("GET", f"{FLOWS}a/", bearer(secret)).status for _ in range(10)} == {200}
    process.terminate()
    process.wait(30)
    assert not list(tmp_path.glob("flows-*"))
