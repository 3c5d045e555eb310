"""Contracts that have passed the checks are not checked again while they, and the code, stay as they are."""

import hashlib
import marshal
import os
import shutil
from pathlib import Path

import pytest

from app.contract.checks import checked_cache
from app.contract.document.bundling import read
from app.contract.document.findings import ContractError, Finding, Location

PARTED = Path(__file__).parents[1] / "contract" / "parted"


@pytest.fixture
def contract(tmp_path):
    folder = tmp_path / "contract"
    shutil.copytree(PARTED, folder)
    return folder / "small.yaml"


@pytest.fixture
def load(contract, tmp_path):
    """Loads the contract, and says whether it was checked."""
    cache = tmp_path / "cache"

    def loaded():
        checked = []

        def check(draft):
            checked.append(draft)
            return draft.read(contract, None)

        return checked_cache.load(contract, cache, check), bool(checked)

    loaded.folder = cache
    return loaded


def parts_of(part, pointer=()):
    """The pointers of a document's parts."""
    yield pointer
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield from parts_of(value, (*pointer, key))


def stored(content):
    """The bytes of an entry with some content."""
    return hashlib.sha256(content).digest() + content


def entry_of(load):
    (entry,) = load.folder.iterdir()
    return entry


def test_a_contract_is_checked_once(load):
    assert [load()[1] for _ in range(3)] == [True, False, False]


def test_a_cached_contract_is_the_one_that_was_checked(load):
    (checked, _), (cached, _) = load(), load()
    assert cached.document == checked.document
    assert (cached.name, cached.files, cached.texts, cached.text) == (
        checked.name,
        checked.files,
        checked.texts,
        checked.text,
    )
    assert [(file.name, place) for file, place, _ in cached.references()] == [
        (file.name, place) for file, place, _ in checked.references()
    ]


def test_each_part_of_a_cached_contract_has_the_location_of_the_parsed_one(load, contract):
    cached, parsed = load()[0], read(contract)
    parts = list(parts_of(parsed.document))
    assert [cached.locate(part) for part in parts] == [parsed.locate(part) for part in parts]
    assert {cached.locate(part).file for part in parts} == parsed.texts.keys()


@pytest.mark.parametrize("missing", [("info", "x"), ("servers", 7, "url"), ("info", "title", "x"), ("x", 0)])
def test_a_missing_part_is_located_at_its_nearest_ancestor(load, contract, missing):
    assert load()[0].locate(missing) == read(contract).locate(missing)


def test_a_part_is_found_where_it_stood_when_the_contract_was_loaded(load, contract):
    load()
    cached, _ = load()
    place = next(pointer for pointer, *_ in cached.operations())
    contract.write_text("not: openapi\n")
    assert cached.locate(place) == read(PARTED / "small.yaml", cached.name).locate(place)


@pytest.mark.parametrize("name", ["small.yaml", "parts/colors.yaml"])
def test_a_contract_with_a_changed_file_is_checked_again(load, contract, name):
    load()
    file = contract.parent / name
    file.write_bytes(file.read_bytes() + b"# A comment.\n")
    assert [load()[1] for _ in range(2)] == [True, False]


def test_a_contract_whose_link_leads_to_another_file_is_checked_again(load, contract):
    file = contract.parent / "parts" / "colors.yaml"
    file.rename(file.with_name("one.yaml"))
    shutil.copy(file.with_name("one.yaml"), file.with_name("two.yaml"))
    file.symlink_to("one.yaml")
    assert [load()[1] for _ in range(2)] == [True, False]
    file.unlink()
    file.symlink_to("two.yaml")
    assert load()[1] is True


def test_a_contract_that_other_code_has_checked_is_checked_again(load):
    load()
    entry = entry_of(load)
    _, *rest = marshal.loads(entry.read_bytes()[32:])
    entry.write_bytes(stored(marshal.dumps(("other code", *rest))))
    assert [load()[1] for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    "content", [b"", b"\0", marshal.dumps(None), stored(marshal.dumps((1, 2, 3, 4))), b"\xff" * 100]
)
def test_a_damaged_entry_is_replaced(load, content):
    load()
    entry_of(load).write_bytes(content)
    assert [load()[1] for _ in range(2)] == [True, False]


@pytest.mark.parametrize("at", [0, 31, 32, 200, -1])
def test_a_changed_byte_of_an_entry_is_noticed(load, at):
    load()
    content = bytearray(entry_of(load).read_bytes())
    content[at] ^= 1
    entry_of(load).write_bytes(content)
    assert [load()[1] for _ in range(2)] == [True, False]


@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_an_entry_that_others_can_write_to_is_not_read(load, mode):
    load()
    entry_of(load).chmod(mode)
    assert load()[1] is True


def test_a_folder_that_others_can_write_to_is_neither_read_nor_written_to(load):
    load()
    load.folder.chmod(0o777)
    entry_of(load).unlink()
    assert [load()[1] for _ in range(2)] == [True, True]
    assert not list(load.folder.iterdir())


def test_a_link_to_a_folder_is_neither_read_nor_written_to(load, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    load.folder.symlink_to(elsewhere)
    assert [load()[1] for _ in range(2)] == [True, True]
    assert not list(elsewhere.iterdir())


def test_files_that_are_no_entries_stay(contract, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    for number in range(30):
        (cache / f"{number}.txt").touch()
        os.utime(cache / f"{number}.txt", (0, 0))
    checked_cache.load(contract, cache, lambda draft: draft.read(contract, None))
    assert len(list(cache.iterdir())) == 31


def test_entries_are_their_owners_alone(load):
    load()
    assert [path.stat().st_mode & 0o777 for path in (load.folder, entry_of(load))] == [0o700, 0o600]


def test_a_cache_that_can_not_be_written_to_costs_nothing_but_time(load):
    load.folder.write_text("no folder")
    assert [load()[1] for _ in range(2)] == [True, True]


def test_the_oldest_entries_go(contract, tmp_path):
    cache = tmp_path / "cache"
    for number in range(23):
        copy = shutil.copytree(contract.parent, tmp_path / str(number)) / "small.yaml"
        checked_cache.load(copy, cache, lambda draft, copy=copy: draft.read(copy, None))
    assert len(list(cache.iterdir())) == 20


def test_a_contract_with_findings_is_not_cached(load, contract):
    def check(_draft):
        raise ContractError([Finding(Location("small.yaml", 1, 1), "It is wrong.", "Correct it.")])

    for _ in range(2):
        with pytest.raises(ContractError):
            checked_cache.load(contract, load.folder, check)
    assert not load.folder.exists()


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, Path("/x/flows-server")),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, Path("/h/.cache/flows-server")),
        ({"HOME": "/h"}, Path("/h/.cache/flows-server")),
        ({}, None),
    ],
)
def test_the_folder_of_the_cache(environment, folder):
    assert checked_cache.default_folder(environment) == folder
