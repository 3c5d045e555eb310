"""The files of `deploy/` name what there is, and what they start says when it is ready."""

import configparser
import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import zipfile
from urllib.parse import urlsplit

import psutil
import pytest
import yaml
from click.testing import CliRunner

from app.cli import cli
from app.conformance.raw_http import RawClient
from app.settings import Settings, describe
from app.store.engine.address import address_of
from tests.asgi import FLOWS
from tests.commands import FLOWS_COMMAND, ROOT
from tests.e2e.test_command import FLOW, bearer
from tests.json_schemas import validate
from tests.serving import free_port, wait_for

UNIT = ROOT / "deploy" / "flows.service"
COMPOSE = ROOT / "deploy" / "compose.yaml"
CONTAINERFILE = ROOT / "deploy" / "Containerfile"
SETTINGS = {variable for variable, _, _ in describe()}


@pytest.fixture(scope="module")
def unit():
    """The lines of the unit's service, by name."""
    lines = {}
    for line in UNIT.read_text().split("[Service]\n")[1].split("\n[")[0].splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            lines.setdefault(name, []).append(value)
    return lines


@pytest.fixture(scope="module")
def instructions():
    """The instructions of the container file, in their order."""
    lines = [line for line in CONTAINERFILE.read_text().splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


with_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def test_the_unit_is_well_formed(unit):
    configparser.ConfigParser(strict=False, interpolation=None).read_string(UNIT.read_text())
    assert unit["ExecStart"] == ["/opt/flows/bin/flows serve"]
    environment = dict(value.split("=", 1) for value in unit["Environment"])
    assert environment.keys() <= SETTINGS
    Settings.from_environment(environment)
    assert environment["FLOWS_DATABASE_URL"].startswith(f"sqlite:////var/lib/{unit['StateDirectory'][0]}/")


@with_systemd
def test_systemd_accepts_the_unit(tmp_path):
    copy = tmp_path / "flows.service"
    # Nothing is installed there.
    copy.write_text(UNIT.read_text().replace("/opt/flows/bin/flows", sys.executable))
    found = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert "flows.service" not in found.stderr, found.stderr


# The sum that `systemd-analyze security` makes of what a service may do, times ten. What is left is the network.
EXPOSURE = 15


@with_systemd
def test_the_unit_lets_the_server_do_next_to_nothing_else(unit):
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", str(UNIT)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if "offline" in found.stderr:
        pytest.skip("this systemd can't look at a unit that is not installed")
    assert found.returncode == 0, found.stdout
    assert {"LimitNOFILE", "MemoryMax", "TasksMax"} <= unit.keys()


@pytest.mark.skipif(not all(map(shutil.which, ("strace", "systemd-analyze"))), reason="strace or systemd is missing")
def test_the_server_makes_no_call_that_the_unit_forbids(unit, environment, tmp_path):
    calls, out = tmp_path / "calls", tmp_path / "out"
    with out.open("wb") as output:
        command = ["strace", "-f", "-c", "-o", str(calls), FLOWS_COMMAND, "serve"]
        traced = subprocess.Popen(command, env=environment | {"FLOWS_BOOTSTRAP_TOKEN": "x" * 32}, stdout=output)
    (url,) = wait_for(lambda: re.findall(r"URL: +(http://[\d.:]+)/", out.read_text()), "the start")
    wire = RawClient(url)
    for method, path, body in (
        ("POST", FLOWS, json.dumps(FLOW).encode()),
        ("GET", FLOWS, None),
        ("GET", "/docs/", None),
    ):
        assert wire.send(method, path, bearer("x" * 32), body).status in (200, 201)
    (server,) = psutil.Process(traced.pid).children()
    server.terminate()
    traced.wait(60)
    made = {line.split()[-1] for line in calls.read_text().splitlines() if re.match(r" *\d", line)} - {"total"}
    allowed, forbidden = unit["SystemCallFilter"]
    # SQLite gives its files to the owner of the store if it is root, which the unit's user is not.
    assert made - calls_of(allowed) - {"fchown"} == set()
    assert made & calls_of(forbidden.removeprefix("~")) - {"fchown"} == set()


def calls_of(names):
    """The system calls of a filter."""
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", *names.split()], capture_output=True, text=True, check=True
    )
    properties = {line.strip() for line in listed.stdout.splitlines() if line.startswith("    ") and "#" not in line}
    groups = {name for name in properties if name.startswith("@")}
    return (properties - groups).union(*map(calls_of, groups))


def test_the_server_tells_systemd_when_it_is_ready(start, unit, tmp_path):
    assert unit["Type"] == ["notify"]
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(20)
        wire, _, _ = start(NOTIFY_SOCKET=str(path))
        assert b"READY=1" in listener.recv(1000)
        assert wire.send("GET", "/-/health/ready/").status == 200


def test_the_container_has_all_that_the_wheel_is_made_of(instructions, tmp_path):
    contract = tmp_path / "source"
    contract.mkdir()
    for name, arguments in instructions:
        if name == "COPY" and not arguments.startswith("--from"):
            *paths, target = arguments.split()
            if target.endswith("/"):
                (contract / target).mkdir(parents=True, exist_ok=True)
            for path in paths:
                if (ROOT / path).is_dir():
                    shutil.copytree(ROOT / path, contract / target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / path, contract / target)
    command = next(arguments for name, arguments in instructions if name == "RUN" and " -m build " in arguments)
    command = command.replace("/opt/tools/bin/python", sys.executable).replace("/dist", str(tmp_path / "dist"))
    made = subprocess.run(shlex.split(command), cwd=contract, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (wheel,) = (tmp_path / "dist").glob("flows_server-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "flows_server/lib/app/conformance/recording/cases.jsonl" in names
    for package, folder in (("app", "flows_server/lib/"), ("flows_server", "")):
        assert {folder + str(file.relative_to(ROOT)) for file in (ROOT / package).rglob("*.py")} <= names


def test_the_container_runs_the_server_as_nobody_in_particular(instructions):
    last = dict(instructions)
    environment = dict(pair.split("=", 1) for pair in last["ENV"].split())
    settings = Settings.from_environment(environment)
    assert environment.keys() <= SETTINGS
    assert last["EXPOSE"] == str(settings.port)
    assert settings.database_url.startswith(f"sqlite:///{last['VOLUME']}/")
    assert last["USER"] != "root"
    assert f"--home-dir {last['VOLUME']} " in " ".join(arguments for name, arguments in instructions if name == "RUN")
    assert json.loads(last["ENTRYPOINT"]) == ["flows"]
    (path,) = (arguments for name, arguments in instructions if name == "ENV" and arguments.startswith("PATH="))
    assert ("COPY", "--from=build /opt/flows /opt/flows") in instructions
    assert path.startswith("PATH=/opt/flows/bin:")
    assert json.loads(last["CMD"]) == ["serve"]


def test_the_container_is_healthy_while_the_server_is_ready(instructions, start):
    _, check = dict(instructions)["HEALTHCHECK"].split("CMD ")
    program, *arguments = json.loads(check)
    assert program == "python"
    _, _, process = start()
    for port, code in ((urlsplit(process.url).port, 0), (free_port(), 1)):
        environment = {"FLOWS_PORT": str(port)}
        assert (
            subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False).returncode
            == code
        )


def test_the_compose_file_is_valid_and_names_what_there_is():
    validate("compose-spec", COMPOSE)
    services = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    for name in ("upgrade", "flows"):
        service = services[name]
        assert (COMPOSE.parent / service["build"]["context"] / service["build"]["dockerfile"]).exists()
        environment = service["environment"]
        assert environment.keys() - {"PGPASSWORD"} <= SETTINGS
        assert address_of(environment["FLOWS_DATABASE_URL"]).options["host"] in services
        assert CliRunner().invoke(cli, [*service["command"], "--help"]).exit_code == 0
        assert service["depends_on"].keys() <= services.keys()
