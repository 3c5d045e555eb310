"""What one blueprint may take of the server: entries, look-ups, seconds, and room for what is said of it."""

import json
from types import SimpleNamespace

import pytest

from app.blueprints import importing, limits
from app.blueprints.import_order import apply_all
from app.blueprints.importing import apply
from app.errors import SerializationFailure, Unavailable
from tests.blueprints import DUMMY, FLOW, MemoryStore, actions, blueprint, said, stage


@pytest.fixture
def store():
    return MemoryStore()


@pytest.mark.parametrize("item", ["1", "{}", "{model: [}", "!KeyOf a", "{model: !KeyOf a}"])
def test_only_so_many_mistakes_are_told(store, item):
    outcome = apply(store, f"entries: [{', '.join([item] * (limits.MAX_FINDINGS + 50))}]".encode())
    assert not outcome.success
    assert 0 < len(outcome.findings) <= limits.MAX_FINDINGS + 1
    assert sum(log["log_level"] == "error" for log in outcome.logs) <= limits.MAX_FINDINGS + 1


def test_that_there_are_more_mistakes_is_told_at_the_first_of_them(store):
    at_most, one_more = (
        apply(store, ("entries:\n" + "- 1\n" * number).encode())
        for number in (limits.MAX_FINDINGS, limits.MAX_FINDINGS + 1)
    )
    assert said(at_most) == [f"{line}:3: An entry must be a mapping." for line in range(2, limits.MAX_FINDINGS + 2)]
    assert said(one_more) == [*said(at_most), "102:3: There are more than these 100 mistakes."]
    assert len(one_more.logs) == limits.MAX_FINDINGS + 1


def test_mistakes_of_one_entry_are_told_in_a_bounded_length(store):
    properties = ", ".join(f"name{number}: a" for number in range(200))
    long = "x" * 10 * limits.MAX_MESSAGE
    for text in (
        stage("a", attrs=f"{{throw_error: {long}}}", model=long),
        stage("a", attrs=f"{{throw_error: [{long}]}}"),
        stage("a", identifiers=f"{{{properties}}}"),
        stage("a", identifiers=f"{{'{long}': a}}"),
        f"- {{model: {FLOW}, identifiers: {{slug: a}}, attrs: {{name: a, title: a, designation: {long}}}}}",
        stage("a", state=long),
        stage("a", id=long, attrs="!KeyOf a"),
    ):
        outcome = apply(store, blueprint(text))
        assert not outcome.success
        assert all(len(one.message) <= limits.MAX_MESSAGE for one in outcome.findings)
        assert len(outcome.findings) <= limits.MAX_FINDINGS + 1
        assert len(json.dumps(outcome.logs)) < 5 * limits.MAX_MESSAGE * len(outcome.findings)


def test_what_an_alias_repeats_does_not_make_the_logs_long(store):
    long = "x" * 100_000
    for first in (f"{{model: {DUMMY}, id: &x {long}, identifiers: {{name: a}}}}", f"{{model: &x {long}}}"):
        entries = ["{model: nope, identifiers: {name: a}}", first, *["{model: *x, id: *x}"] * 500]
        outcome = apply(store, f"entries: [{', '.join(entries)}]".encode())
        assert len(outcome.findings) <= limits.MAX_FINDINGS + 1
        assert {*actions(outcome)} == {"error", "skipped"}
        assert len(json.dumps(outcome.logs)) < 502 * 1_000


@pytest.mark.parametrize("wrong", [0, 1, 2, 3, 5])
def test_only_so_many_entries_beside_the_wrong_one_have_a_log(store, monkeypatch, wrong):
    monkeypatch.setattr("app.blueprints.reporting.MAX_SKIPPED", 2)
    entries = [stage(f"s{number}", state="gone" if number == wrong else "present") for number in range(6)]
    logs = apply(store, blueprint(*entries)).logs
    told = [log["attributes"].get("entry") for log in logs]
    assert [log["log_level"] for log in logs].count("error") == 1
    assert [number for number in told if number not in (None, wrong + 1)] == [
        one for one in range(1, 7) if one != wrong + 1
    ][:2]
    (rest,) = [log["event"] for log in logs if "entry" not in log["attributes"]]
    assert rest == f"3 other entries: skipped (entry {wrong + 1} is wrong, so that nothing is changed)"
    assert actions(apply(store, blueprint(*entries[:3]))).count("skipped") == (2 if wrong < 3 else 0)


def test_a_blueprint_has_only_so_many_entries(store, monkeypatch):
    monkeypatch.setattr("app.blueprints.reading.MAX_ENTRIES", 3)
    assert apply(store, blueprint(*[stage("a")] * 3)).success
    outcome = apply(store, blueprint(*[stage("b")] * 4))
    assert said(outcome) == ["6:3: A blueprint may have at most 3 entries: split it."]
    assert len(store.objects) == 1


FIND = f"!Find [{DUMMY}, [name, nothing]]"


@pytest.mark.parametrize(
    "entry",
    [
        stage("b", conditions=f"[{', '.join([f'!Condition [NOR, {FIND}]'] * 4)}]"),
        stage("b", attrs=f"{{other: [{', '.join([FIND] * 4)}]}}"),
        stage("b", attrs=f"{{other: !Enumerate [[1, 2, 3, 4], SEQ, {FIND}]}}"),
        stage("b", identifiers=f"{{name: !If [!Enumerate [[1, 2, 3, 4], SEQ, {FIND}], b, c]}}"),
        "".join(stage("b", attrs=f"{{other: {FIND}}}") for _ in range(4)),
    ],
    ids=["conditions", "attributes", "enumerated", "identifiers", "entries"],
)
def test_a_blueprint_looks_up_only_so_often(store, monkeypatch, entry):
    monkeypatch.setattr("app.blueprints.limits.MAX_LOOKUPS", 4)
    assert apply(store, blueprint(stage("a"), entry)).success
    monkeypatch.setattr("app.blueprints.limits.MAX_LOOKUPS", 3)
    store.objects.clear()
    (line,) = said(apply(store, blueprint(stage("a"), entry)))
    assert line.endswith(": A blueprint may have at most 3 lookups by !Find: split it.")
    assert store.objects == {}


@pytest.mark.parametrize(("steps", "place"), [(2, "4:3"), (3, "4:100")], ids=["entry", "look-up"])
def test_a_blueprint_is_applied_only_so_long(store, monkeypatch, steps, place):
    """The clock is looked at once at the beginning, then for each entry and each look-up."""
    clock = iter([0.0] * steps + [limits.MAX_SECONDS + 0.1])
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    outcome = apply(store, blueprint(stage("a"), stage("b", conditions=f"[!Condition [NOR, {FIND}]]"), stage("c")))
    (line,) = said(outcome)
    assert line.startswith(f"{place}: The blueprint was not applied within {limits.MAX_SECONDS} seconds: split it")
    assert actions(outcome) == ["skipped", "error", "skipped"]
    assert store.objects == {}


def test_who_runs_a_command_has_more_time(store, monkeypatch):
    text = blueprint(stage("a"), stage("b"))
    for seconds in (limits.MAX_SECONDS + 1, limits.MAX_SECONDS_OF_A_COMMAND + 1):
        clock = iter([0.0, 0.0, seconds] * 3)
        monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda clock=clock: next(clock)))
        outcome = apply_all(store, {"text": text})["text"]
        assert outcome.success is (seconds < limits.MAX_SECONDS_OF_A_COMMAND)
    assert said(outcome)[0].startswith("4:3: The blueprint was not applied within 60 seconds: ")


class Contested(MemoryStore):
    """A store that others come in between of so many times."""

    times = 0

    def serializable(self):
        if self.times:
            self.times -= 1
            raise SerializationFailure("others")
        return super().serializable()


def test_who_was_taken_back_begins_again(monkeypatch):
    waits = []
    monkeypatch.setattr(importing.time, "sleep", waits.append)
    store = Contested()
    store.times = 5
    assert apply(store, blueprint(stage("a"))).success
    assert len(waits) == 5
    assert all(0 <= wait <= 0.25 for wait in waits)


def test_who_is_taken_back_again_and_again_gives_up(monkeypatch):
    waits = []
    monkeypatch.setattr(importing.time, "sleep", waits.append)
    store = Contested()
    store.times = 1_000
    with pytest.raises(Unavailable) as caught:
        apply(store, blueprint(stage("a")))
    assert not isinstance(caught.value, SerializationFailure)
    assert 3 < len(waits) < 100
    assert store.objects == {}
