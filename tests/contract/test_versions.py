"""The versions of the contract: overlays, and what they make of it."""

import hashlib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from app.application import check_overlays, load_contract
from app.cli.bundle import command as bundle
from app.cli.versions import command as list_versions
from app.contract.document import bundling
from app.contract.document.contract import part_at
from app.contract.document.findings import ContractError
from app.contract.document.overlays import FOLDER, order_of, version_named
from app.contract.document.versions import UnknownVersion, names, overlays, read
from app.contract.document.yaml_file import FileMemory
from app.handlers import discover
from app.settings import Settings
from tests.contract_files import contract_of, copied

SMALL = Path(__file__).parent / "versioned/small.yaml"
ROOT = Settings().contract
OVERLAYS = overlays(ROOT)
NEWEST = OVERLAYS[-1].version
RELEASED = dict(line.split()[::-1] for line in (Path(__file__).parent / "released.sha256").read_text().splitlines())


def test_a_released_overlay_never_changes():
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((ROOT.parent / FOLDER).iterdir())
    }
    assert {name: digests.get(name) for name in RELEASED} == RELEASED
    assert digests.keys() - RELEASED.keys() == set(), "add the digest of the new overlay"


def test_each_version_has_a_later_name_and_release_than_the_one_before():
    known = names(ROOT, read(ROOT).release)
    assert known[1:] == tuple(overlay.version for overlay in OVERLAYS)
    assert list(known) == sorted(known, key=order_of)


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda overlay: overlay.version)
def test_each_version_can_be_served(overlay):
    contract = load_contract(Settings(), version=overlay.version)
    assert contract.release == overlay.release
    assert contract.sources[-1].name.endswith(f"{overlay.version}.yaml")


def test_each_handler_serves_an_operation_of_a_version():
    contracts = [read(ROOT), *(contract_of(overlay.version) for overlay in OVERLAYS)]
    served = {operation["operationId"] for contract in contracts for *_, operation in contract.operations()}
    assert discover().keys() - served == set()


@pytest.mark.parametrize("path", [SMALL, ROOT], ids=["small", "shipped"])
def test_each_part_of_a_version_is_where_its_file_has_it(path):
    contract = read(path, overlays(path)[-1].version)
    copied = ("actions", "copy")

    def compared(pointer, node):
        if isinstance(node, dict | list):
            for key, part in node.items() if isinstance(node, dict) else enumerate(node):
                compared((*pointer, key), part)
        else:
            file, place = contract.origin(pointer)
            if place[::2][:2] != copied:
                assert part_at(file.document, place) == node, pointer

    compared((), contract.document)


def test_the_first_version_is_the_contract_without_overlays():
    first = read(SMALL, "2024.8")
    assert first.document == bundling.read(SMALL).document
    assert len(first.sources) == 1


def test_a_version_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(UnknownVersion, match=r"^There is no version '2024.9'. There are: 2024.8, 2024.10, 2025.2.$"):
        read(SMALL, "2024.9")


@pytest.mark.parametrize("name", ["", "../small", "2024.10.yaml", "2024.10/", "20241"])
def test_a_name_that_is_no_version_names_no_file(name):
    with pytest.raises(UnknownVersion):
        read(SMALL, name)


def test_an_overlay_does_not_change_what_the_version_before_is_read_from():
    files = FileMemory()
    before = read(SMALL, None, None, files.read_file, files.resolve)
    text = repr(before.document)
    read(SMALL, "2025.2", None, files.read_file, files.resolve)
    assert repr(before.document) == text
    assert read(SMALL, None, None, files.read_file, files.resolve).document == before.document


def test_what_an_overlay_brought_is_at_its_line():
    contract = read(SMALL, "2025.2", "small.yaml")
    color = ("components", "schemas", "Thing", "properties", "color")
    assert contract.at((*color, "enum")) == ["green", "blue"]
    assert str(contract.locate((*color, "enum", 0))) == "small.yaml:75:23"
    assert str(contract.locate((*color, "enum", 1))) == "versions/2024.10.yaml:15:14"
    assert str(contract.locate((*color, "x-create-default"))) == "versions/2025.2.yaml:18:7"
    assert str(contract.locate((*color, "type"))) == "small.yaml:74:11"


def test_what_an_overlay_copied_is_at_its_line(tmp_path):
    for path in (SMALL, *SMALL.parent.rglob("versions/*.yaml")):
        target = tmp_path / path.relative_to(SMALL.parent)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    action = "  - {target: $.components.schemas, description: A copy., update: {Copy: {}}}\n"
    copy = "  - {target: $.components.schemas.Copy, description: A copy., copy: $.components.schemas.Thing}\n"
    overlay = tmp_path / "versions/2025.2.yaml"
    overlay.write_text(overlay.read_text() + action + copy)
    contract = read(tmp_path / "small.yaml", "2025.2", "small.yaml")
    schemas = contract.document["components"]["schemas"]
    assert schemas["Copy"] == schemas["Thing"]
    line = overlay.read_text().splitlines().index(copy.rstrip("\n")) + 1
    assert str(contract.locate(("components", "schemas", "Copy", "type"))).startswith(f"versions/2025.2.yaml:{line}:")


def test_a_version_is_cached_with_its_overlays(tmp_path):
    checked = load_contract(Settings(), version=NEWEST)
    cached = [load_contract(Settings(), version=NEWEST, cache=tmp_path / "cache") for _ in range(2)][1]
    assert cached.document == checked.document
    assert cached.texts == checked.texts
    place = ("info", "version")
    assert (
        cached.locate(place) == checked.locate(place) == OVERLAYS[-1].file.locate(("actions", 0, "update", "version"))
    )
    assert load_contract(Settings(), cache=tmp_path / "cache").release != checked.release
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_start_checks_the_overlays_although_no_version_is_asked_for(tmp_path):
    contract = copied(tmp_path / "openapi")
    settings, cache = Settings(contract=contract), tmp_path / "cache"
    load_contract(settings, cache=cache)
    overlay = contract.parent / FOLDER / f"{NEWEST}.yaml"
    text = overlay.read_text("utf-8")
    overlay.write_text(text + "  - {target: $.nothing, description: Nothing., remove: true}\n", "utf-8")
    with pytest.raises(ContractError, match=rf"{NEWEST}.yaml:{len(text.splitlines()) + 1}:6: The target finds nothing"):
        load_contract(settings, cache=cache)
    overlay.write_text(text, "utf-8")
    assert load_contract(settings, cache=cache).release == read(ROOT).release
    (contract.parent / "stages/redirect.yaml").write_text("no: kind\n", "utf-8")
    with pytest.raises(ContractError, match=r"stages/redirect.yaml:1:1: "):
        load_contract(settings, cache=cache)


@pytest.mark.parametrize("stand_ins", ["[a]", "null", "text", "{'*': [a]}", "{'*': {a: b}}"])
def test_a_start_says_where_stand_ins_are_malformed(tmp_path, stand_ins):
    contract = copied(tmp_path / "openapi")
    overlay = contract.parent / FOLDER / f"{NEWEST}.yaml"
    actions = (
        """  - {target: "$.components.schemas.AppEnum['x-stand-in']", description: A., remove: true}\n"""
        f"  - {{target: $.components.schemas.AppEnum, description: A., update: {{x-stand-in: {stand_ins}}}}}\n"
    )
    overlay.write_text(overlay.read_text("utf-8") + actions, "utf-8")
    with pytest.raises(ContractError, match=rf"{NEWEST}.yaml:\d+:\d+: `x-stand-in` does not map values to values"):
        check_overlays(contract)


def invoke(command, *arguments, contract=ROOT):
    return CliRunner().invoke(command, arguments, obj=Settings(contract=contract))


def test_the_versions_are_listed_with_what_each_changes():
    listed = invoke(list_versions).stdout
    places = [listed.index(f"{name} (authentik {name}.") for name in names(ROOT, read(ROOT).release)]
    assert places == sorted(places)
    assert "  - New: redirect stages (/stages/redirect/). " in listed
    for overlay in OVERLAYS:
        said = invoke(list_versions, overlay.version).stdout
        assert said in listed
        assert all(f"  - {action['description']}\n" in said for _, action in overlay.actions)


def test_the_first_version_is_listed_although_no_overlay_makes_it():
    release = read(ROOT).release
    assert invoke(list_versions, "2024.8").stdout == f"2024.8 (authentik {release})\n"


@pytest.mark.parametrize("release", ["2024.10.0", "2024.10.5", " 2024.10.5-rc1 ", "2024.10"])
def test_a_release_names_its_version(release):
    assert version_named(release) == "2024.10"
    assert read(SMALL, release).release == read(SMALL, "2024.10").release
    small = invoke(list_versions, release, contract=SMALL)
    assert (small.exit_code, small.stdout) == (0, invoke(list_versions, "2024.10", contract=SMALL).stdout)
    bundled = invoke(bundle, "--version", release, contract=SMALL)
    assert (bundled.exit_code, bundled.stdout) == (0, invoke(bundle, "--version", "2024.10", contract=SMALL).stdout)


@pytest.mark.parametrize("text", ["main", "2024", "2024.10.x", "v2024.10.1", "2024.100.1", "2024.10-fix", ""])
def test_another_text_names_no_version(text):
    assert version_named(text) == text


def test_the_version_of_the_settings_may_be_a_release():
    served = load_contract(Settings(version="2024.10.5"))
    assert served.release == read(ROOT, "2024.10").release


def test_a_version_that_no_overlay_makes_is_not_listed():
    result = invoke(list_versions, "2024.9")
    assert (result.exit_code, "No overlay makes the version '2024.9'." in result.output) == (2, True)


def test_overlays_that_can_not_be_read_are_not_listed(tmp_path):
    contract = copied(tmp_path / "openapi")
    overlay = contract.parent / FOLDER / f"{NEWEST}.yaml"
    overlay.write_text(overlay.read_text("utf-8") + "x-kinds: [a]\n", "utf-8")
    result = invoke(list_versions, contract=contract)
    assert (result.exit_code, "The kind files are not listed." in result.output) == (1, True)


def test_a_version_is_bundled():
    bundled = yaml.safe_load(invoke(bundle, "--version", NEWEST).stdout)
    assert bundled["info"]["version"] == OVERLAYS[-1].release
    assert invoke(bundle, "--version", "2024.9").exit_code == 2
