"""Blueprints that are wrong: what is said, where, and that nothing is changed."""

import copy
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.blueprints.importing import apply
from tests.blueprints import DUMMY, FLOW, PROMPT_STAGE, STAGE_BINDING, MemoryStore, actions, blueprint, said, stage

PKS = [f"00000000-0000-4000-8000-{number:012}" for number in range(10)]


@pytest.fixture
def store():
    return MemoryStore()


FIRST = stage("first", id="first")
UNKNOWN = f'Invalid pk "{PKS[1]}" - object does not exist.'


@pytest.mark.parametrize(
    ("entries", "findings"),
    [
        ("- {model: §a.b, identifiers: {name: a}}", ["There is no model 'a.b' here."]),
        ("- {model: §[], identifiers: {name: a}}", ["There is no model [] here."]),
        ("- {model: §!KeyOf nope}", ["No entry above has the id 'nope' and an object."]),
        (stage("a", state="§gone"), ["The state must be one of present, created, must_created, absent."]),
        (stage("a", identifiers="§{}"), ["An entry must have identifiers, which identify its object."]),
        (f"- §model: {DUMMY}", ["An entry must have identifiers, which identify its object."]),
        (stage("a", identifiers="§[name]"), ["The identifiers must be a mapping."]),
        (stage("a", attrs="§!Context [x, [1]]"), ["The attributes must be a mapping."]),
        (stage("a", conditions="§true"), ["The conditions must be a list."]),
        (stage("a", identifiers="{nope: §a}"), [f"nope: {DUMMY} has no such property."]),
        (stage("a", identifiers="{name: §[a]}"), ["name: A list or a mapping identifies no object."]),
        (stage("a", identifiers="{name: §5}"), ["name: Not a valid str."]),
        (stage("a", identifiers="{pk: §5, name: a}"), [f"pk: A pk of {DUMMY} is a UUID."]),
        ("- §" + stage("a", identifiers=f"{{pk: {PKS[1]}}}")[2:], ["name: This field is required."]),
        (stage("a", attrs="{throw_error: §'yes'}"), ["throw_error: Not a valid bool."]),
        (
            stage("a", model=PROMPT_STAGE, identifiers=f"{{pk: {PKS[1]}, name: §first}}", attrs="{fields: []}"),
            ["name: name must be unique."],
        ),
        (stage("a", model=PROMPT_STAGE, attrs="§{}"), ["fields: This field is required."]),
        (stage("a", model=PROMPT_STAGE, attrs=f"{{fields: §[{PKS[1]}]}}"), [f"fields: {UNKNOWN}"]),
        (
            stage("a", model=PROMPT_STAGE, attrs="{fields: [§!KeyOf later]}") + stage("b", id="later"),
            ["No entry above has the id 'later' and an object."],
        ),
        (
            stage(
                "a",
                model=PROMPT_STAGE,
                attrs=f"{{fields: [§!KeyOf later, §!Find [{DUMMY}, [c, d]], §!Find [a.b, [c, d]]]}}",
            ),
            [
                "No entry above has the id 'later' and an object.",
                f"{DUMMY} has no property 'c'.",
                "There is no model 'a.b' here.",
            ],
        ),
        (
            stage("a", identifiers="§[name]", attrs="§5"),
            ["The identifiers must be a mapping.", "The attributes must be a mapping."],
        ),
        (stage("a", attrs="{throw_error: §!Find [a.b, [c, d]]}"), ["There is no model 'a.b' here."]),
        (stage("a", attrs=f"{{throw_error: §!Find [{DUMMY}, [c, d]]}}"), [f"{DUMMY} has no property 'c'."]),
        (
            stage("a", attrs=f"{{throw_error: §!Find [{DUMMY}, [name, [d]]]}}"),
            ["A list or a mapping identifies no object."],
        ),
        (stage("a", attrs=f"{{throw_error: §!Find [{DUMMY}, [name, 5]]}}"), ["name: Not a valid str."]),
        (
            f"- identifiers:\n    slug: b\n  model: {FLOW}\n  attrs:\n    §title: §5\n    designation: §nope",
            [
                "name: This field is required.",
                "title: Not a valid str.",
                'designation: "nope" is not a valid choice.',
            ],
        ),
        (
            f"- model: {STAGE_BINDING}\n  identifiers: {{target: §{PKS[1]}, stage: !KeyOf first, order: 0}}",
            [f"target: {UNKNOWN}"],
        ),
        (
            f"- model: {STAGE_BINDING}\n  identifiers: {{target: a, stage: b, order: 0}}\n  attrs: §{{re_evaluate_policies: no}}",
            ["non_field_errors: Either evaluation must be enabled"],
        ),
    ],
)
def test_entries_that_are_wrong(store, entries, findings):
    outcome = apply(store, blueprint(FIRST, entries.replace("§", "")))
    lines = [f"{line}:{column}: {text}" for (line, column), text in zip(marks(entries, 4), findings, strict=True)]
    assert said(outcome) == lines
    assert store.objects == {}
    assert actions(outcome)[:2] == ["skipped", "error"]
    assert outcome.logs[0]["event"] == f"3:3: {DUMMY}: skipped (entry 2 is wrong, so that nothing is changed)"
    assert outcome.logs[1]["event"] == "\n".join(lines)
    assert outcome.logs[1]["log_level"] == "error"


def marks(text, first_line):
    """Line and column of each mark in a text."""
    for number, line in enumerate(text.splitlines(), first_line):
        for before in itertools.accumulate(line.split("§")[:-1]):
            yield number, len(before) + 1


def test_a_reference_to_an_object_of_another_kind(store):
    (line,) = said(apply(store, blueprint(FIRST, stage("a", model=PROMPT_STAGE, attrs="{fields: [!KeyOf first]}"))))
    assert re.fullmatch(r'4:\d+: fields: Invalid pk "[0-9a-f-]{36}" - object does not exist\.', line)


def test_an_error_as_it_is_logged(store):
    text = f"entries:\n- id: flow\n  model: {FLOW}\n  identifiers: {{slug: a}}\n  attrs: {{name: a, title: a, designation: nope}}\n"
    (log,) = apply(store, text.encode()).logs
    assert log["event"] == '5:43: designation: "nope" is not a valid choice.'
    assert log["attributes"] == {
        "action": "error",
        "entry": 1,
        "id": "flow",
        "model": "authentik_flows.flow",
        "line": 2,
        "column": 3,
        "errors": [
            {"line": 5, "column": 43, "member": "designation", "message": '"nope" is not a valid choice.'},
        ],
    }


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (b"version: 2\n", ["Invalid blueprint version"]),
        (b"", ["1:1: The file is empty."]),
        (b"foo: [bar\n", ["2:1: This is not valid YAML: while parsing a flow sequence did not find expected ',' or ']'."]),
        (b"entries:\n- {}\n- 1\n", ["2:3: The entry has no model.", "3:3: An entry must be a mapping."]),
        (b"a: !Nope b", ["1:4: The tag !Nope is not known."]),
    ],
)  # fmt: skip
def test_text_that_is_no_blueprint(store, text, events):
    outcome = apply(store, text)
    wrong = [log for log in outcome.logs if log["log_level"] == "error"]
    assert (outcome.success, [log["event"] for log in wrong]) == (False, events)
    assert all(log["attributes"]["errors"] for log in wrong)


BAD = {
    "reading": "- identifiers: {name: x}\n",
    "model": "- {model: nope, identifiers: {name: x}}\n",
    "attributes": stage("x", attrs="{throw_error: 1}"),
    "reference": stage("x", model=PROMPT_STAGE, attrs=f"{{fields: [{PKS[9]}]}}"),
    "tag": stage("x", attrs="!KeyOf nobody"),
    "state": stage("s0", state="must_created"),
}


@given(st.sampled_from(sorted(BAD)), st.integers(0, 6), st.booleans())
def test_one_bad_entry_anywhere_changes_nothing(kind, position, existing):
    store = MemoryStore()
    good = [
        stage("s0", attrs="{throw_error: true}"),
        stage("s1"),
        stage("s2", state="created"),
        stage("s3", attrs="{throw_error: true}"),
        stage("s4", state="absent"),
        stage("s5"),
    ]
    if existing or kind == "state":
        apply(store, blueprint(stage("s0"), stage("s4")))
    before = copy.deepcopy(store.objects)
    entries = [*good[:position], BAD[kind], *good[position:]]
    outcome = apply(store, blueprint(*entries))
    assert not outcome.success
    assert store.objects == before
    assert {finding.place.line for finding in outcome.findings} == {position + 3}
    assert apply(store, blueprint(*good)).success
