"""Tokens and passwords are nowhere but where they have to be."""

import json

import psutil

from tests.asgi import FLOWS
from tests.e2e.test_command import FLOW, bearer

BOOTSTRAP, METRICS, PASSWORD = "bootstrap-secret-1234567890", "metrics-secret-1234567890", "database-secret"


def test_no_secret_shows(start, run, tmp_path):
    secrets = {"FLOWS_BOOTSTRAP_TOKEN": BOOTSTRAP, "FLOWS_METRICS_TOKEN": METRICS}
    wire, _, process = start(**secrets, FLOWS_LOG_LEVEL="debug")
    made = run("token", "create", "other", "--superuser").stdout.strip()
    answers = [
        wire.send("POST", FLOWS, bearer(BOOTSTRAP), json.dumps(FLOW).encode()),
        wire.send("POST", FLOWS, bearer(BOOTSTRAP), b"{"),
        wire.send("GET", FLOWS, bearer(made)),
        wire.send("GET", FLOWS, bearer(made + "x")),
        wire.send("GET", FLOWS + "nothing/", bearer(made)),
        wire.send("GET", "/-/metrics/", bearer(METRICS)),
    ]
    assert [answer.status for answer in answers] == [201, 400, 200, 403, 404, 200]
    processes = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
    said = [
        process.output.read_text(),
        *(" ".join(one.cmdline()) for one in processes),
        *(str(answer) for answer in answers),
        *(
            run(*command, **secrets).stdout
            for command in (["doctor"], ["token", "list"], ["--help"], ["serve", "--help"])
        ),
    ]
    kept = [file.read_bytes() for file in (tmp_path / "deep").iterdir()]
    for secret in (BOOTSTRAP, METRICS, made):
        assert not any(secret in text for text in said)
        assert not any(secret.encode() in content for content in kept)


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
