"""Imports between packages go one way, and the tool that enforces it does so."""

import graphlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.picture import CONTAINERS, imports

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
LAYERS = {contract["containers"][0]: contract for contract in CONTRACTS if contract["type"] == "layers"}


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_packages_import_each_other_in_a_cycle(container):
    graph = imports(container)
    assert len(graph) >= 5
    # It raises `CycleError`, which names the cycle.
    assert {*graphlib.TopologicalSorter(graph).static_order()} == graph.keys()


@pytest.mark.parametrize("container", CONTAINERS)
def test_each_package_has_a_layer_and_imports_lower_ones_only(container):
    contract = LAYERS[container]
    assert contract["exhaustive"] is True
    level = {name.strip(): -depth for depth, layer in enumerate(contract["layers"]) for name in layer.split("|")}
    graph = imports(container)
    assert graph.keys() == level.keys()
    wrong = [(name, other) for name, imported in graph.items() for other in imported if level[other] >= level[name]]
    assert wrong == []


@pytest.fixture(scope="module")
def lint(tmp_path_factory):
    """Lints a copy of the project to which imports are added. Gives the names of the contracts that are broken."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("app", "flows_server"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))

    def run(added):
        texts = {folder / file: (folder / file).read_text("utf-8") for file in added}
        for file, line in added.items():
            (folder / file).write_text(f"{texts[folder / file]}\n{line}\n", "utf-8")
        result = subprocess.run(
            [LINT_IMPORTS, "--no-cache"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        for path, text in texts.items():
            path.write_text(text, "utf-8")
        violated = {line.removesuffix(" BROKEN") for line in result.stdout.splitlines() if line.endswith(" BROKEN")}
        assert (result.returncode == 0) == (not violated), result.stdout + result.stderr
        return violated

    return run


def test_an_import_against_each_contract_fails_the_check(lint):
    against = {
        "From the outside to the inside": ("app/domain.py", "import app.store"),
        "Within the contract: from serving to the document": ("app/contract/document/scalars.py", "import app.contract.checks"),
        "Within the store: from upkeep to the engine": ("app/store/schema/search.py", "import app.store.upkeep.backup"),
        "SQLite knows nothing of PostgreSQL": (
            "app/store/engine/sqlite/privacy.py", "import app.store.engine.postgresql.prepared",
        ),
        "PostgreSQL knows nothing of SQLite": (
            "app/store/engine/postgresql/prepared.py", "import app.store.engine.sqlite.privacy",
        ),
        "The store and the handlers know nothing of HTTP": ("app/handlers/policies.py", "import starlette"),
        "The contract knows no table and no page": ("app/contract/compile/models.py", "import sqlalchemy"),
        "Blueprints know neither the contract nor SQL": ("app/blueprints/tags.py", "import sqlalchemy"),
        "The interpreter of expressions knows nothing of the server": (
            "app/executor/interpreter/limits.py", "import app.settings",
        ),
        "Tests that use the server do not import it": ("flows_server/testing/server.py", "import app"),
    }  # fmt: skip
    assert against.keys() == {contract["name"] for contract in CONTRACTS}
    assert lint({}) == set()
    assert lint(dict(against.values())) == against.keys()
