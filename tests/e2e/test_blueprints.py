"""Flows as files, by the installed command."""

import contextlib
import signal

from tests.asgi import FLOWS
from tests.commands import ROOT
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


GROUP = """entries:
- model: authentik_brands.brand
  id: group
  identifiers: {name: admins}
- model: authentik_flows.flow
  id: flow
  identifiers: {slug: for-admins}
  attrs: {name: A, title: A, designation: authentication, titel: B}
- model: authentik_policies.policybinding
  identifiers: {target: !KeyOf flow, order: 0}
  attrs: {group: !KeyOf group}
"""


def test_import__what_is_not_served_is_refused_or_skipped_and_told(run, tmp_path):
    path = tmp_path / "group.yaml"
    path.write_text(GROUP)
    note = f"{path}:8:66: note: authentik_flows.flow has no property 'titel' to set: it is ignored. 'title' is similar."
    rejected = run("import", path)
    assert (rejected.returncode, rejected.stdout) == (1, "")
    first, *rest = rejected.stderr.splitlines()
    assert first.startswith(f"{path}:2:10: authentik_brands.brand is not served here. ")
    assert "--skip-unknown" in first
    assert rest == [note]
    skipped = run("import", "--skip-unknown", path)
    assert (skipped.returncode, skipped.stdout) == (0, f"{path}: 2 skipped, 1 created\n")
    assert skipped.stderr.splitlines()[0] == note
    group, binding = skipped.stderr.splitlines()[1:]
    assert group == f"{path}:2:3: authentik_brands.brand: skipped (authentik_brands.brand is not served here)"
    assert binding == f"{path}:9:3: authentik_policies.policybinding: skipped (it depends on entry 1, which is skipped)"


def test_import__the_machine_is_read_as_far_as_that_is_allowed(run, tmp_path):
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "message").write_text("Not you\n")
    path = tmp_path / "deny.yaml"
    path.write_text(DENY.replace("name: deny", "name: !Env PLANTED").replace("Nobody", "!File message"))
    allowed = ["--allow-env", "--allow-files", str(tmp_path / "allowed")]
    assert "!Env is refused" in run("import", path, PLANTED="x").stderr
    assert "!File is refused" in run("import", "--allow-env", path, PLANTED="x").stderr
    assert run("import", *allowed, path, PLANTED="x").stdout == f"{path}: 1 created\n"
    (tmp_path / "seed").mkdir()
    path.rename(tmp_path / "seed" / "deny.yaml")
    result = run("serve", "--seed", tmp_path / "seed", "--allow-env", PLANTED="x")
    assert (result.returncode, "!File is refused" in result.stderr) == (1, True)


def test_serve__seed_default_makes_the_flows_of_a_new_authentik(start):
    for action in ("created", "unchanged"):
        wire, _, process = start("serve", "--seed", "default", FLOWS_BOOTSTRAP_TOKEN="mine")
        bearer = [("Authorization", "Bearer mine")]
        flows = {flow["slug"]: flow for flow in wire.send("GET", FLOWS, bearer).json()["results"]}
        assert len(flows["default-authentication-flow"]["stages"]) >= 3
        assert len(flows["initial-setup"]["policies"]) == 1
        assert "\ndefault: " in "\n" + process.output.read_text()
        assert f" {action}" in process.output.read_text()
        process.send_signal(signal.SIGTERM)
        wait_for(lambda process=process: process.poll() is not None, "the end of the server")


def test_serve__what_is_allowed_is_for_a_seed(run, tmp_path):
    for option in (["--allow-env"], ["--skip-unknown"], ["--allow-files", str(tmp_path)]):
        result = run("serve", *option)
        assert result.returncode == 2
        assert "are for the blueprints of --seed" in result.stderr


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
    (folder / "more" / "deep").mkdir(parents=True)
    (folder / "more" / "deep" / "b.yml").write_text(DENY)
    (folder / "c.yaml").write_text(EXAMPLE.read_text())
    (folder / "more" / "notes.txt").write_text("No blueprint.")
    (folder / ".hidden").write_text("Nobody cares.")
    (folder / "z.yaml").write_text("entries: [{model: authentik_brands.brand, identifiers: {name: !Env PLANTED}}]\n")
    options = ["--skip-unknown", "--allow-env"]
    for done in ("1 created", "1 unchanged"):
        wire, _, process = start(
            "serve", "--seed", str(folder), *options, FLOWS_BOOTSTRAP_TOKEN="mine", PLANTED="planted"
        )
        flow = wire.send("GET", FLOWS + "welcome-by-name/", [("Authorization", "Bearer mine")]).json()
        assert len(flow["stages"]) == 3
        said = process.output.read_text()
        assert f"{folder / 'more' / 'deep' / 'b.yml'}: {done}\n" in said
        assert f"{folder / 'more' / 'notes.txt'}: skipped, as its name ends neither in .yaml nor in .yml\n" in said
        assert ".hidden" not in said
        process.send_signal(signal.SIGTERM)
        wait_for(lambda process=process: process.poll() is not None, "the end of the server")
    (folder / "z.yaml").unlink()
    (folder / "d.yaml").write_text(DENY.replace("deny_message: Nobody", "deny_message: 5"))
    result = run("serve", "--seed", str(folder))
    assert result.returncode == 1
    assert f"{folder / 'd.yaml'}:1:101: deny_message: Not a valid string.\n" in result.stderr
    assert result.stdout == ""
    empty = tmp_path / "empty"
    empty.mkdir()
    _, _, process = start("serve", "--seed", str(empty))
    assert f"{empty}: no blueprint, nothing is applied\n" in process.output.read_text()


def test_dev__seed_default(start):
    wire, _, process = start("dev", "--seed", "default", FLOWS_BOOTSTRAP_TOKEN="mine")
    assert process.output.read_text().index("default: ") < process.output.read_text().index("URL: ")

    def flows():
        with contextlib.suppress(OSError):
            return wire.send("GET", FLOWS, [("Authorization", "Bearer mine")]).json()["results"]

    assert "default-authentication-flow" in {flow["slug"] for flow in wait_for(flows, "the first response")}
