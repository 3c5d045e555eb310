"""What a fuzzing run keeps in mind."""

import pytest

from app.conformance import known_objects
from app.conformance.known_objects import KnownObjects


@pytest.fixture
def run():
    return KnownObjects({"pk", "slug"}, {"binding": {"target", "stage"}, "note": {"binding"}})


def remember(run, *flows, bindings=()):
    for pk in flows:
        run.put("flow", {"pk": pk, "slug": f"slug-of-{pk}"})
    for pk, target in bindings:
        run.put("binding", {"pk": pk, "target": target, "stage": None})


def test_names_by_member(run):
    remember(run, "a", "b", bindings=[("x", "a")])
    assert run.names({"flow"}, ["slug"]) == ["slug-of-a", "slug-of-b"]
    assert run.names({"flow", "binding"}, ["pk"]) == ["x", "a", "b"]
    assert run.names(set(), ["pk"]) == []


def test_what_has_no_identity_is_not_remembered(run):
    run.put("flow", {"slug": "a"})
    run.put("flow", {"pk": 1})
    assert run.names({"flow"}, ["pk", "slug"]) == []


def test_an_object_that_is_renamed(run):
    remember(run, "a")
    run.put("flow", {"pk": "a", "slug": "other"})
    assert run.names({"flow"}, ["slug"]) == ["other"]
    assert not run.knows("slug-of-a", {"flow"})


def test_what_is_deleted_takes_along_what_it_held(run):
    remember(run, "a", "b", bindings=[("x", "a"), ("y", "b")])
    run.put("note", {"pk": "n", "binding": "x"})
    run.discard("slug-of-a")
    assert run.names({"flow", "binding", "note"}, ["pk"]) == ["y", "b"]
    assert all(run.was_deleted(name) for name in ("a", "slug-of-a", "x", "n"))
    assert not run.was_deleted("b")
    assert not run.was_deleted("unheard of")


def test_a_name_that_is_given_again(run):
    remember(run, "a")
    run.discard("a")
    run.put("flow", {"pk": "b", "slug": "slug-of-a"})
    assert not run.was_deleted("slug-of-a")


def test_what_is_known_of_a_model(run):
    remember(run, "a", "b")
    run.discard("b")
    assert run.knows("a", {"flow"})
    assert run.knows("slug-of-b", {"flow", "binding"})
    assert not run.knows("a", {"binding"})
    assert not run.knows("unheard of", {"flow"})


def test_the_oldest_are_forgotten(run, monkeypatch):
    monkeypatch.setattr(known_objects, "KEPT", 2)
    monkeypatch.setattr(known_objects, "GONE", 3)
    remember(run, "a", "b", "c")
    assert run.names({"flow"}, ["pk"]) == ["b", "c"]
    assert not run.was_deleted("a")
    run.discard("b")
    run.discard("c")
    assert run.was_deleted("c")
    assert not (run.was_deleted("b") and run.was_deleted("slug-of-b"))


def test_the_former_name_of_a_renamed_object_is_gone_until_another_object_has_it():
    known = KnownObjects({"pk", "slug"}, {})
    known.put("flow", {"pk": "1", "slug": "a"})
    known.put("flow", {"pk": "1", "slug": "b"})
    assert [known.was_deleted(name) for name in ("a", "b", "1")] == [True, False, False]
    known.put("flow", {"pk": "2", "slug": "a"})
    assert not known.was_deleted("a")
