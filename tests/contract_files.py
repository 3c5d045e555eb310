"""The contract, and copies of it to change."""

import shutil
from functools import cache
from pathlib import Path

from app.application import load_contract
from app.settings import Settings


@cache
def shipped():
    """The contract as it is, loaded once."""
    return load_contract(Settings())


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
