"""The files of `deploy/` name what there is, and what they start says when it is ready."""

import configparser
import json
import re
import shlex
import shutil
import socket
import subprocess
import sys

import pytest

from app.settings import Settings, describe
from tests.e2e.conftest import ROOT

UNIT = ROOT / "deploy" / "flows.service"
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


def test_the_unit_is_well_formed(unit, tmp_path):
    configparser.ConfigParser(strict=False, interpolation=None).read_string(UNIT.read_text())
    assert unit["ExecStart"] == ["/opt/flows/bin/flows serve"]
    environment = dict(value.split("=", 1) for value in unit["Environment"])
    assert environment.keys() <= SETTINGS
    Settings.from_environment(environment)
    assert environment["FLOWS_DATABASE_URL"].startswith(f"sqlite:////var/lib/{unit['StateDirectory'][0]}/")
    if shutil.which("systemd-analyze"):
        copy = tmp_path / "flows.service"
        # Nothing is installed there.
        copy.write_text(UNIT.read_text().replace("/opt/flows/bin/flows", sys.executable))
        found = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
        assert "flows.service" not in found.stderr, found.stderr


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
    source = tmp_path / "source"
    source.mkdir()
    for name, arguments in instructions:
        if name == "COPY" and not arguments.startswith("--from"):
            *paths, target = arguments.split()
            for path in paths:
                if (ROOT / path).is_dir():
                    shutil.copytree(ROOT / path, source / target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / path, source / target)
    command = next(arguments for name, arguments in instructions if name == "RUN" and " -m build " in arguments)
    command = command.replace("/opt/tools/bin/python", sys.executable).replace("/dist", str(tmp_path / "dist"))
    made = subprocess.run(shlex.split(command), cwd=source, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert list((tmp_path / "dist").glob("flows_server-*.whl"))


def test_the_container_runs_the_server_as_nobody_in_particular(instructions):
    last = dict(instructions)
    environment = dict(pair.split("=", 1) for pair in last["ENV"].split())
    settings = Settings.from_environment(environment)
    assert environment.keys() <= SETTINGS
    assert last["EXPOSE"] == str(settings.port)
    assert settings.database_url.startswith(f"sqlite:///{last['VOLUME']}/")
    assert last["USER"] != "root"
    assert f"--home-dir {last['VOLUME']} " in " ".join(arguments for name, arguments in instructions if name == "RUN")
    (entry,) = json.loads(last["ENTRYPOINT"])
    assert re.search(rf"COPY --from=build {entry.removesuffix('/bin/flows')} ", CONTAINERFILE.read_text())
    assert json.loads(last["CMD"]) == ["serve"]
