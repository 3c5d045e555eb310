"""The overlays of a contract that is being edited: what is followed, and what is found in them."""

import re
import shutil
from pathlib import Path

import pytest

from app.contract.document.versions import read
from app.dev.edited_versions import EditedVersions
from app.settings import Settings

FOLDER = Path(__file__).parent / "kinds"
OVERLAY = """\
overlay: 1.1.0
info: {{title: Things, version: {version}.0}}
extends: {extends}
{kinds}
actions:
  - target: $.info
    description: This is another version.
    update: {{version: {version}.0}}
  - target: $.components.schemas.Thing.properties.name
    description: The name has another length.
    update: {{maxLength: {length}}}
"""
STONES = """\
path: /stones/{name}/
operation: stones_update
permission: stones.view
schema: Stone
language: english
names: {many: stones}
properties: {name: {type: text}}
example: {}
"""


class Edited:
    """A contract with two overlays, the second of which lists a kind file, and what is found in them."""

    def __init__(self, folder):
        self.folder = folder
        root = folder / "small.yaml"
        root.write_text(root.read_text().replace('version: "1"', "version: 2024.8.0"))
        (folder / "versions").mkdir()
        self.write(
            "versions/2024.10.yaml", OVERLAY.format(version="2024.10", extends="../small.yaml", kinds="", length=8)
        )
        kinds = "x-kinds: {../template.yaml: [../stones.yaml]}"
        overlay = OVERLAY.format(version="2024.12", extends="2024.10.yaml", kinds=kinds, length=7)
        self.write("versions/2024.12.yaml", overlay)
        self.write("stones.yaml", STONES)
        self.versions = EditedVersions(Settings(contract=root))
        self._active = read(root)

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def found(self):
        """What is found after a save, each as `FILE:LINE:COLUMN: PROBLEM`."""
        found = self.versions.check(self._active)
        assert not self.versions.outdated()
        assert self.folder / "versions" in self.versions.folders()
        return [f"{Path(one.location.file).name}:{one.location.line}: {one.problem}" for one in found]


@pytest.fixture
def edited(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "contract")
    edited = Edited(tmp_path / "contract")
    assert edited.found() == []
    return edited


@pytest.mark.parametrize(
    ("name", "old", "new", "finding"),
    [
        ("things.yaml", "schema: Thing", "schema: Thingy", "2024.10.yaml:9: The target finds nothing."),
        ("versions/2024.10.yaml", "$.info", "$.infos", "2024.10.yaml:6: The target finds nothing."),
        ("versions/2024.10.yaml", "actions:", "actoins:", "2024.10.yaml:5: The key 'actoins' has no meaning here."),
        ("versions/2024.12.yaml", "maxLength: 7", "maxLength: 8", "2024.12.yaml:11: This changes nothing at '"),
        ("versions/2024.12.yaml", "stones", "pebbles", "2024.12.yaml:4: The file '../pebbles.yaml' can't be read"),
        ("stones.yaml", "type: text", "type: texts", "stones.yaml:7: "),
        ("template.yaml", "document:", "documents:", "template.yaml:"),
    ],
)
def test_a_save_that_breaks_a_version_is_followed_and_located_until_it_is_corrected(edited, name, old, new, finding):
    before = (edited.folder / name).read_text()
    assert old in before
    edited.write(name, before.replace(old, new))
    assert edited.versions.outdated()
    found = edited.found()
    assert any(one.startswith(finding) for one in found), found
    edited.write(name, before)
    assert edited.versions.outdated()
    assert edited.found() == []


def test_an_overlay_that_is_added_or_removed_is_followed(edited):
    further = OVERLAY.format(version="2025.2", extends="2024.12.yaml", kinds="", length=6)
    edited.write("versions/2025.2.yaml", further.replace("2024.12.yaml", "2024.11.yaml"))
    assert edited.versions.outdated()
    (found,) = edited.found()
    assert re.match(r"2025\.2\.yaml:3: '2024\.11\.yaml' is neither the contract nor an overlay", found)
    edited.write("versions/2025.2.yaml", further)
    assert edited.versions.outdated()
    assert edited.found() == []
    (edited.folder / "versions/2024.12.yaml").unlink()
    assert edited.versions.outdated()
    assert len(edited.found()) == 1


def test_a_contract_without_overlays_may_get_some(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "contract")
    versions = EditedVersions(Settings(contract=(tmp_path / "contract/small.yaml")))
    assert versions.check(read(tmp_path / "contract/small.yaml")) == []
    assert not versions.outdated()
    edited = Edited(tmp_path / "contract")
    assert versions.outdated()
    assert edited.found() == []


def test_a_contract_that_is_broken_is_looked_at_once(edited):
    edited.write("small.yaml", "nothing")
    assert edited.versions.outdated()
    assert edited.versions.check(read(FOLDER / "small.yaml")) != []
    assert not edited.versions.outdated()
