"""Blueprints with several mistakes: all of them are told at once, and what only follows from them is not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.blueprints.host_access import HostAccess
from app.blueprints.importing import apply
from app.blueprints.tags import TAGS
from tests.blueprints import (
    DUMMY,
    FLOW,
    IDENTIFICATION,
    PROMPT_STAGE,
    STAGE_BINDING,
    MemoryStore,
    actions,
    blueprint,
    noted,
    said,
    stage,
)

PK = "00000000-0000-4000-8000-000000000001"
EMAIL, CAPTCHA = "authentik_stages_email.emailstage", "authentik_stages_captcha.captchastage"
SKIP = "Remove the entry, or import the file by `flows import --skip-unknown`."


@pytest.fixture
def store():
    return MemoryStore()


def test_every_wrong_entry_is_told_with_line_and_column(store):
    text = blueprint(
        stage("a", model=EMAIL),
        stage("b"),
        stage("c", model="authentik_flows.flwo"),
        stage("d", attrs="{throw_error: 1}"),
        stage("e", attrs="!Nope x"),
        stage("f", attrs="{throw_error: !KeyOf nobody}", state="present"),
        stage("g", model=PROMPT_STAGE, attrs=f"{{fields: [{PK}]}}"),
        f"- {{model: {FLOW}, identifiers: {{slug: h}}, attrs: {{title: 1, designation: !KeyOf nobody}}}}\n",
    )
    outcome = apply(store, text)
    assert sorted(said(outcome)) == [
        "10:72: title: Not a valid str.",
        "10:88: No entry above has the id 'nobody' and an object.",
        f"3:11: {EMAIL} is not served here. {SKIP}",
        "5:11: There is no model 'authentik_flows.flwo' here. authentik_flows.flow is similar.",
        "6:91: throw_error: Not a valid bool.",
        "7:77: The tag !Nope is not known.",
        "8:91: No entry above has the id 'nobody' and an object.",
        f'9:88: fields: Invalid pk "{PK}" - object does not exist.',
    ]
    assert actions(outcome) == ["error", "skipped", *["error"] * 6]
    assert outcome.logs[1]["event"] == f"4:3: {DUMMY}: skipped (entries are wrong, so that nothing is changed)"
    assert store.objects == {}


@pytest.mark.parametrize(
    "dependent",
    [
        stage("b", model=PROMPT_STAGE, attrs="{fields: [!KeyOf wrong]}"),
        stage("b", model=PROMPT_STAGE, attrs=f"{{fields: [{PK}]}}"),
        stage("b", conditions="[!KeyOf wrong]"),
        stage("b", model=IDENTIFICATION, attrs=f"{{password_stage: !Find [{DUMMY}, [name, a]]}}"),
        f"- {{model: {STAGE_BINDING}, identifiers: {{target: {PK}, stage: !KeyOf wrong, order: 0}}}}\n",
    ],
)
@pytest.mark.parametrize(
    "wrong",
    [
        stage("a", id="wrong", identifiers=f"{{pk: {PK}, name: a}}", attrs="{throw_error: 1}"),
        stage("a", id="wrong", identifiers=f"{{pk: {PK}, name: a}}", model=DUMMY, state="gone"),
    ],
)
def test_what_follows_from_a_wrong_entry_is_not_told(store, wrong, dependent):
    text = blueprint(wrong, dependent.replace("}\n", ", id: next}\n"), stage("c", conditions="[!KeyOf next]"))
    outcome = apply(store, text)
    (line,) = said(outcome)
    assert line.startswith("3:")
    assert actions(outcome) == ["error", "skipped", "skipped"]


def test_what_several_entries_share_is_told_once(store):
    shared = f"context: {{license: !Find [{EMAIL}, [name, a]], known: !Context unknown}}\n"
    entries = [stage(name, conditions="[!Context license]") for name in "abc"]
    outcome = apply(store, blueprint(*entries, head=shared))
    assert [line.split(" ")[0] for line in said(outcome)] == ["1:20:"]
    assert actions(outcome) == ["error", "skipped", "skipped"]
    entries = [stage(name, conditions="[!Context known]") for name in "abc"]
    assert len(noted(apply(store, blueprint(*entries, head=shared)))) == 1


def test_an_entry_that_can_not_be_read_is_known_by_its_id(store):
    outcome = apply(store, blueprint("- {id: a}\n", stage("b", attrs="{throw_error: !KeyOf a}")))
    assert said(outcome) == ["3:3: The entry has no model."]


def test_the_properties_of_a_wrong_entry_are_looked_at_as_far_as_they_can_be_told(store):
    text = blueprint(
        f"- model: {FLOW}\n  identifiers: {{slug: !KeyOf x, titel: a}}\n"
        "  attrs: {designation: leaving, layout: !KeyOf y, name: 5, compatibility_mode: true}\n"
    )
    assert sorted(said(apply(store, text))) == [
        "4:23: No entry above has the id 'x' and an object.",
        f"4:40: titel: {FLOW} has no such property. 'title' is similar.",
        '5:24: designation: "leaving" is not a valid choice.',
        "5:41: No entry above has the id 'y' and an object.",
        "5:57: name: Not a valid str.",
    ]


def test_a_blueprint_without_mistakes_after_one_is_corrected(store):
    assert said(apply(store, blueprint(stage("a", attrs="{throw_error: 1}"), stage("b"))))
    assert actions(apply(store, blueprint(stage("a", attrs="{throw_error: true}"), stage("b")))) == ["created"] * 2


# What is ignored.


def test_a_property_that_the_model_does_not_have_is_noted(store):
    outcome = apply(store, blueprint(stage("a", attrs="{throw_eror: true, kind: x}")))
    assert actions(outcome) == ["created"]
    assert noted(outcome) == [
        f"3:90: {DUMMY} has no property 'throw_eror' to set: it is ignored. 'throw_error' is similar.",
        f"3:102: {DUMMY} has no property 'kind' to set: it is ignored.",
    ]
    note = outcome.logs[1]
    assert (note["log_level"], note["attributes"]["action"], note["attributes"]["entry"]) == ("warning", "note", 1)
    assert (note["attributes"]["line"], note["attributes"]["column"]) == (3, 90)


def test_a_property_of_a_newer_authentik_is_noted_with_its_release(store):
    (line,) = noted(apply(store, blueprint(stage("a", model=IDENTIFICATION, attrs="{captcha_stage: x}"))))
    assert line.endswith("it is ignored. authentik knows it from 2024.10 on, this contract is that of 2024.8.")


def test_a_value_of_a_newer_authentik_is_refused_with_its_release(store):
    flow = "{name: a, title: a, designation: recovery, layout: sidebar_left_frame_background}"
    (line,) = said(apply(store, blueprint(f"- {{model: {FLOW}, identifiers: {{slug: a}}, attrs: {flow}}}\n")))
    assert line.endswith("choice. authentik knows it from 2026.2 on, this contract is that of 2024.8.")


def test_a_model_of_a_newer_authentik_is_refused_with_its_release(store):
    (line,) = said(apply(store, blueprint(stage("a", model="authentik_stages_redirect.redirectstage"))))
    assert "is not served here. authentik knows it from 2024.12 on, this contract is that of 2024.8." in line


@pytest.mark.parametrize("key", ["attr", "identifers", "nothing"])
def test_a_key_that_no_entry_has_is_noted(store, key):
    outcome = apply(store, blueprint(stage("a", **{key: "{name: b}"})))
    (line,) = noted(outcome)
    assert line.startswith("3:")
    assert f"An entry has no key '{key}': it is ignored." in line


def test_a_key_that_no_blueprint_has_is_noted(store):
    (line,) = noted(apply(store, blueprint(stage("a"), head="version: 1\nentires: []\n")))
    assert line.startswith("2:10: A blueprint has no key 'entires': it is ignored.")


def test_a_config_map_of_kubernetes_around_a_blueprint_is_noted_with_what_to_do(store):
    text = (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata:\n  flow.yaml: |\n    entries:\n    {stage('a')}"
    )
    outcome = apply(store, text.encode())
    assert (outcome.success, actions(outcome)) == (True, [])
    (line,) = noted(outcome)
    assert line.startswith("5:3: The ConfigMap of Kubernetes around a blueprint is not read.")
    assert line.endswith("Save each blueprint in it (flow.yaml) as a file of its own, and import that.")


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ("README.md: x, a.yaml: x, b.yml: x", "it (a.yaml, b.yml) as"),
        ("README.md: x", "it as"),
        (f"{'long' * 200}.yaml: x", "..."),
    ],
)
def test_only_files_of_yaml_in_a_config_map_are_named(store, files, named):
    (line,) = noted(apply(store, f"apiVersion: v1\nkind: ConfigMap\ndata: {{{files}}}".encode()))
    assert named in line
    assert "README" not in line
    assert len(line) < 500


def test_a_key_that_the_context_does_not_have_is_noted_once(store):
    entry = stage("a", conditions="[!Condition [NOR, !Context unistall, !Context unistall, !Context [other, false]]]")
    outcome = apply(store, blueprint(entry, head="context: {uninstall: true}\n"))
    assert actions(outcome) == ["created"]
    assert [line.partition(": ")[2].partition(";")[0] for line in noted(outcome)] == [
        "The context has no 'unistall', so that this is null"
    ] * 2
    assert "uninstall" in noted(outcome)[0].partition(";")[2]


def test_only_so_many_notes_are_told(store):
    long = "x" * 900
    attrs = f"{{{', '.join(f'{long}{number}: 1' for number in range(150))}}}"
    outcome = apply(store, blueprint(stage("a", attrs=attrs)))
    assert len(noted(outcome)) == 101
    assert noted(outcome)[-1].endswith("There are more than these 100 notes.")
    assert all(len(line) < 500 for line in noted(outcome))


def test_notes_of_a_refused_blueprint_are_told_as_well(store):
    outcome = apply(store, blueprint(stage("a", attrs="{throw_eror: true}"), stage("b", state="gone")))
    assert len(said(outcome)) == len(noted(outcome)) == 1


# Entries by name, as authentik has them from 2025.8 on.


def test_entries_may_be_lists_by_name(store):
    text = f"entries:\n  first:\n  {stage('a')}  second:\n  {stage('b', conditions='[!KeyOf a]')}  none: []\n"
    outcome = apply(store, text.replace("name: a}", "name: a}, id: a").encode())
    assert actions(outcome) == ["created", "created"]


# Values of all forms that a tag may have, as text.
SCALARS = st.sampled_from(
    ["a", "1", "-1", "null", "true", "''", "'%s'", "0", "EQ", "SEQ", "MAP", "a.b.0", "'[1, {\"a\": 2}]'", DUMMY, "name"]
)
TAGGED = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=2).map(
            lambda items: f"{{{', '.join(f'k{n}: {one}' for n, one in enumerate(items))}}}"
        ),
        st.tuples(st.sampled_from(sorted(TAGS)), SCALARS).map(" ".join),
        st.tuples(st.sampled_from(sorted(TAGS)), st.lists(inner, max_size=3)).map(
            lambda pair: f"{pair[0]} [{', '.join(pair[1])}]"
        ),
    ),
    max_leaves=12,
)
PARTS = ("model", "state", "identifiers", "attrs", "conditions", "permissions")


@given(
    st.lists(st.dictionaries(st.sampled_from(PARTS), TAGGED, max_size=4), max_size=3),
    TAGGED,
    st.booleans(),
    st.booleans(),
)
def test_no_use_of_tags_makes_an_import_fail_otherwise(changed, value, allowed, skip_unknown):
    parts = {"model": DUMMY, "identifiers": "{name: a}", "attrs": "{throw_error: true}"}
    entries = [f"- {{{', '.join(f'{key}: {text}' for key, text in (parts | one).items())}}}\n" for one in changed]
    text = blueprint(*entries, stage("b"), head=f"context: {{a: {value}}}\n")
    outcome = apply(MemoryStore(), text, host=HostAccess(env=allowed), skip_unknown=skip_unknown)
    assert outcome.success is not bool(outcome.findings)
    json.dumps(outcome.logs)
