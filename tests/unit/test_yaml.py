"""YAML as contracts are written in it: read as version 1.2 has it, written so that every reader takes it alike."""

import math
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.contract.document.dumping import as_yaml
from app.contract.document.findings import ContractError
from app.contract.document.yaml_file import parse


def read(text):
    return parse(None, "a.yaml", text if isinstance(text, bytes) else text.encode(), "`a:`").document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("012", 12), ("0o14", 12), ("0x1F", 31), ("-7", -7), ("+7", 7), ("089", 89)),
        *(("1e3", 1000), ("1E+3", 1000), ("1.5e3", 1500), ("1e-3", 0.001), ("1.0", 1.0), (".5", 0.5), ("5.", 5.0)),
        *((text, text) for text in ("1_000", "1:30", "12:30:45.5", "0b11", "0o9", "1e", "2024-08-01", "=", ".")),
        *((text, text) for text in ("yes", "No", "on", "OFF", "y", "n", "TrUe", "nULL", "Infinity", "NaN")),
        *(("true", True), ("False", False), ("TRUE", True), ("null", None), ("~", None), ("", None), ("NULL", None)),
        *(("'012'", "012"), ('"1e3"', "1e3"), ("'null'", "null"), ("!!str 12", "12"), ("!!int '12'", 12)),
    ],
)
def test_a_plain_scalar_is_what_yaml_1_2_takes_it_for(text, value):
    found = read(f"a: {text}")["a"]
    assert (found, type(found)) == (value, type(value))


def test_keys_are_their_text():
    assert list(read("200: a\n012: b\ntrue: c\nnull: d\n1.0: e\non: f")) == ["200", "012", "true", "null", "1.0", "on"]


def test_json_is_read_as_json():
    assert read('{"a": "\\ud83d\\ude00\\u00e9\\/", "b": 1e3, "c":\t-0.5e-1}') == {"a": "😀é/", "b": 1000, "c": -0.05}


@pytest.mark.parametrize(
    "text",
    [
        *("a: .inf", "a: -.INF", "a: .nan", "a: 1e999", "a: 99999999999999999999", f"a: {'9' * 5000}"),
        *("a: !!binary aGk=", "a: !!timestamp 2024-08-01", "a: !other x", "a: !!set {b}", "a: !!int x"),
        *("a: &x {b: 1}\nc: {<<: *x}", "? [a]\n: 1", "{[a]: 1}"),
    ],
)
def test_what_json_has_not_is_a_finding(text):
    with pytest.raises(ContractError) as raised:
        read(text)
    assert all(finding.location.file == "a.yaml" for finding in raised.value.findings)


LAUGHS = "\n".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 10)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        f"a: &a [x, x, x]\n{LAUGHS}",
        f"a: &a []\n{LAUGHS}",
        f"a: &a {{x: 1}}\n{LAUGHS}",
        "a: &a [*a]",
        "a: &a {b: {c: [*a]}}",
        "a: " + "[" * 200_000 + "]" * 200_000,
        "a: " + "[" * 200_000,
        "a: " + "[b, " * 100_000 + "]" * 100_000,
        "a: " + "{b: " * 200 + "}" * 200,
        "- " * 200_000 + "a",
        "? " * 200_000 + "a",
    ],
)
def test_what_is_too_much_is_one_finding_within_a_second(text):
    # Of the processor: other work of the machine does not count.
    started = time.process_time()
    with pytest.raises(ContractError) as raised:
        read(text)
    assert len(raised.value.findings) == 1
    assert time.process_time() - started < 1


AMBIGUOUS = ["012", "0o14", "0x1F", "1_000", "1:30", "1e3", "1E3", "089", "yes", "No", "on", "y", "N", "~", "null"]
AMBIGUOUS += ["2024-08-01", "=", "<<", ".inf", ".5", "5.", "+1", "-.5e1", "true", "", "0b1", "!a", "&a", "*a", "- a"]
AMBIGUOUS += [
    "a: b",
    "a #b",
    "a\u2028b\n",
    "a\x85b\n",
    "\ufeffa",
    " a\n b ",
    "\n",
    "a\n\n",
    "\ta\n",
    "\x07",
    "%a",
    "@a",
]
TEXTS = st.one_of(
    st.sampled_from(AMBIGUOUS), st.text(st.characters(exclude_categories=["Cs"])), st.from_regex(r"[-+.0-9eExo_:]+")
)
NUMBERS = st.one_of(st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False))
DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)


@settings(max_examples=60)
@given(document=st.dictionaries(TEXTS, DATA, min_size=1, max_size=5))
def test_what_is_written_is_read_the_same_by_readers_of_both_versions(document):
    written = as_yaml(document)
    assert equal(read(written), document)
    assert equal(yaml.safe_load(written), document)


def equal(one, other):
    """Whether two values are the same for JSON, which does not tell 1000.0 from 1000."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return math.isclose(one, other, rel_tol=0)
    return type(one) is type(other) and one == other
