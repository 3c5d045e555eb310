"""Contracts that stop the boot, each with all that is said of it."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.contract import checks
from app.contract.findings import ContractError

FOLDER = Path(__file__).parent
CORPUS = yaml.safe_load((FOLDER / "bad_contracts.yaml").read_text("utf-8"))


def things_update(store, name, body, size, q):
    """Stands behind small.yaml."""


def things_forgotten(store):
    """Serves nothing."""


HANDLERS = {
    "one": {"things_update": things_update},
    "none": {},
    "more": {"things_update": things_update, "things_forgotten": things_forgotten},
}


def says(path, handlers="one"):
    implementation = checks.Implementation(HANDLERS[handlers], lambda _: frozenset({"name", "color"}))
    try:
        checks.load(path, implementation, path.name)
    except ContractError as error:
        return [str(finding) for finding in error.findings]
    return []


def test_the_contract_that_is_spoilt_is_good():
    assert says(FOLDER / "small.yaml") == []


@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: bad["name"].replace(" ", "-"))
def test_bad_contract(bad, tmp_path):
    text = bad.get("content", (FOLDER / "small.yaml").read_text("utf-8"))
    for old, new in bad.get("replace", ()):
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    content = bytes.fromhex(bad["bytes"]) if "bytes" in bad else text.encode()
    (tmp_path / "small.yaml").write_bytes(content)
    said = says(tmp_path / bad.get("file", "small.yaml"), bad.get("handlers", "one"))
    lines = {function.__code__.co_firstlineno: function.__name__ for function in (things_update, things_forgotten)}
    for line in lines:
        said = [sentence.replace(f"tests/contract/test_bad_contracts.py:{line}:1", "HANDLERS") for sentence in said]
    assert said == bad["says"]


def test_the_corpus_is_large_enough():
    assert len(CORPUS) >= 25
    assert len({bad["name"] for bad in CORPUS}) == len(CORPUS)


def _places(node, path=()):
    yield path
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from _places(node[key], (*path, key))


SMALL = yaml.safe_load((FOLDER / "small.yaml").read_text("utf-8"))
PLACES = list(_places(SMALL))[1:]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=st.sampled_from([..., None, [], {}, 1, "x", True, [{}], {"x": {}}]))
def test_any_part_may_be_missing_or_of_another_kind(tmp_path, place, value):
    document = copy.deepcopy(SMALL)
    parent = document
    for key in place[:-1]:
        parent = parent[key]
    if value is ...:
        del parent[place[-1]]
    else:
        parent[place[-1]] = value
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    for sentence in says(tmp_path / "small.yaml"):
        assert re.match(r"\S+:\d+:\d+: \S.+[.!`]$", sentence, re.DOTALL), sentence
