"""Flows as files, by the installed command."""

import signal

from tests.asgi import FLOWS
from tests.e2e.conftest import ROOT
from tests.serving import wait_for

EXAMPLE = ROOT / "docs" / "examples" / "welcome.yaml"
BINDING = """entries:
- model: authentik_flows.flowstagebinding
  identifiers:
    target: !Find [authentik_flows.flow, [slug, welcome-by-name]]
    stage: !Find [authentik_stages_deny.denystage, [name, deny]]
    order: 20
"""
DENY = "entries: [{model: authentik_stages_deny.denystage, identifiers: {name: deny}, attrs: {deny_message: Nobody}}]\n"


def test_import_and_export(run, tmp_path):
    shown = EXAMPLE.relative_to(ROOT)
    assert run("import", EXAMPLE).stdout == f"{EXAMPLE}: 8 created\n"
    assert run("import", str(shown)).stdout == f"{shown}: 8 unchanged\n"
    exported = tmp_path / "exported.yaml"
    result = run("export", "welcome-by-name", "--output", exported)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    other = {"FLOWS_DATABASE_URL": f"sqlite:///{tmp_path}/other.sqlite3"}
    assert run("import", exported, **other).stdout == f"{exported}: 8 created\n"
    assert run("export", "welcome-by-name", **other).stdout == exported.read_text()


def test_import__a_mistake_changes_nothing(run, tmp_path):
    wrong, empty = tmp_path / "wrong.yaml", tmp_path / "empty.yaml"
    wrong.write_text(EXAMPLE.read_text().replace("type: text", "type: tetx").replace("    label: Your name\n", ""))
    empty.write_text("")
    result = run("import", wrong, empty)
    assert (result.returncode, result.stdout) == (1, "")
    place = wrong.read_text().splitlines().index("    type: tetx") + 1
    assert result.stderr.splitlines() == [
        f"{wrong}:{place - 1}:5: label: This field is required.",
        f'{wrong}:{place}:11: type: "tetx" is not a valid choice.',
        f"{empty}:1:1: The file is empty.",
    ]
    assert run("import", EXAMPLE).stdout == f"{EXAMPLE}: 8 created\n"


def test_export__a_flow_that_there_is_not(run, tmp_path):
    result = run("export", "nope", "--output", tmp_path / "nope.yaml")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "Error: There is no flow of the slug 'nope'.\n"
    assert not (tmp_path / "nope.yaml").exists()


def test_serve__seed(start, run, tmp_path):
    folder = tmp_path / "seed"
    folder.mkdir()
    # In alphabetical order each needs a later one.
    (folder / "a.yaml").write_text(BINDING)
    (folder / "b.yaml").write_text(DENY)
    (folder / "c.yaml").write_text(EXAMPLE.read_text())
    (folder / "notes.txt").write_text("No blueprint.")
    for done in ("1 created", "1 unchanged"):
        wire, _, process = start("serve", "--seed", str(folder), FLOWS_BOOTSTRAP_TOKEN="mine")
        flow = wire.send("GET", FLOWS + "welcome-by-name/", [("Authorization", "Bearer mine")]).json()
        assert len(flow["stages"]) == 3
        assert f"{folder / 'b.yaml'}: {done}\n" in process.output.read_text()
        process.send_signal(signal.SIGTERM)
        wait_for(lambda process=process: process.poll() is not None, "the end of the server")
    (folder / "d.yaml").write_text(DENY.replace("deny_message: Nobody", "deny_message: 5"))
    result = run("serve", "--seed", str(folder))
    assert result.returncode == 1
    assert result.stderr == f"{folder / 'd.yaml'}:1:101: deny_message: Not a valid string.\n"
    assert "URL:" not in result.stdout
