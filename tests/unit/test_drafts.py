"""What makes a contract that is edited quick to read again, and its mistakes easy to see."""

import shutil
from pathlib import Path

import pytest

from app.contract.checks.parts import units
from app.contract.document.bundling import path_of, read
from app.contract.document.code_frames import framed
from app.contract.document.findings import ContractError, Finding, Location
from app.contract.document.yaml_file import FileMemory
from app.contract.validation.schemas import Direction, SchemaReader, let_reuse

PARTED = Path(__file__).parents[1] / "contract" / "parted"


@pytest.fixture
def contract(tmp_path):
    return Path(shutil.copytree(PARTED, tmp_path / "parted")) / "small.yaml"


def further(contract):
    return next(path for path in sorted(contract.parent.rglob("*.yaml")) if path != contract)


def test_only_files_that_have_changed_are_read_again(contract):
    memory = FileMemory()
    first = read(contract, read_file=memory.read_file)
    assert first.document == read(contract).document
    assert not memory.outdated()
    changed = further(contract)
    changed.write_text(changed.read_text() + "# changed\n")
    assert memory.outdated()
    memory.begin()
    second = read(contract, read_file=memory.read_file)
    memory.end()
    assert second.document == first.document
    (again,) = [file for file in second.sources if file not in first.sources]
    assert again.path == changed
    # What was made of the earlier one still is what it was.
    assert first.document == read(contract).document


def test_a_file_that_is_missing_is_waited_for(contract):
    memory = FileMemory()
    gone = further(contract)
    text = gone.read_text()
    gone.unlink()
    with pytest.raises(ContractError):
        read(contract, read_file=memory.read_file)
    assert not memory.outdated()
    gone.write_text(text)
    assert memory.outdated()


def test_a_link_that_leads_to_another_file_is_a_change(tmp_path):
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        # The same text: another folder has other files beside it.
        (tmp_path / version / "a.yaml").write_text("a: 1\n")
    link, path = tmp_path / "data", tmp_path / "a.yaml"
    link.symlink_to("one")
    path.symlink_to("data/a.yaml")
    memory = FileMemory()
    read(path, read_file=memory.read_file, resolve=memory.resolve)
    assert memory.folders() == {tmp_path, tmp_path / "one"}
    assert not memory.outdated()
    link.unlink()
    assert memory.outdated()
    link.symlink_to("two")
    assert memory.outdated()


def test_links_in_a_circle_are_a_finding(tmp_path):
    path = tmp_path / "a.yaml"
    path.symlink_to("b.yaml")
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    memory = FileMemory()
    with pytest.raises(ContractError, match=r"The contract can't be read: .+ symbolic links"):
        read(path, "a.yaml", memory.read_file, memory.resolve)
    assert not memory.outdated()
    assert memory.folders() == {tmp_path}
    (tmp_path / "b.yaml").unlink()
    (tmp_path / "b.yaml").write_text("a: 1")
    assert memory.outdated()


def test_what_is_not_there_yet_is_watched_from_the_nearest_folder(tmp_path):
    memory = FileMemory()
    with pytest.raises(ContractError):
        read(tmp_path / "b" / "c" / "a.yaml", read_file=memory.read_file, resolve=memory.resolve)
    assert memory.folders() == {tmp_path}


def test_validators_of_the_same_schemas_are_used_again(tmp_path):
    def contract(limit):
        path = tmp_path / f"{limit}.yaml"
        path.write_text(
            "openapi: 3.0.3\npaths: {}\ncomponents:\n  schemas:\n"
            f"    Inner: {{type: string, maxLength: {limit}}}\n"
            "    Outer: {type: array, items: {$ref: '#/components/schemas/Inner'}}\n"
            "    Other: {type: integer}\n"
        )
        return read(path)

    def validators(loaded):
        reader = SchemaReader(loaded, Direction.REQUEST)
        return {
            name: reader.validator({"$ref": f"#/components/schemas/{name}"}) for name in ("Inner", "Outer", "Other")
        }

    earlier, later = contract(1), contract(2)
    before = validators(earlier)
    now, then = units(later.document), units(earlier.document)
    let_reuse(later, earlier, {place for place in now if now[place] == then[place]})
    after = validators(later)
    assert [name for name in before if before[name] is after[name]] == ["Other"]
    assert not before["Outer"].is_valid(["ab"])
    assert after["Outer"].is_valid(["ab"])


def test_validators_of_who_owns_another_schema_are_made_anew(tmp_path):
    path = tmp_path / "a.yaml"

    def contract(owned):
        path.write_text(
            "openapi: 3.0.3\npaths: {}\ncomponents:\n  schemas:\n"
            f"    Key: {{type: integer, readOnly: {owned}}}\n"
            "    Named: {$ref: '#/components/schemas/Key'}\n"
            "    Thing: {type: object, required: [key], properties: {key: {$ref: '#/components/schemas/Named'}}}\n"
        )
        return read(path)

    def takes_nothing(loaded):
        return SchemaReader(loaded, Direction.REQUEST).validator({"$ref": "#/components/schemas/Thing"}).is_valid({})

    earlier, later = contract("true"), contract("false")
    assert takes_nothing(earlier)
    let_reuse(later, earlier, {("components", "schemas", name) for name in ("Named", "Thing")})
    assert not takes_nothing(later)


def test_the_lines_around_a_mistake(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("\n".join(f"line {number}" for number in range(1, 12)))
    finding = Finding(Location(str(path), 9, 6), "Wrong.", "Mend it.")
    ((found, lines),) = framed([finding])
    assert found is finding
    assert lines.splitlines() == [
        "   7 | line 7",
        "   8 | line 8",
        ">  9 | line 9",
        "     |      ^",
        "  10 | line 10",
        "  11 | line 11",
    ]
    path.unlink()
    assert framed([finding])[0].lines == ""


def test_the_names_that_messages_have_lead_to_the_files(monkeypatch, tmp_path):
    shipped = read(Path(__file__).parents[2] / "openapi" / "authentik-flows.yaml")
    assert shipped.name == "openapi/authentik-flows.yaml"
    # From elsewhere, too.
    monkeypatch.chdir(tmp_path)
    assert read(shipped.files[0]).name == shipped.name
    assert path_of(shipped.name).samefile(shipped.files[0])
