"""Commands and servers on a store that an earlier contract was served with."""

import json
import re
import shutil

import pytest

from app.contract.document.overlays import FOLDER
from tests.conftest import database_at
from tests.contract_files import copied, replaced
from tests.e2e.test_doctor import ill, lines
from tests.serving import wait_for

FLOWS = "/api/v3/flows/instances/"


def others(url):
    """The number of stored objects besides the flows: a SQLite store has the administrator and their group from its start."""
    return 2 if url.startswith("sqlite") else 0


def of_one_version(folder):
    """Copy the contract without its versions, which take long to check. :returns: the path"""
    path = copied(folder)
    shutil.rmtree(path.parent / FOLDER)
    return path


@pytest.fixture
def narrower(tmp_path):
    """A contract without a designation that the one here has."""
    path = of_one_version(tmp_path / "narrower")
    replaced(path, "        - recovery\n", "")
    return str(path)


@pytest.fixture
def stored(engine, tmp_path, request, run):
    """The URL of a database with tables, and a function that stores flows in it."""
    for url in database_at(engine, tmp_path, request):
        assert run("db", "upgrade", FLOWS_DATABASE_URL=url).returncode == 0

        def store(*designations, url=url):
            entries = [
                {
                    "model": "authentik_flows.flow",
                    "identifiers": {"slug": f"flow-{number}"},
                    "attrs": {"name": f"Flow {number}", "title": "Title", "designation": designation},
                }
                for number, designation in enumerate(designations)
            ]
            file = tmp_path / "flows.yaml"
            file.write_text(json.dumps({"version": 1, "entries": entries}))
            assert run("import", str(file), FLOWS_DATABASE_URL=url).returncode == 0

        yield url, store


def test_check_lists_what_violates_the_contract_with_its_lines(run, stored, narrower, tmp_path):
    url, store = stored
    store("recovery", "enrollment", *["recovery"] * 110)
    assert run("check", FLOWS_DATABASE_URL=url, FLOWS_CONTRACT=narrower).returncode == 0
    same = str(of_one_version(tmp_path / "same"))
    well = run("check", "--store", FLOWS_DATABASE_URL=url, FLOWS_CONTRACT=same)
    assert (well.returncode, well.stderr) == (0, "")
    assert well.stdout.endswith(f": 0 of {112 + others(url)} stored objects violate the contract.\n")
    found = run("check", "--store", FLOWS_DATABASE_URL=url, FLOWS_CONTRACT=narrower)
    assert (found.returncode, found.stderr) == (1, "")
    _, *listed, more, summary = found.stdout.splitlines()
    assert len(listed) == 100
    for line in listed:
        place, about = line.split(": ", 1)
        assert place.startswith(f"{narrower}:")
        assert about.startswith("authentik_flows.flow ")
        assert about.endswith('`designation` violates `enum`: "recovery".')
    assert more == "11 more violations are not listed."
    assert summary.endswith(f": 111 of {112 + others(url)} stored objects violate the contract.")
    assert "secret" not in summary


def test_check_of_a_store_that_is_not_there_makes_none(run, tmp_path):
    found = run("check", "--store")
    assert (found.returncode, "no store" in found.stderr) == (1, True)
    assert not (tmp_path / "deep").exists()


def test_doctor_warns_of_what_violates_the_contract(run, stored, narrower):
    url, store = stored
    store("recovery", "enrollment")
    found = run("doctor", FLOWS_DATABASE_URL=url)
    assert ("ok", "objects") in lines(found)
    found = run("doctor", FLOWS_DATABASE_URL=url, FLOWS_CONTRACT=narrower)
    assert (found.returncode, ("warn", "objects") in ill(found)) == (0, True)
    assert f"1 of {2 + others(url)} violate the contract." in found.stdout
    assert "`flows check --store`" in found.stdout


def test_a_server_warns_once_of_each_kind_and_answers(run, start, stored, narrower):
    url, store = stored
    store("recovery", "enrollment", "recovery")
    token = run("token", "create", "root", "--superuser", FLOWS_DATABASE_URL=url).stdout.split()[-1]
    wire, _, process = start(FLOWS_DATABASE_URL=url, FLOWS_CONTRACT=narrower, FLOWS_WORKERS="2")

    def warnings():
        logged = [json.loads(line) for line in process.output.read_text().splitlines() if line.startswith("{")]
        return [line for line in logged if line["event"] == "stored objects violate the contract"]

    (warning,) = wait_for(warnings, "the warning")
    assert (warning["model"], warning["property"], warning["rule"]) == ("authentik_flows.flow", "designation", "enum")
    assert (warning["objects"], warning["advice"], warning["level"]) == (2, "flows check --store", "warning")
    assert warning["contract"].startswith(f"{narrower}:")
    response = wire.send("GET", FLOWS, [("authorization", f"Bearer {token}")], b"")
    assert (response.status, response.json()["pagination"]["count"]) == (200, 3)
    assert len(warnings()) == 1


def test_diff_tells_what_a_change_means_for_stored_objects(run, stored, narrower):
    url, store = stored
    store("recovery", "enrollment", "recovery")
    base = "openapi/authentik-flows.yaml"
    variables = {"FLOWS_DATABASE_URL": url, "FLOWS_CONTRACT": narrower}
    found = run("diff", "--store", base, **variables)
    assert (found.returncode, found.stderr) == (1, "")
    effect, message, summary = found.stdout.splitlines()[-3:]
    assert re.fullmatch(
        re.escape(narrower) + r":\d+:7: stored: 2 stored objects of `authentik_flows.flow` would be answered as stored "
        r'although `designation` violates `enum`, such as "recovery"\.',
        effect,
    )
    assert message == f"This change affects 2 of {3 + others(url)} stored objects."
    assert summary.startswith("Compared with ")
    # It is the findings that decide on the exit status.
    assert run("diff", "--store", "--fail-on", "none", base, **variables).returncode == 0
    whole = json.loads(run("diff", "--store", "--format", "json", base, **variables).stdout)
    assert (whole["stored"]["objects"], whole["stored"]["affected"]) == (3 + others(url), 2)
    assert [(one["property"], one["effect"], one["objects"]) for one in whole["stored"]["effects"]] == [
        ("designation", "enum", 2)
    ]
    assert "### Stored objects" in run("diff", "--store", "--format", "markdown", base, **variables).stdout
    annotations = run("diff", "--store", "--format", "github", base, **variables).stdout
    assert re.search(r"^::warning file=.*,title=Stored objects::2 stored objects", annotations, re.MULTILINE)
    assert "stored" not in run("diff", base, **variables).stdout


def test_diff_with_a_store_that_is_not_there_says_so(run, narrower):
    found = run("diff", "--store", "openapi/authentik-flows.yaml", FLOWS_CONTRACT=narrower)
    assert (found.returncode, "no store" in found.stderr) == (1, True)
