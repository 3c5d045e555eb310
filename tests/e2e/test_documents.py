"""Every command in the documents is executed, and every answer they show is compared."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from packaging.version import Version

from app.application import create_app, open_store
from app.blueprints import DEFAULT
from app.blueprints.importing import apply
from app.conformance.replay import canonical, read_differences
from app.contract.checks.extensions import DEFINITIONS, KINDS
from app.recording.recorder import Recorder
from app.settings import Settings
from tests.e2e.terminal import PICTURE, drawn
from tests.json_schemas import validate
from tests.review.repository import commit, git
from tests.serving import served

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GENERATED = re.compile(r"^<!-- ([\w ]+) -->\n.*?^<!-- /\1 -->$", re.MULTILINE | re.DOTALL)
# Places in the contract, whose lines change with each edit of it.
LINE = re.compile(r"\.yaml:\d+:\d+")
# Each takes a server and a repository of its own.
WITH_COMMANDS = [path for path in DOCUMENTS if "sh" in dict(BLOCK.findall(path.read_text("utf-8")))]
ASSIGNMENT = re.compile(r"(\w+)=\$\(.*\)$")
# They take seconds, change nothing, and print the same in each document.
ONCE = re.compile(r"flows (check|diff \d{4}\.\d+ \d{4}\.\d+|versions|bundle)\b(?!.* --(store|traffic))")


@pytest.fixture
def shell(tmp_path, contract, done):
    """Runs a line as a user would, next to a server that `flows serve --record` would have started."""
    settings = Settings(database_url=f"sqlite:///{tmp_path}/flows.sqlite3", token_cache=0.0)
    store = open_store(settings, contract)
    store.migrate()
    with served(create_app(settings, contract=contract, store=store, recorder=Recorder(contract))) as url:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            # What one document's commands have checked, those of the next find.
            "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"],
            "FLOWS_DATABASE_URL": settings.database_url,
        }

        def run(line):
            if line in done:
                return done[line]
            result = done_anew(line)
            if ONCE.match(line):
                done[line] = result
            return result

        def done_anew(line):
            line = re.sub(r"^make (\S+)", r"make --dry-run \1", line)
            line = line.replace("--minutes 0.5", "--minutes 0.1")
            line = line.replace("127.0.0.1:8000", urlsplit(url).netloc)
            if line.startswith("flows diff") and "GIT_DIR" not in environment:
                environment.update(_a_branch_with_a_change(tmp_path / "branch"))
            # A variable that a line sets is there for the lines that follow, as in one terminal.
            if assignment := ASSIGNMENT.match(line):
                line += f'\nprintf %s "${assignment[1]}"'
            result = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", line],
                env=environment,
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            if assignment:
                environment[assignment[1]] = result.stdout
            return result

        yield run


@pytest.fixture(scope="module")
def done():
    """The results of lines that are run once, by the line."""
    return {}


def _a_branch_with_a_change(folder):
    """Make a repository whose `main` has the contract with another title. :returns: the variables that lead git to it"""
    if shutil.which("git") is None:
        return {}
    shutil.copytree(ROOT / "openapi", folder / "openapi")
    path = folder / "openapi" / "authentik-flows.yaml"
    path.write_text(re.sub("(?m)^  title: .*$", "  title: Before the change", path.read_text("utf-8")), "utf-8")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    return {"GIT_DIR": str(folder / ".git"), "GIT_WORK_TREE": str(ROOT)}


@pytest.mark.parametrize("document", WITH_COMMANDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_of_a_document(document, shell):
    output = None
    for language, block in BLOCK.findall(document.read_text("utf-8")):
        if language == "sh":
            for line in block.strip().splitlines():
                if line.startswith("flows diff") and shutil.which("git") is None:
                    continue
                result = shell(line)
                assert result.returncode == 0, f"{line}\n{result.stdout}\n{result.stderr}"
                of_the_branch = re.match(r"flows diff(?! \d{4}\.)", line)
                assert not of_the_branch or "1 docs." in result.stdout, f"{line}\n{result.stdout}"
                output = result.stdout
        elif language == "json":
            shown, printed = (LINE.sub(".yaml:1:1", canonical(json.loads(text))) for text in (block, output))
            assert shown == printed, output


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_command_in_an_example_that_is_not_executed_has_a_line_of_its_own(document):
    program = re.compile(r"(?<=[ /])(?:pip|cp|systemctl|journalctl) ")
    for language, block in BLOCK.findall(document.read_text("utf-8")):
        later = [line for line in block.splitlines() if program.search(line.partition(" ")[2])]
        assert language != "text" or later == []


EXAMPLES = [
    (language, block)
    for language, block in BLOCK.findall((ROOT / "docs" / "testing.md").read_text("utf-8"))
    if language in ("python", "js")
]


@pytest.mark.parametrize(("language", "example"), EXAMPLES, ids=itertools.count())
def test_the_example_tests_pass(language, example, tmp_path):
    if language == "python":
        (tmp_path / "test_example.py").write_text(example, "utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
        passed = "1 passed"
    else:
        if shutil.which("node") is None:
            pytest.skip("Node is not installed")
        (tmp_path / "example.test.mjs").write_text(example, "utf-8")
        command = ["node", "--test", "--test-reporter=tap"]
        passed = "# pass 1"
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert passed in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("document", "block"),
    [
        (document, block)
        for document in ("testing.md", "reviewing.md")
        for language, block in BLOCK.findall((ROOT / "docs" / document).read_text("utf-8"))
        if language == "yaml" and re.search("^(jobs|services):", block, re.MULTILINE)
    ],
    ids=itertools.count(),
)
def test_workflows_and_compose_files_are_valid(document, block, tmp_path):
    path = tmp_path / "file.yaml"
    path.write_text(block, "utf-8")
    validate("github-workflows" if "\njobs:" in block else "compose-spec", path)


def test_the_options_of_the_pytest_plugin_are_documented():
    text = (ROOT / "docs" / "testing.md").read_text("utf-8")
    listed = re.findall(r"^\| `(--flows-[a-z-]+(?: [A-Z]+)?)` \|", text, re.MULTILINE)
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"], cwd="/", capture_output=True, text=True, check=True
    ).stdout
    assert sorted(listed) == sorted(
        name.replace("=", " ") for name in re.findall(r"^ +(--flows-[a-z-]+(?:=[A-Z]+)?)", shown, re.MULTILINE)
    )


def test_the_example_of_a_login_ends_with_a_session(tmp_path, contract):
    text = (ROOT / "docs" / "executor.md").read_text("utf-8")
    (example,) = [block for language, block in BLOCK.findall(text) if language == "python"]
    assert len(example.splitlines()) <= 25
    settings = Settings(database_url=f"sqlite:///{tmp_path}/flows.sqlite3", token_cache=0.0)
    store = open_store(settings, contract)
    store.migrate()
    assert apply(store, DEFAULT.read_bytes(), skip_unknown=True).success
    environment = {"TOKEN": store.tokens.add("root", superuser=True)}
    with served(create_app(settings, contract=contract, store=store)) as url:
        command = [sys.executable, "-c", example]
        result = subprocess.run(
            command, env={**environment, "SERVER": url}, capture_output=True, text=True, timeout=60, check=False
        )
    assert result.stdout == "xak-flow-redirect akadmin\n", result.stdout + result.stderr


def test_the_picture_shows_what_the_commands_print():
    known, now = (re.sub(r"\d+", "0", text) for text in (PICTURE.read_text("utf-8"), drawn()))
    assert known == now, "The output of the commands has changed: run `make picture`."


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_document_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)]+)\)", document.read_text("utf-8")):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        page = document.parent / path if path else document
        assert page.exists(), target
        assert not anchor or anchor in _anchors(page.read_text("utf-8")), target


def _anchors(text):
    """The anchors of the titles of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_document_names_exist(document):
    text = BLOCK.sub("", document.read_text("utf-8"))
    for path in re.findall(r"`((?:app|bench|deploy|docs|openapi|tests)/[\w./-]*)(?:::\w+)?`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_of_a_document_has_short_lines(document):
    prose = GENERATED.sub("", BLOCK.sub("", document.read_text("utf-8"))).splitlines()
    long = [line for line in prose if len(line) > 120 and not line.startswith(("|", "!["))]
    assert long == []


def test_the_changelog_has_the_version_of_the_project():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert titles[0] == "Unreleased"
    releases = [re.fullmatch(r"(\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)", title).groups() for title in titles[1:]]
    assert releases[0][0] == version
    assert releases == sorted(releases, key=lambda release: Version(release[0]), reverse=True)
    assert [date for _, date in releases] == sorted((date for _, date in releases), reverse=True)
    groups = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= groups


def test_each_decision_is_short_and_listed():
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"^\| \[[^]]+\]\(([\w-]+\.md)\) \|", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in folder.glob("*.md") if path.name != "README.md")
    for name in listed:
        text = (folder / name).read_text("utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], name
        assert 15 <= text.count("\n") <= 40, name


def test_each_promise_of_the_security_page_is_proven():
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "SECURITY.md").read_text("utf-8"))
    assert named
    for file, test in named:
        assert f"def {test}" in (ROOT / file).read_text("utf-8"), (file, test)


def test_the_compatibility_page_says_what_differs():
    differences = read_differences(ROOT / "tests" / "oracle" / "differences.yaml")
    text = (ROOT / "docs" / "compatibility.md").read_text("utf-8")
    sections = dict(re.findall(r"^## [^\n]+ \(`([\w-]+)`\)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    listed = {rule: re.findall(r"^- (.+(?:\n  .+)*)$", section, re.MULTILINE) for rule, section in sections.items()}
    assert {rule: [" ".join(item.split()) for item in items] for rule, items in listed.items()} == {
        rule: [difference.why for difference in differences if difference.rule == rule] for rule in sections
    }
    assert {difference.rule for difference in differences} == sections.keys()


def test_each_extension_is_documented_as_its_schema_has_it():
    rows = set(
        re.findall(
            r"^\| `(x-[\w-]+)` \| (\w+) \| (.+) \|$", (ROOT / "docs" / "contract.md").read_text("utf-8"), re.MULTILINE
        )
    )
    assert rows == {
        (name, kind, schema["description"])
        for kind in KINDS
        for name, schema in DEFINITIONS[kind]["properties"].items()
    }


def test_each_dependency_is_justified():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    requirements = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    declared = {re.match(r"[\w-]+", requirement)[0] for requirement in requirements}
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    assert set(re.findall(r"^\| ([\w-]+) \| .+ \|$", text, re.MULTILINE)) - {"package"} == declared


def test_running_takes_the_versions_that_are_tested():
    run, tested = (
        set(re.findall(r"^\S+==\S+", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        for name in ("requirements-run.lock", "requirements.lock")
    )
    assert run < tested


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-run.lock", "bench/requirements.lock"])
def test_the_lock_has_hashes_and_names_no_index(lock):
    text = (ROOT / lock).read_text("utf-8")
    packages = re.findall(r"^([\w-]+)==\S+.*?(?=^[\w-]+==|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(packages) > 50
    assert "://" not in text
    assert "--index" not in text
    assert "find-links" not in text
    for entry in re.split(r"(?m)^(?=[\w-]+==)", text)[1:]:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_make_help_names_every_target():
    text = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.search(r"\.PHONY: (.+)", text)[1].split())
    # The tests may run below `make`, which would announce its directory.
    command = ["make", "--no-print-directory", "help"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split()[0] for line in result.stdout.splitlines()} == targets
