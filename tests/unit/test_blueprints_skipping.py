"""Entries of models that are not served: refused, or skipped with what depends on them."""

import pytest

from app.blueprints.host_access import HostAccess
from app.blueprints.import_order import apply_all
from app.blueprints.importing import apply
from tests.blueprints import (
    DUMMY,
    FLOW,
    IDENTIFICATION,
    PROMPT,
    PROMPT_STAGE,
    STAGE_BINDING,
    MemoryStore,
    actions,
    blueprint,
    noted,
    said,
    stage,
)

# A model that authentik has and this store does not, and one that nobody has.
EMAIL, NOBODY = "authentik_stages_email.emailstage", "nobody.nothing"
PK = "00000000-0000-4000-8000-000000000001"
FLOW_ENTRY = (
    f"- {{model: {FLOW}, id: flow, identifiers: {{slug: a}}, attrs: {{name: a, title: a, designation: recovery}}}}\n"
)


@pytest.fixture
def store():
    return MemoryStore()


DEPENDENT = [
    stage("b", id="b", model=PROMPT_STAGE, attrs="{fields: [!KeyOf lost]}"),
    stage("b", id="b", model=PROMPT_STAGE, attrs=f"{{fields: [{PK}]}}"),
    stage("b", id="b", conditions="[!KeyOf lost]"),
    stage("b", id="b", model=IDENTIFICATION, attrs=f"{{recovery_flow: !Find [{EMAIL}, [name, a]]}}"),
    f"- {{model: {STAGE_BINDING}, id: b, identifiers: {{target: !KeyOf flow, stage: !KeyOf lost, order: 0}}}}\n",
]


@pytest.mark.parametrize("dependent", DEPENDENT)
@pytest.mark.parametrize("model", [EMAIL, NOBODY])
def test_what_is_not_served_and_what_depends_on_it_is_skipped_if_that_is_asked_for(store, model, dependent):
    lost = stage("a", id="lost", model=model, identifiers=f"{{pk: {PK}, name: a}}")
    text = blueprint(lost, FLOW_ENTRY, dependent, stage("c", conditions="[!KeyOf b]"), stage("d"))
    outcome = apply(store, text, skip_unknown=True)
    assert actions(outcome) == ["skipped", "created", "skipped", "skipped", "created"]
    assert [model for model, _ in store.objects.values()] == [FLOW, DUMMY]
    events = [log["event"] for log in outcome.logs]
    assert model in events[0]
    assert all("not served here" in event or "it depends on entry " in event for event in (events[2], events[3]))
    assert not apply(store, text).success


def test_everything_that_is_not_served_is_listed_unless_it_is_skipped(store):
    find = f"[!Find [{EMAIL}, [name, a]]]"
    text = blueprint(stage("a", model=EMAIL), stage("b", model=NOBODY), stage("c", conditions=find), stage("d"))
    assert [line.split(":")[0] for line in said(apply(store, text))] == ["3", "4", "5"]
    assert actions(apply(store, text, skip_unknown=True)) == ["skipped", "skipped", "skipped", "created"]


def test_what_is_wrong_otherwise_is_not_skipped(store):
    text = blueprint(
        stage("a", model=EMAIL), stage("b", state="gone"), stage("c", model="!KeyOf x"), stage("d", model="5")
    )
    assert [line.split(":")[0] for line in said(apply(store, text, skip_unknown=True))] == ["4", "5", "6"]
    assert store.objects == {}


def test_all_of_several_blueprints_are_applied_as_far_as_they_are_served(store):
    texts = {"a": blueprint(stage("a", model=EMAIL)), "b": blueprint(stage("b"))}
    assert [outcome.success for outcome in apply_all(store, texts).values()] == [False, True]
    assert [outcome.success for outcome in apply_all(store, texts, skip_unknown=True).values()] == [True, True]


@pytest.mark.parametrize("tag", ["!Env SECRET", "!File secret", "!Format ['%s', !Env SECRET]"])
def test_what_may_not_be_read_is_skipped_with_what_depends_on_it(store, tag):
    text = blueprint(
        stage("a", model=EMAIL, attrs=f"{{password: {tag}}}"),
        stage("b", id="b", attrs=f"{{throw_error: {tag}}}"),
        stage("c", model=PROMPT_STAGE, attrs="{fields: [!KeyOf b]}"),
        stage("d"),
        head=f"context: {{unused: {tag}}}\n",
    )
    outcome = apply(store, text, skip_unknown=True)
    assert actions(outcome) == ["skipped", "skipped", "skipped", "created"]
    assert f"{tag.split('!')[-1].split()[0]} is refused" in outcome.logs[1]["event"]
    assert sum("is refused" in line for line in said(apply(store, text))) == 3


@pytest.mark.parametrize(("tag", "name"), [("!Env [HOME, x]", "x"), ("!File [secret, !Format ['%s', x]]", "x")])
def test_what_may_not_be_read_has_its_default(store, tag, name):
    text = blueprint(stage(tag))
    outcome = apply(store, text, skip_unknown=True)
    assert actions(outcome) == ["created"]
    assert [properties["name"] for _, properties in store.objects.values()] == [name]
    (note,) = noted(outcome)
    assert note.endswith(f"{tag.split()[0]} is not allowed here: this is its default.")
    assert not apply(store, text).success


def test_a_variable_that_is_not_set_is_skipped(store):
    text = blueprint(stage("!Env NOT_SET"), stage("b"))
    assert actions(apply(store, text, host=HostAccess(env=True), skip_unknown=True)) == ["skipped", "created"]
    assert not apply(store, text, host=HostAccess(env=True)).success


FIND = f"!Find [{FLOW}, [slug, nothing]]"


@pytest.mark.parametrize(
    ("model", "attrs", "kept"),
    [
        (IDENTIFICATION, f"{{recovery_flow: {PK}}}", {"recovery_flow": None}),
        (IDENTIFICATION, f"{{recovery_flow: {FIND}}}", {"recovery_flow": None}),
        (IDENTIFICATION, f"{{password_stage: {PK}, recovery_flow: {PK}}}", {"recovery_flow": None}),
        (PROMPT_STAGE, f"{{fields: [], validation_policies: [{PK}]}}", {"validation_policies": []}),
    ],
)
def test_a_reference_to_no_object_is_left_out(store, model, attrs, kept):
    outcome = apply(store, blueprint(stage("a", model=model, attrs=attrs)), skip_unknown=True)
    assert actions(outcome) == ["created"], outcome.findings
    ((_, properties),) = store.objects.values()
    assert properties.items() >= kept.items()
    assert len(noted(outcome)) == attrs.count(PK)
    assert all(note.endswith(f": {PK} is left out. There is no such object.") for note in noted(outcome))


def test_the_objects_of_a_list_that_exist_are_kept(store):
    existing = f"- {{model: {PROMPT}, id: prompt, identifiers: {{name: a}}, attrs: {{label: a}}}}\n"
    text = blueprint(existing, stage("b", model=PROMPT_STAGE, attrs=f"{{fields: [{PK}, !KeyOf prompt]}}"))
    assert apply(store, text, skip_unknown=True).success
    (prompt, (_, properties)) = next(iter(store.objects)), list(store.objects.values())[1]
    assert properties["fields"] == [prompt]


@pytest.mark.parametrize("target", [PK, FIND])
@pytest.mark.parametrize(
    "entry",
    [
        f"- {{model: {STAGE_BINDING}, id: b, identifiers: {{target: §, stage: !KeyOf s, order: 0}}}}\n",
        f"- {{model: {STAGE_BINDING}, id: b, identifiers: {{stage: !KeyOf s, order: 0}}, attrs: {{target: §}}}}\n",
        stage("b", id="b", model=PROMPT_STAGE, attrs="{fields: [§]}"),
    ],
)
def test_an_entry_that_needs_an_object_that_does_not_exist_is_skipped_with_what_depends_on_it(store, entry, target):
    text = blueprint(
        stage("s", id="s"), FLOW_ENTRY, entry.replace("§", target), stage("c", conditions="[!KeyOf b]"), stage("d")
    )
    outcome = apply(store, text, skip_unknown=True)
    assert actions(outcome) == ["created", "created", "skipped", "skipped", "created"], outcome.findings
    assert "There is no such object" in outcome.logs[2]["event"]
    assert not apply(store, text).success


def test_an_entry_with_another_error_than_a_reference_to_no_object_is_refused(store):
    attrs = f"{{recovery_flow: {FIND}, password_stage: {PK}, show_matched_user: 5}}"
    (line,) = said(apply(store, blueprint(stage("a", model=IDENTIFICATION, attrs=attrs)), skip_unknown=True))
    assert line.endswith("show_matched_user: Not a valid bool.")
    binding = f"- {{model: {STAGE_BINDING}, identifiers: {{target: {FIND}, stage: {PK}}}, attrs: {{order: x}}}}\n"
    (line,) = said(apply(store, blueprint(binding), skip_unknown=True))
    assert line.endswith("order: Not a valid int.")


def test_an_object_that_another_blueprint_creates_is_waited_for(store):
    texts = {
        "a": blueprint(stage("a", model=IDENTIFICATION, attrs=f"{{password_stage: {PK}}}")),
        "b": blueprint(stage("b", identifiers=f"{{pk: {PK}, name: b}}")),
    }
    outcomes = apply_all(store, texts, skip_unknown=True)
    assert [outcome.notes for outcome in outcomes.values()] == [(), ()]
    assert {properties.get("password_stage") for _, properties in store.objects.values()} == {PK, None}
