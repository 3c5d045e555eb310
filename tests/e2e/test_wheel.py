"""The wheel, in an environment that knows nothing of the checkout."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.conformance.raw_http import RawClient
from app.contract.document.bundling import read
from tests.asgi import FLOWS
from tests.commands import ROOT
from tests.e2e.test_command import FLOW, bearer
from tests.serving import free_port, wait_for

HOME = Path("flows_server/lib")
"""Where the wheel has the package of the server."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, made without any network: all that makes it is in the lock."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The `flows` command of a new environment that has the wheel, the packages that it needs, and no other."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    command = [sys.executable, "-m", "pip", "--python", folder, "install", "--quiet", "--no-index", "--no-deps", wheel]
    subprocess.run(command, check=True, env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    (packages,) = folder.glob("lib/python*/site-packages")
    here = Path(sysconfig.get_path("purelib"))
    for name in needed("flows-server", set()) - {"flows-server"}:
        files = importlib.metadata.distribution(name).files
        for part in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            (packages / part).symlink_to(here / part)
    return folder / "bin" / "flows"


def needed(name, found):
    """The distributions that a distribution needs to run, and those that these need."""
    name = canonicalize_name(name)
    if name not in found:
        found.add(name)
        for requirement in map(Requirement, importlib.metadata.requires(name) or ()):
            extras = ("", "binary")
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
                needed(requirement.name, found)
    return found


def test_it_has_all_that_is_served_and_nothing_else(wheel):
    names = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    contract = ROOT / "openapi"
    assert {HOME / "app/openapi" / file.relative_to(contract) for file in contract.rglob("*.yaml")} <= names
    for package, folder in (("app", HOME), ("flows_server", Path())):
        files = [file for file in (ROOT / package).rglob("*.*") if file.is_file() and "__pycache__" not in file.parts]
        assert {folder / file.relative_to(ROOT) for file in files} <= names
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    about = Path(f"flows_server-{version}.dist-info")
    assert {name.parts[0] for name in names} == {HOME.parts[0], about.name}
    assert about / "licenses" / "LICENSE" in names


def test_it_has_the_configuration_of_the_fuzzer(installed, tmp_path):
    (home,) = installed.parents[1].glob(f"lib/python*/site-packages/{HOME}")
    script = "from app.cli.fuzz import configuration; print(configuration().read_text())"
    found = subprocess.run(
        [installed.with_name("python"), "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "fuzz_hooks" in found.stdout


def test_it_has_the_recording_of_authentik(installed, tmp_path):
    url = f"http://127.0.0.1:{free_port()}"
    command = [installed, "replay", url, "--token", "a-token", "--empty-it"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, f"{url} does not answer" in result.stderr) == (1, True), result.stderr


def test_it_names_its_license(wheel):
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    assert "License-Expression: MIT" in archive.read(metadata).decode().splitlines()


def test_it_serves_with_the_contract_inside(installed, environment, tmp_path):
    def flows(*arguments):
        return subprocess.run(
            [installed, *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    examined = flows("doctor")
    assert (examined.returncode, examined.stderr) == (0, "")
    code = "import sys, flows_server.testing; print(flows_server.__file__, *(name for name in sys.modules if name == 'app'))"
    found = subprocess.run(
        [installed.parent / "python", "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith(f"{installed.parents[1]}/lib/")
    assert found.stdout.endswith("__init__.py\n")
    out = tmp_path / "out"
    with out.open("wb") as output:
        server = subprocess.Popen(
            [installed, "serve"], env=environment, cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT
        )

    def announced():
        assert server.poll() is None, out.read_text()
        return re.search(r"URL: +(http://[\d.]+:\d+)/.*Token: (\S{43})$", out.read_text(), re.MULTILINE | re.DOTALL)

    try:
        url, token = wait_for(announced, "the start of the server").groups()
        wire = RawClient(url)
        assert wire.send("POST", FLOWS, bearer(token), json.dumps(FLOW).encode()).status == 201
        served = wire.send("GET", "/api/v3/schema/?format=json", bearer(token)).json()
        assert served["paths"] == read(ROOT / "openapi/authentik-flows.yaml").document["paths"]
        pages = ("/", "/docs/", "/contract/", "/contract/files/stages/dummy.yaml", "/-/static/style.css")
        for page in (*pages, "/-/health/ready/", "/-/metrics/"):
            assert wire.send("GET", page).status == 200, page
    finally:
        server.terminate()
        assert server.wait(30) == 0
    assert flows("export", "a").stdout.endswith("version: 1\n")
