"""`flows diff`: what it is told, what it compares with, and how it exits."""

import json
import shutil

import click.testing
import pytest

from app.cli import cli
from tests.review.changes import FOLDER, replace
from tests.review.repository import commit, git, repository

BREAKING = ("          minLength: 1\n          maxLength: 50", "          minLength: 1\n          maxLength: 40")
SAFE = ("  version: 1.4.0", "  version: 1.5.0"), ("          minLength: 1\n", "")
DOCS = ("summary: Create a thing", "summary: Make a thing")


@pytest.fixture
def contract(tmp_path, monkeypatch):
    """The contract, on a branch of a repository that is the working directory."""
    path = repository(tmp_path / "repository")
    monkeypatch.chdir(tmp_path / "repository")
    monkeypatch.setenv("FLOWS_CONTRACT", f"openapi/{path.name}")
    return path


def diff(*arguments):
    """Run the command. :returns: how it exits, what it prints, what it complains of"""
    result = click.testing.CliRunner().invoke(cli, ["diff", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("edits", "least"), [([BREAKING], "breaking"), (SAFE, "safe"), ([DOCS], "docs"), ([], None)], ids=str
)
def test_exit_by_the_least_rating(contract, edits, least):
    for edit in edits:
        replace(contract, *edit)
    order = ["docs", "safe", "breaking"]
    for fail_on in order:
        is_reached = least is not None and order.index(least) >= order.index(fail_on)
        assert diff("--fail-on", fail_on)[0] == is_reached, fail_on
    assert diff("--fail-on", "none")[0] == 0
    assert diff()[0] == (least == "breaking")


def test_base__where_the_branch_left_main(contract):
    """What comes to main later is not a change of the branch."""
    left = git(contract.parent, "rev-parse", "--short", "HEAD")
    git(contract.parent, "checkout", "--quiet", "main")
    replace(contract, *BREAKING)
    commit(contract.parent)
    git(contract.parent, "checkout", "--quiet", "change")
    assert diff() == (0, f"Nothing differs from {left}:openapi/things.yaml.\n", "")
    status, output, _ = diff("main", "--fail-on", "none")
    assert (status, output.splitlines()[-1]) == (
        0,
        "Compared with main:openapi/things.yaml: 0 breaking, 2 safe, 0 docs.",
    )


def test_base__has_further_files_of_its_own(contract, tmp_path):
    pictures = contract.parent / "parts/pictures.yaml"
    quality = "      quality:\n        type: integer\n        minimum: 1\n"
    replace(pictures, quality, quality.replace("1", "2"))
    assert (
        "\nopenapi/parts/pictures.yaml:56:9: breaking: `PictureRequest.quality`: `minimum` is 2, it was 1." in diff()[1]
    )
    replace(pictures, quality.replace("1", "2"), "")
    gone = "\nopenapi/parts/pictures.yaml:50:5: breaking: `PictureRequest.quality`: the member is gone.\n    It was at {}:54:7.\n"
    assert gone.format("main:openapi/parts/pictures.yaml") in diff("main")[1]
    released = tmp_path / "released"
    git(contract.parent, "worktree", "add", "--quiet", released, "main")
    assert gone.format(released / "openapi/parts/pictures.yaml") in diff(released / "openapi/things.yaml")[1]


def test_base__contract_that_has_moved(contract, monkeypatch):
    git(contract.parent, "mv", contract.parent, contract.parent.parent / "api")
    monkeypatch.setenv("FLOWS_CONTRACT", "api/things.yaml")
    assert diff()[0] == 2
    assert diff("main:openapi/things.yaml")[:2] == (0, "Nothing differs from main:openapi/things.yaml.\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere"], "'nowhere' is neither a file nor a revision of git."),
        (["main:nowhere.yaml"], "main has no nowhere.yaml. Name it: main:PATH."),
        (["--", "--output=x"], "is neither a file nor a revision"),
        (["--fail-on", "all"], "'all' is not one of 'breaking', 'safe', 'docs', 'none'."),
        (["--format", "xml"], "'xml' is not one of 'text', 'markdown', 'json', 'github'."),
        (["--traffic", "none.har"], "File 'none.har' does not exist."),
        (["--waivers", "none.yaml"], "File 'none.yaml' does not exist."),
        (["--traffic", "openapi/things.yaml"], "openapi/things.yaml is not an HTTP archive (HAR)"),
    ],
    ids=str,
)
def test_called_wrongly(contract, arguments, complaint):
    status, output, complaints = diff(*arguments)
    assert (status, output) == (2, "")
    assert complaint in complaints


def test_nothing_to_compare_with(contract):
    git(contract.parent, "branch", "--delete", "--force", "main")
    assert "There is no branch main or master." in diff()[2]
    (contract.parent.parent / ".git").rename(contract.parent.parent / "git")
    status, _, complaints = diff()
    assert status == 2
    assert "is in no git repository. Give the contract to compare with as a file." in complaints.replace("\n", " ")


def test_a_shallow_clone_names_the_remedy(contract, tmp_path, monkeypatch):
    commit(contract.parent)
    folder = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{contract.parents[1]}", folder)
    # As actions/checkout leaves it.
    git(folder, "remote", "remove", "origin")
    monkeypatch.chdir(folder)
    for arguments in ([], ["main"]):
        status, output, complaints = diff(*arguments)
        assert (status, output) == (2, "")
        assert (
            "This clone is shallow: run `git fetch --unshallow`, or set `fetch-depth: 0` of actions/checkout."
            in complaints
        )


@pytest.mark.parametrize("named", ["openapi/things.yaml", "./openapi/../openapi/things.yaml", "linked.yaml"])
def test_base__the_contract_itself_is_refused(contract, named):
    replace(contract, *BREAKING)
    (contract.parents[1] / "linked.yaml").symlink_to(contract)
    status, output, complaints = diff(named)
    assert (status, output) == (2, "")
    assert "that is the contract itself; leave it out, or name a revision such as `main`." in complaints
    assert diff("main")[0] == 1


HTTP = "      type: http\n      scheme: bearer\n"
WRONG = HTTP, "      type: apiKey\n      in: header\n      name: X-Key\n      scheme: bearer\n"


def test_base__a_little_wrong_is_compared_all_the_same(contract, tmp_path):
    """A released contract can't be mended any more; the one that is proposed can."""
    released = tmp_path / "things.yaml"
    shutil.copytree(contract.parent / "parts", tmp_path / "parts")
    shutil.copy(contract, released)
    replace(released, *WRONG)
    status, output, complaints = diff(released, "--fail-on", "none")
    assert (status, complaints) == (0, "")
    note = next(line for line in output.splitlines() if line.startswith(f"{released}:") and ": note: " in line)
    assert "'scheme'" in note
    assert "the credentials are `http bearer`, they were `apiKey` in the header `X-Key`." in output
    assert json.loads(diff(released, "--format", "json")[1])["notes"] == [note]
    for form in ("markdown", "github"):
        assert "'scheme'" in diff(released, "--format", form)[1]
    replace(contract, *WRONG)
    status, output, complaints = diff("main")
    assert (status, output) == (1, "")
    assert "'scheme'" in complaints


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("openapi: 3.0.3", "openapi: 3.1.0"),
        ("$ref: '#/components/schemas/ThingPage'", "$ref: '#/components/schemas/Nothing'"),
        ("      required: [kind, side]\n", "      required: 5\n"),
        ("      properties: &members\n", "      properties: &members\n        no: 5\n"),
    ],
)
def test_base__too_wrong_is_refused_at_its_line(contract, tmp_path, old, new):
    shutil.copytree(contract.parent, tmp_path / "released")
    released = tmp_path / "released" / "things.yaml"
    replace(released, old, new)
    status, output, complaints = diff(released)
    assert (status, output) == (1, "")
    assert complaints.startswith(f"{released}:")


def test_contract_that_is_none(contract):
    replace(contract, "#/components/schemas/ThingPage", "#/components/schemas/Nothing")
    status, output, complaints = diff()
    assert (status, output) == (1, "")
    assert complaints.startswith("openapi/things.yaml:72:17: ")


def test_json(contract):
    replace(contract, *BREAKING)
    replace(contract, "        note:\n          type: string\n        labels", "        labels")
    (contract.parent / "waivers.yaml").write_text(
        "waivers:\n  - {finding: version 1.4.0 -> 1.4.0, reason: It is a draft., until: 2099-12-31}\n", "utf-8"
    )
    status, output, _ = diff("main", "--format", "json", "--traffic", FOLDER / "recorded.har")
    assert status == 1
    assert json.loads(output) == json.loads((FOLDER / "report.json").read_text("utf-8"))
