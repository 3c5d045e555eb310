"""Tokens and passwords are nowhere but where they have to be."""

import contextlib
import json

import psutil
import pytest

from tests import commands
from tests.asgi import FLOWS
from tests.e2e.test_command import FLOW, bearer
from tests.serving import wait_for

# A fork has the command line of its origin.
LAUNCH = commands.installed

BOOTSTRAP, METRICS, PASSWORD = "bootstrap-secret-1234567890", "metrics-secret-1234567890", "database-secret"


def test_no_secret_shows(start, run, tmp_path):
    secrets = {"FLOWS_BOOTSTRAP_TOKEN": BOOTSTRAP, "FLOWS_METRICS_TOKEN": METRICS}
    wire, _, process = start(**secrets, FLOWS_LOG_LEVEL="debug")
    made = run("token", "create", "other", "--superuser").stdout.strip()
    responses = [
        wire.send("POST", FLOWS, bearer(BOOTSTRAP), json.dumps(FLOW).encode()),
        wire.send("POST", FLOWS, bearer(BOOTSTRAP), b"{"),
        wire.send("GET", FLOWS, bearer(made)),
        wire.send("GET", FLOWS, bearer(made + "x")),
        wire.send("GET", FLOWS + "nothing/", bearer(made)),
        wire.send("GET", "/-/metrics/", bearer(METRICS)),
    ]
    assert [response.status for response in responses] == [201, 400, 200, 403, 404, 200]
    processes = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
    said = [
        process.output.read_text(),
        *(" ".join(one.cmdline()) for one in processes),
        *(str(response) for response in responses),
        *(
            run(*command, **secrets).stdout
            for command in (["doctor"], ["token", "list"], ["--help"], ["serve", "--help"])
        ),
    ]
    kept = [file.read_bytes() for file in (tmp_path / "deep").iterdir()]
    for secret in (BOOTSTRAP, METRICS, made):
        assert not any(secret in text for text in said)
        assert not any(secret.encode() in content for content in kept)


STARTING = [
    ["serve"],
    ["serve", "--record"],
    ["serve", "--deterministic"],
    ["serve", "--seed", "SEED"],
    ["dev"],
    ["dev", "--deterministic"],
]


@pytest.mark.parametrize("command", STARTING, ids=" ".join)
def test_no_command_that_starts_a_server_repeats_a_token_that_was_given(start, tmp_path, command):
    (tmp_path / "seed").mkdir()
    command = [str(tmp_path / "seed") if word == "SEED" else word for word in command]
    given = {"FLOWS_BOOTSTRAP_TOKEN": BOOTSTRAP, "FLOWS_METRICS_TOKEN": METRICS, "FLOWS_LOG_LEVEL": "debug"}
    wire, _, process = start(*command, **given)
    assert answer_of(wire, BOOTSTRAP).status == 200
    assert answer_of(wire, "wrong").status == 403
    processes = psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)
    said = [" ".join(one.cmdline()) for one in processes]
    process.terminate()
    process.wait(30)
    said.append(process.output.read_text())
    assert "Token: the one of FLOWS_BOOTSTRAP_TOKEN" in said[-1]
    assert not any(secret in text for text in said for secret in (BOOTSTRAP, METRICS)), said


def answer_of(wire, token):
    """The answer of a server that may have told of its port before it listens there."""

    def response():
        with contextlib.suppress(ConnectionRefusedError):
            return wire.send("GET", FLOWS, bearer(token))

    return wait_for(response, "an answer")


@pytest.mark.parametrize("command", ["serve", "dev"])
def test_a_first_start_shows_the_token_that_it_has_made_and_only_that(start, command):
    wire, token, process = start(command, FLOWS_METRICS_TOKEN=METRICS)
    assert answer_of(wire, token).status == 200
    process.terminate()
    process.wait(30)
    assert process.output.read_text().count(token) == 1
    _, again, process = start(command, FLOWS_METRICS_TOKEN=METRICS)
    assert again is None
    said = process.output.read_text()
    assert "Token: as before" in said
    assert token not in said
    assert METRICS not in said


def test_the_password_of_the_database_is_in_no_message(run):
    url = f"postgresql://flows:{PASSWORD}@127.0.0.1:1/flows"
    for command in (["serve"], ["doctor"], ["db", "upgrade"], ["db", "current"], ["token", "list"], ["backup", "x"]):
        result = run(*command, FLOWS_DATABASE_URL=url)
        assert result.returncode != 0
        assert PASSWORD not in result.stdout + result.stderr, command
    for wrong in (url.replace("postgresql", "mysql"), url.replace(":1/", ":x/")):
        result = run("token", "list", FLOWS_DATABASE_URL=wrong)
        assert result.returncode == 2
        assert PASSWORD not in result.stdout + result.stderr
