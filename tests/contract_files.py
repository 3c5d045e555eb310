"""The contract, and copies of it to change."""

import hashlib
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from app.application import load_contract
from app.contract.checks import Draft
from app.contract.document.versions import read
from app.settings import Settings
from tests.examples import creators

# A contract takes some 25 MB; tests that share one follow each other.
_KEPT = 8
_loaded = {}

# All contracts are loaded from this folder, one after the other, as edits of a contract: only what differs is checked.
_folder = tempfile.TemporaryDirectory(prefix="flows-contract-")
_draft = Draft()


def load(path):
    """Load a contract, once for successive tests with the same files. :raises ContractError: it can't be served"""
    texts = _texts(path)
    if texts == _shipped_texts():
        return shipped()
    digest = hashlib.sha256(repr(sorted(texts.items())).encode()).digest()
    contract = _loaded.pop(digest, None) or _load_edited(path.name, texts)
    _loaded[digest] = contract
    if len(_loaded) > _KEPT:
        del _loaded[next(iter(_loaded))]
    return contract


def _texts(path):
    """The files of a contract by their paths in its folder."""
    return {str(file.relative_to(path.parent)): file.read_bytes() for file in (path, *path.parent.rglob("*.yaml"))}


@cache
def _shipped_texts():
    return _texts(Settings().contract)


def _load_edited(name, texts):
    folder = Path(_folder.name)
    for file in folder.rglob("*.yaml"):
        if str(file.relative_to(folder)) not in texts:
            file.unlink()
    for file, text in texts.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(text)
    return load_contract(replace(Settings(), contract=folder / name), draft=_draft)


@cache
def shipped():
    """The contract as it is."""
    return load_contract(Settings())


@cache
def contract_of(version):
    """A version of the contract as it is, without the checks."""
    return read(Settings().contract, version)


def models_with_paths(contract):
    """The names of the models that `x-serves` names, and that requests can make objects of."""
    scopes = dict.fromkeys(item.get("x-serves") for item in contract.document["paths"].values())
    return [scope for scope in scopes if scope in creators(contract)]


def copied(folder):
    """Copy all files of the contract to a folder that is not there yet. :returns: the first one's path"""
    contract = Settings().contract
    shutil.copytree(contract.parent, folder)
    return Path(folder) / contract.name


def replaced(contract, old, new):
    """Replace a text that stands once in the first file of a contract, or once in all files."""
    paths = [contract] if old in contract.read_text("utf-8") else list(contract.parent.rglob("*.yaml"))
    found = [path for path in paths for _ in range(path.read_text("utf-8").count(old))]
    assert len(found) == 1, f"{old!r} stands {len(found)} times in the contract"
    found[0].write_text(found[0].read_text("utf-8").replace(old, new), "utf-8")


def loaded(folder, *replacements, edit=lambda path: None):
    """Copy the contract to a folder that is not there yet, change it, and load it.

    :param replacements: pairs of a text and another one that takes its place
    :param edit: changes what is copied in other ways
    """
    path = copied(folder)
    for old, new in replacements:
        replaced(path, old, new)
    edit(path)
    return load(path)


def with_another_stage(contract, kind, name):
    """Add a kind of stage to a contract: like another one, under its own name. :returns: the contract's path"""
    stages = contract.parent / "stages"
    text = (stages / f"{kind}.yaml").read_text("utf-8")
    text = text.replace(kind, name).replace(kind.title(), name.title())
    (stages / f"{name}.yaml").write_text(text, "utf-8")
    line = f"    - stages/{kind}.yaml\n"
    replaced(contract, line, f"{line}    - stages/{name}.yaml\n")
    return contract
