"""Which refusals of good data are excused, and that no other is."""

import pytest

from app.conformance import false_positives
from app.conformance.described import Operation, Targets
from app.conformance.known_objects import KnownObjects

OPERATION = Operation(
    takes_input=True,
    body={},
    unique={"name": {"x-unique": "Stage with this name already exists."}},
    unique_together=frozenset({"The fields target, order must make a unique set."}),
    references={
        "target": Targets(frozenset({"flow"}), ("pk",), words=frozenset({"The target stays."})),
        "fields": Targets(frozenset(), ("pk",)),
    },
    filters={"policy": Targets(frozenset({"policy"}), ("pk",)), "sources": Targets(frozenset(), ("pk",))},
    narrowing=frozenset(),
    responses={},
    rejections=frozenset({("non_field_errors", "There is no account."), ("for_user", "User not found")}),
    expressions=frozenset({"hint"}),
)
WITHOUT_INPUT = Operation(False, {}, {}, frozenset(), {}, {}, frozenset(), {})
BODY = {"name": "a", "target": "t", "fields": ["f", 'g"'], "order": 1}
QUERY = {"policy": "p", "sources": ["s", "r"]}
TAKEN = "Stage with this name already exists."
NO_CHOICE = "Select a valid choice. {} not one of the available choices."


@pytest.fixture
def known():
    return KnownObjects({"pk"}, {})


@pytest.fixture
def only_the_store_knows(known):
    return lambda *arguments: false_positives.only_the_store_knows(*arguments, known)


def missing(pk):
    return f'Invalid pk "{pk}" - object does not exist.'


@pytest.mark.parametrize(
    "rejection",
    [
        {"name": [TAKEN]},
        {"target": [missing("t")]},
        {"target": ["The target stays."]},
        {"order": ["Token expires exceeds maximum lifetime (2030-03-17 18:16:40+00:00 UTC)."]},
        {"fields": [missing('g"')]},
        {"non_field_errors": ["The fields target, order must make a unique set."]},
        {"policy": [NO_CHOICE.format("That choice is")]},
        {"sources": [NO_CHOICE.format("r is")]},
        {"name": [TAKEN], "target": [missing("t")]},
        {"non_field_errors": ["There is no account."]},
        {"for_user": "User not found"},
    ],
)
def test_what_is_stored_is_the_reason(only_the_store_knows, rejection):
    assert only_the_store_knows(OPERATION, rejection, BODY, QUERY)


@pytest.mark.parametrize(
    "rejection",
    [
        None,
        {},
        [TAKEN],
        {"detail": "Not found."},
        {"name": []},
        {"name": TAKEN},
        {"name": "User not found"},
        {"for_user": ["There is no account."]},
        {"name": [[TAKEN]]},
        {"name": [TAKEN, "This field may not be blank."]},
        {"name": [TAKEN], "order": ["A valid integer is required."]},
        {"order": [TAKEN]},
        {"order": [missing(1)]},
        {"target": [missing("other")]},
        {"target": ["“t” is not a valid UUID."]},
        {"non_field_errors": ["Only one of 'policy', 'group' or 'user' can be set."]},
        {"policy": [missing("p")]},
        {"target": [NO_CHOICE.format("That choice is")]},
        {"sources": [NO_CHOICE.format("q is")]},
        {"policy": ["Enter a valid UUID."]},
    ],
)
def test_anything_else_is_a_fault(only_the_store_knows, rejection):
    assert not only_the_store_knows(OPERATION, rejection, BODY, QUERY)


@pytest.mark.parametrize(
    "rejection", [{"name": [TAKEN]}, {"target": [missing("t")]}, {"sources": [NO_CHOICE.format("r is")]}]
)
@pytest.mark.parametrize("sent", [{}, None, ["name", "target", "sources"]])
def test_what_was_not_sent_is_no_reason(only_the_store_knows, rejection, sent):
    assert not only_the_store_knows(OPERATION, rejection, sent, {})


def test_an_operation_that_takes_nothing(only_the_store_knows):
    assert only_the_store_knows(WITHOUT_INPUT, {"detail": "The flow has no stage."}, None, {})
    assert not only_the_store_knows(WITHOUT_INPUT, {"name": [TAKEN]}, None, {})
    assert not only_the_store_knows(OPERATION, {"detail": "The flow has no stage."}, BODY, {})


@pytest.mark.parametrize(
    ("sent", "told"), [(2**63 - 1, 2**63 - 1), (-(2**70), "-1.1805916207174113e+21"), (10**400, 10**400)]
)
def test_a_large_number_is_told_of_as_it_is_read(only_the_store_knows, sent, told):
    assert only_the_store_knows(OPERATION, {"target": [missing(told)]}, {"target": sent}, {})


def test_an_object_that_is_there_is_no_reason(only_the_store_knows, known):
    known.put("flow", {"pk": "t"})
    known.put("policy", {"pk": "p"})
    assert not only_the_store_knows(OPERATION, {"target": [missing("t")]}, BODY, QUERY)
    assert not only_the_store_knows(OPERATION, {"policy": [NO_CHOICE.format("That choice is")]}, BODY, QUERY)
    known.discard("t")
    assert only_the_store_knows(OPERATION, {"target": [missing("t")]}, BODY, QUERY)


@pytest.mark.parametrize(
    ("sent", "excused"),
    [
        ({"hint": "(", "hint_expression": True}, True),
        ({"hint": "(", "hint_expression": False}, False),
        ({"hint": "("}, False),
        ({"hint": "", "hint_expression": True}, False),
        ({"name": "(", "name_expression": True}, False),
    ],
)
def test_an_expression_is_the_reason_only_if_it_was_sent_as_one(known, sent, excused):
    rejection = {"non_field_errors": ["name 'a' is not defined"]}
    assert false_positives.only_the_store_knows(OPERATION, rejection, sent, {}, known) is excused
