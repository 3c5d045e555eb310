"""Schemathesis against a served process and against the application itself; deterministic, every check on."""

import atexit
import re
import shutil
import tempfile
import tomllib

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig

from app.application import create_app, open_store
from app.cli.fuzz import configuration
from app.conformance import fuzz_hooks
from app.contract.compile import models
from app.settings import Settings
from tests.contract_files import shipped
from tests.examples import operations
from tests.fuzz.campaign import compiled, fuzz, served

OPERATIONS = len(list(shipped().operations()))


def further_kinds():
    """The paths of the objects of each model but the first of its collection."""
    known, first, found = models.models(shipped()), {}, []
    for path, item in shipped().document["paths"].items():
        model = known.get(item.get("x-serves"))
        if model is not None and first.setdefault(model.collection, model.name) != model.name:
            found.append(path)
    return found


OF_FURTHER_KINDS = sum(path.startswith(tuple(further_kinds())) for _, path, _, _ in shipped().operations())
# Operations may now and then find no object left: what is deleted takes others with it, and what is named is drawn anew each run.
UNLUCKY = 10
# Operations on objects that no request can create.
WITHOUT_OBJECTS = sum(bool(known.parameters) and known.success >= 400 for known in operations(shipped()).values())

# Schemathesis sends NUL and other odd bytes through libraries that warn of them.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    with served("sqlite", tmp_path_factory.mktemp("fuzz")) as target:
        yield target


@pytest.mark.parametrize(
    ("role", "phases"),
    [
        ("superuser", ("Examples", "Fuzzing", "Stateful")),
        ("reader", ("Examples", "Fuzzing", "Stateful")),
        ("nobody", ("Examples", "Fuzzing")),
    ],
)
def test_a_served_process(target, role, phases, tmp_path):
    output = sound(target, role, phases, tmp_path)
    assert f"Tested: {OPERATIONS}\n" in output, output
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {"html", "junit"}


def test_a_served_process_is_sent_each_limit_of_its_schemas(target, tmp_path):
    """Of the kinds of a collection, which one template makes, the first; `make fuzz-long` does so of all."""
    further = "|".join(map(re.escape, further_kinds()))
    output = sound(target, "superuser", ["Coverage"], tmp_path, "--exclude-path-regex", f"^({further})")
    assert f"Selected: {OPERATIONS - OF_FURTHER_KINDS}/{OPERATIONS}\n" in output, output
    missed = re.search(r"Missing test data: (\d+) operation", output)
    assert missed is None or int(missed[1]) <= WITHOUT_OBJECTS + UNLUCKY, output


def sound(target, role, phases, reports, *options):
    """Fuzz a target with some phases; fails if anything is found. :returns: what was printed"""
    url, token, log = target
    chosen = ",".join(phases).lower()
    code, output = fuzz(url, token(role), reports, "--cases", "1", "--", "--phases", chosen, *options)
    assert code == 0, output
    for phase in phases:
        assert f"✅ {phase}" in output, output
    assert not re.search(r"^\{", log.read_text(), re.MULTILINE), "the server logged errors"
    return output


@pytest.mark.parametrize("version", ["2025.12", "2026.8"])
def test_a_served_process_by_another_version(target, version, tmp_path):
    url, token, log = target
    compiled(url, version)
    options = ("--cases", "1", "--version", version, "--", "--phases", "examples")
    code, output = fuzz(url, token("superuser"), tmp_path, *options)
    assert code == 0, output
    assert "✅ Examples" in output, output
    assert not re.search(r"^\{", log.read_text(), re.MULTILINE), "the server logged errors"


def test_no_check_is_switched_off():
    text = tomllib.loads(configuration().read_text("utf-8"))
    assert "enabled" not in str(text)
    assert "exclude" not in str(text)
    assert "expected-statuses" not in str(text)


def _application():
    """An application of this module's own: Schemathesis makes its tests when the module is loaded."""
    folder = tempfile.mkdtemp(prefix="flows-fuzz-")
    atexit.register(shutil.rmtree, folder)
    chosen = Settings(database_url=f"sqlite:///{folder}/flows.sqlite3", token_cache=0.0)
    store = open_store(chosen, shipped())
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    return create_app(chosen, contract=shipped(), store=store)


schema = schemathesis.openapi.from_asgi(
    "/api/v3/schema/?format=json",
    _application(),
    config=SchemathesisConfig.from_dict(
        {
            "generation": {"deterministic": True, "database": "none", "max-examples": 1},
            # The served process is sent all that this phase has.
            "phases": {"coverage": {"enabled": False}},
            # Not a header of the call, which would mend the cases that leave the credentials out.
            "auth": {"openapi": {"authentik": {"bearer": "root"}}},
        }
    ),
)


@schema.parametrize()
def test_the_application(case):
    assert fuzz_hooks.before_call
    case.call_and_validate()
