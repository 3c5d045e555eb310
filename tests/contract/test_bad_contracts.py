"""Contracts that stop the boot, each with all that is said of it."""

import copy
import re
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.contract import checks
from app.contract.checks.stand_ins import check_stand_ins
from app.contract.document.findings import ContractError
from app.contract.document.versions import overlays, read
from app.contract.validation.schemas import Direction, SchemaReader
from tests.contract.keeping import implementation, keeping

FOLDER = Path(__file__).parent
CORPUS = yaml.safe_load((FOLDER / "bad_contracts.yaml").read_text("utf-8"))
CORPUS_OF_KINDS = yaml.safe_load((FOLDER / "bad_kinds.yaml").read_text("utf-8"))
CORPUS_OF_OVERLAYS = yaml.safe_load((FOLDER / "bad_overlays.yaml").read_text("utf-8"))
CORPUS_OF_FILES = yaml.safe_load((FOLDER / "bad_contracts_of_files.yaml").read_text("utf-8"))


def things_update(store, name, body, size, q):
    """Stands behind small.yaml."""


def things_forgotten(store):
    """Serves nothing."""


def sizes_retrieve(store):
    """Serves what is constant."""


HANDLERS = {
    "one": {"things_update": things_update},
    "none": {},
    "sizes": {"things_update": things_update, "sizes_retrieve": sizes_retrieve},
    "more": {"things_update": things_update, "things_forgotten": things_forgotten},
}


def loaded(path, handlers="one", draft=None, version=None):
    """The contract, or what is said of it."""
    path = Path(path)
    standing = implementation(HANDLERS[handlers], lambda _: keeping("name", "color", "weight"))
    try:
        return checks.load(path, standing, path.name, version=version, thorough=True, draft=draft), []
    except ContractError as error:
        return None, [str(finding) for finding in error.findings]


def says(path, handlers="one"):
    return loaded(path, handlers)[1]


def says_of_versions(path):
    """What is said of the versions of a contract, of the earliest with findings."""
    try:
        found = [None, *(overlay.version for overlay in overlays(path, path.name))]
    except ContractError as error:
        return [str(finding) for finding in error.findings]
    said = next(filter(None, (loaded(path, version=version)[1] for version in found)), [])
    if said or len(found) == 1:
        return said
    return [str(one) for one in check_stand_ins(read(path, None, path.name), read(path, found[-1], path.name))]


@pytest.mark.parametrize("path", ["small.yaml", "parted/small.yaml", "kinds/small.yaml", "versioned/small.yaml"])
def test_the_contract_that_is_spoilt_is_good(path):
    assert says_of_versions(FOLDER / path) == []


def replaced(text, old, new):
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new)


@pytest.mark.parametrize("edited", [False, True], ids=["new", "edited"])
@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: bad["name"].replace(" ", "-"))
def test_bad_contract(bad, edited, tmp_path):
    draft = checks.Draft()
    if edited:
        assert loaded(shutil.copy(FOLDER / "small.yaml", tmp_path), draft=draft)[1] == []
    text = bad.get("content", (FOLDER / "small.yaml").read_text("utf-8"))
    for old, new in bad.get("replace", ()):
        text = replaced(text, old, new)
    content = bytes.fromhex(bad["bytes"]) if "bytes" in bad else text.encode()
    (tmp_path / "small.yaml").write_bytes(content)
    said = loaded(tmp_path / bad.get("file", "small.yaml"), bad.get("handlers", "one"), draft)[1]
    assert without_lines(said) == bad["says"]


def without_lines(said):
    """Findings without the lines of this file, which change with it."""
    for function in (things_update, things_forgotten, sizes_retrieve):
        place = f"tests/contract/test_bad_contracts.py:{function.__code__.co_firstlineno}:1"
        said = [message.replace(place, "HANDLERS") for message in said]
    return said


@pytest.mark.parametrize(
    ("files", "bad"),
    [("parted", bad) for bad in CORPUS_OF_FILES]
    + [("kinds", bad) for bad in CORPUS_OF_KINDS]
    + [("versioned", bad) for bad in CORPUS_OF_OVERLAYS],
    ids=lambda given: given if isinstance(given, str) else given["name"].replace(" ", "-"),
)
def test_bad_contract_of_several_files(files, bad, tmp_path):
    folder = shutil.copytree(FOLDER / files, tmp_path / files)
    for name, replacements in bad.get("replace", {}).items():
        for old, new in replacements:
            (folder / name).write_text(replaced((folder / name).read_text("utf-8"), old, new), "utf-8")
    for name, content in bad.get("write", {}).items():
        (folder / name).write_text(content, "utf-8")
    assert without_lines(says_of_versions(folder / "small.yaml")) == bad["says"]


@pytest.mark.parametrize("corpus", [CORPUS, CORPUS_OF_FILES, CORPUS_OF_KINDS, CORPUS_OF_OVERLAYS])
def test_the_corpus_is_large_enough(corpus):
    assert len(corpus) >= 15
    assert len({bad["name"] for bad in corpus}) == len(corpus)


def _places(node, path=()):
    yield path
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from _places(node[key], (*path, key))


CONTRACTS = {
    name: {str(path.relative_to(root.parent)): yaml.safe_load(path.read_text("utf-8")) for path in paths}
    for name, root, paths in [
        ("one file", FOLDER / "small.yaml", [FOLDER / "small.yaml"]),
        ("files", FOLDER / "parted/small.yaml", sorted((FOLDER / "parted").rglob("*.yaml"))),
        ("kinds", FOLDER / "kinds/small.yaml", sorted((FOLDER / "kinds").rglob("*.yaml"))),
        ("versions", FOLDER / "versioned/small.yaml", sorted((FOLDER / "versioned").rglob("*.yaml"))),
    ]
}
PLACES = [
    (name, file, place)
    for name, files in CONTRACTS.items()
    for file, document in files.items()
    for place in list(_places(document))[1:]
]


def write(folder, documents):
    for path, document in documents.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoilt=st.sampled_from(PLACES), value=st.sampled_from([..., None, [], {}, 1, "x", True, [{}], {"x": {}}]))
def test_any_part_may_be_missing_or_of_another_kind(tmp_path, spoilt, value):
    name, file, place = spoilt
    documents = copy.deepcopy(CONTRACTS[name])
    parent = documents[file]
    for key in place[:-1]:
        parent = parent[key]
    if value is ...:
        del parent[place[-1]]
    else:
        parent[place[-1]] = value
    write(tmp_path, documents)
    for message in says_of_versions(tmp_path / "small.yaml"):
        assert re.match(r"\S+:\d+:\d+: \S.+[.!?`]$", message, re.DOTALL), message


def schemas_of(contract):
    """What is made of the schemas of a contract."""
    if contract is None:
        return None
    readers = [SchemaReader(contract, direction) for direction in Direction]
    names = contract.document.get("components", {}).get("schemas", {})
    return [reader.json_schema({"$ref": f"#/components/schemas/{name}"}) for reader in readers for name in names]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(sorted(CONTRACTS)))
def test_a_contract_that_is_edited_is_looked_at_as_one_that_is_new(tmp_path, data, name):
    draft = checks.Draft()
    documents = copy.deepcopy(CONTRACTS[name])
    for edits in data.draw(st.lists(st.integers(0, 3), min_size=2, max_size=4)):
        for _ in range(edits):
            file = data.draw(st.sampled_from(sorted(documents)))
            place = data.draw(st.sampled_from(list(_places(documents[file]))[1:]))
            parent = documents[file]
            for key in place[:-1]:
                parent = parent[key]
            parent[place[-1]] = data.draw(st.sampled_from([True, [], {}, "name", 3, parent[place[-1]]]))
        write(tmp_path, documents)
        version = "2025.2" if name == "versions" else None
        edited = loaded(tmp_path / "small.yaml", draft=draft, version=version)
        new = loaded(tmp_path / "small.yaml", version=version)
        assert edited[1] == new[1]
        assert schemas_of(edited[0]) == schemas_of(new[0])
        if new[0] is None:
            documents = copy.deepcopy(CONTRACTS[name])
