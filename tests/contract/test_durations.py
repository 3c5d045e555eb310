"""Durations: what authentik reads is taken and answered as it was sent, on each engine."""

import itertools
import json

import pytest

from tests.contract_files import shipped
from tests.examples import creators
from tests.forms import form
from tests.kinds import Kind

# Each member that holds a duration, with its model.
MEMBERS = [
    (model, name)
    for model, operation in creators(shipped()).items()
    for name, schema in operation.body.properties.items()
    if "hours=3" in schema.get("x-messages", {}).get("pattern", "")
]

UNITS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")
FORMAT = "{} is not in the correct format of 'hours=3;minutes=1'."
TOO_LONG = "{} is longer than a duration can be."

# Those that stand first in each line were recorded from authentik, or are variants of them.
TAKEN = [
    *("HOURS=2", "Hours=2", "mInUtEs=2;MilliSeconds=3", *(f"{unit}=1" for unit in UNITS)),
    *("seconds= 5", "seconds=\t5 ;minutes= 1", "hours=1; minutes=2", "hours=1;minutes =2"),
    *("days=1;foo=2", "foo=2;days=1", "foo=1;bar=2;days=1;=3;hours=4", "days=1;days=2"),
    *("days=-1", "days=+1", "days=-0;hours=-1.5"),
    *("hours=1.5", "hours=1.", "hours=.5", "hours=0.123456789012345678901234567890"),
    *("hours=1;minutes=2", "seconds=0", "seconds=-0", "seconds=0000000000000000000005"),
    *("weeks=99999999", "days=99999999", "seconds=9999999999999", "microseconds=2592000000000"),
]
REFUSED = [
    *("foo", "5", "hours", "=", "=5", ";", "hours=1;minutes", "hours:1"),
    *("hours=1;", ";hours=1", "hours=1;;minutes=2"),
    *("hours=1,minutes=2", "hours=1 minutes=2", "hours=1=2", "hours==1"),
    *("lustra=2", "hour=1", "hours =1", "a;hours=1", "nanoseconds=1", "hours\u017f=1", "foo=1;bar=2"),
    *("hours=", "hours= ", "hours=x", "hours=1h", "hours=- 1", "hours=--1", "hours=.", "hours=1.2.3", "hours=1 2"),
    *("hours=nan", "days=1;hours=x", "days=1;hours=", "days=1;foo", "hours=1\0", "hours=1;\0=1"),
]
TOO_LARGE = [
    "days=999999999999",
    "weeks=100000000",
    "Days=-0999999999",
    "hours=100000000",
    "hours=1;seconds=99999999999999",
]


@pytest.fixture(params=MEMBERS, ids=lambda pair: pair[1])
def duration(request, examples):
    """A kind of stage and its member."""
    model, property_name = request.param
    return Kind(examples, model), property_name


def test_there_are_durations():
    assert len(MEMBERS) > 2


def test_a_duration_that_authentik_reads_is_answered_as_it_was_sent(duration):
    kind, property_name = duration
    pk = kind.create()["pk"]
    for verb, value in zip(itertools.cycle(["partial_update", "update"]), TAKEN, strict=False):
        response = kind.send(verb, pk, kind.body(name="new", **{property_name: value}))
        assert (response.status, response.json().get(property_name)) == (200, value)
        assert kind.send("retrieve", pk).json()[property_name] == value
    assert kind.create(**{property_name: " HOURS=2\n"})[property_name] == "HOURS=2"


@pytest.mark.parametrize(
    ("values", "message"),
    [(REFUSED, FORMAT), (TOO_LARGE, TOO_LONG), (["", " \n"], "This field may not be blank.")],
    ids=["unreadable", "too large", "blank"],
)
def test_a_duration_that_authentik_refuses_is_answered_with_its_words(duration, values, message):
    kind, property_name = duration
    created = kind.create()
    for value in values:
        for verb, pk in (("create", None), ("partial_update", created["pk"])):
            response = kind.send(verb, pk, kind.body(name="new", **{property_name: value}))
            assert (response.status, response.json()) == (400, {property_name: [message.format(value.strip())]}), value
    assert kind.all() == [created]


def test_a_blueprint_has_the_same_durations(duration):
    kind, property_name = duration
    importing = "/api/v3/flows/instances/import/"
    for value, imported in (("HOURS=2", True), ("days=1;foo=2", True), ("days=999999999999", False), ("foo", False)):
        entry = {"model": kind.model.name, "identifiers": {"name": "b"}, "attrs": {property_name: value}}
        body, headers = form(file=("b.yaml", "", json.dumps({"version": 1, "entries": [entry]}).encode()))
        response = kind.client.post(importing, body=body, headers=headers)
        assert (response.status, response.json()["success"]) == (200, imported), value
        assert [each[property_name] for each in kind.all()][-1:] == ([value] if imported else ["days=1;foo=2"])
