"""What a client is told of members that the flows API does not have: references, lists, objects within objects."""

import pytest

from app import errors
from tests.contract.widgets import ID, OTHER, WIDGETS, serve

NOT_THERE = 'Invalid pk "{}" - object does not exist.'
NO_UUID = "“{}” is not a valid UUID."
NODASH, BRACES = ID.replace("-", ""), f"{{{ID}}}"
WIDGET = {"name": "Gear", "owner": ID}


@pytest.fixture(scope="module")
def client():
    return serve()


def told(client, **properties):
    response = client.post(WIDGETS, WIDGET | properties)
    assert response.status == 400
    return response.json()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nope", NO_UUID.format("nope")),
        (f" {ID} ", NO_UUID.format(f" {ID} ")),
        (["a"], NO_UUID.format("['a']")),
        ({"a": 1}, NO_UUID.format("{'a': 1}")),
        (1.5, NO_UUID.format("1.5")),
        (-5, NO_UUID.format("-5")),
        (5, NOT_THERE.format(5)),
        (NODASH, NOT_THERE.format(NODASH)),
        (BRACES, NOT_THERE.format(BRACES)),
        (True, "Incorrect type. Expected pk value, received bool."),
        (False, "Incorrect type. Expected pk value, received bool."),
        ("", "This field may not be null."),
        (None, "This field may not be null."),
    ],
)
def test_a_reference(client, value, message):
    assert told(client, owner=value) == {"owner": [message]}


@pytest.mark.parametrize("null", [None, ""])
def test_a_reference_that_may_be_null_may_be_blank(null):
    seen = []
    client = serve(widgets_create=lambda store, body: seen.append(body) or dict(body))
    for property_name in ("group", "user"):
        response = client.post(WIDGETS, WIDGET | {property_name: null})
        assert (response.status, response.json()) == (201, WIDGET | {property_name: None})
        assert seen.pop() == response.json()
    assert told(client, group=" ") == {"group": [NO_UUID.format(" ")]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("5", NOT_THERE.format(5)),
        (1.5, NOT_THERE.format(1.5)),
        ("x", "Incorrect type. Expected pk value, received str."),
        ([], "Incorrect type. Expected pk value, received list."),
        (True, "Incorrect type. Expected pk value, received bool."),
    ],
)
def test_a_reference_by_number(client, value, message):
    assert told(client, user=value) == {"user": [message]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x", 'Expected a list of items but got type "str".'),
        ({ID: 1}, 'Expected a list of items but got type "dict".'),
        ([], "This list may not be empty."),
        (None, "This field may not be null."),
        ([ID, "nope", 5], NO_UUID.format("nope")),
        ([ID] * 10 + [NODASH, "nope"], NOT_THERE.format(NODASH)),
        ([None], NOT_THERE.format(None)),
        ([""], NO_UUID.format("")),
    ],
)
def test_a_list_of_references(client, value, message):
    assert told(client, labels=value) == {"labels": [message]}


def test_a_uuid_is_given_to_the_handler_in_small_letters():
    upper = "ABCDEFAB-CDEF-4ABC-8ABC-ABCDEFABCDEF"
    seen = []

    def widgets_create(store, body):
        seen.append(body)
        return dict(body)

    def widgets_list(store, filters):
        seen.append(filters)
        return []

    client = serve(widgets_create=widgets_create, widgets_list=widgets_list)
    properties = {"name": upper, "owner": upper, "labels": [upper, ID], "key": upper, "group": None}
    assert client.post(WIDGETS, properties).status == 201
    lower = upper.lower()
    assert seen.pop() == properties | {"owner": lower, "labels": [lower, ID], "key": lower}
    assert client.get(WIDGETS, query=f"owner={upper}&label={upper}&label={OTHER}&pk={upper}").status == 200
    assert seen.pop() == {"owner": lower, "labels": [lower, OTHER], "pk": lower}


def test_what_the_store_is_asked_for_is_in_small_letters():
    asked = []
    client = serve(lambda _operation, properties, _path: asked.append(properties) or {})
    client.post(WIDGETS, {"owner": "ABCDEFAB-CDEF-4ABC-8ABC-ABCDEFABCDEF"})
    assert asked == [{"owner": "abcdefab-cdef-4abc-8abc-abcdefabcdef"}]


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        ("red", ['Expected a list of items but got type "str".']),
        ([], ["This list may not be empty."]),
        (["red"] * 4, ["Ensure this field has no more than 3 elements."]),
        (
            ["red", "blue", None],
            {"1": ['"blue" is not a valid choice.'], "2": ["This field may not be null."]},
        ),
        (["red", 5], {"1": ['"5" is not a valid choice.']}),
    ],
)
def test_a_list(client, value, messages):
    assert told(client, kinds=value) == {"kinds": messages}


def no_dictionary(kind):
    return {"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]}


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        ([ID], [no_dictionary("str")]),
        (
            [{"name": "a"}, 5, {}, None, {"name": "", "sizes": [1, "x"]}],
            [
                {},
                no_dictionary("int"),
                {"name": ["This field is required."]},
                ["This field may not be null."],
                {"name": ["This field may not be blank."], "sizes": {"1": ["A valid integer is required."]}},
            ],
        ),
        ([{"name": "a", "parts": [{"name": 1}]}], [{"parts": [{"name": ["Not a valid string."]}]}]),
        ([], {"non_field_errors": ["This list may not be empty."]}),
        ("x", {"non_field_errors": ['Expected a list of items but got type "str".']}),
        (None, ["This field may not be null."]),
    ],
)
def test_a_list_of_objects(client, value, messages):
    assert told(client, parts=value) == {"parts": messages}


def test_an_object(client):
    assert told(client, part=[]) == {"part": no_dictionary("list")}
    assert told(client, part={"name": None}) == {"part": {"name": ["This field may not be null."]}}
    assert told(client, part=None) == {"part": ["This field may not be null."]}


@pytest.mark.parametrize(
    ("query", "messages"),
    [
        ("owner=nope", {"owner": [NO_UUID.format("nope")]}),
        (
            f"owner={NODASH}",
            {"owner": ["Select a valid choice. That choice is not one of the available choices."]},
        ),
        (f"label={ID}&label=nope&label=5", {"label": [NO_UUID.format("nope")]}),
        (
            f"label={NODASH}",
            {"label": [f"Select a valid choice. {NODASH} is not one of the available choices."]},
        ),
        ("pk=nope", {"pk": ["Enter a valid UUID."]}),
        ("order=abc", {"order": ["Enter a number."]}),
        ("order=1.5&pk=&owner=", {"pk": ["Enter a valid UUID."], "order": ["Enter a number."]}),
    ],
)
def test_a_query(client, query, messages):
    response = client.get(WIDGETS, query=query)
    assert (response.status, list(response.json().items())) == (400, list(messages.items()))


ONLY_ONE = "Only one of 'group' or 'user' can be set."
THIRTEENTH = "No widget is the thirteenth."


@pytest.mark.parametrize(
    ("properties", "messages"),
    [
        ({"user": 1, "group": ID}, [ONLY_ONE]),
        ({"order": 13}, [THIRTEENTH]),
        ({"order": 13, "user": 1, "group": ID}, [ONLY_ONE, THIRTEENTH]),
    ],
)
def test_a_rule_across_members(client, properties, messages):
    assert told(client, **properties) == {"non_field_errors": messages}


def test_a_rule_across_members_is_told_of_when_each_member_is_right(client):
    assert told(client, order=13, name="") == {"name": ["This field may not be blank."]}
    refusing = serve(lambda *_: {"name": errors.NotUnique("name")})
    assert told(refusing, order=13) == {"name": ["A widget has this name already."]}


def test_a_rule_across_members_comes_before_what_is_unique_together():
    def widgets_create(store, body):
        raise errors.NotUnique(("owner", "order"))

    client = serve(widgets_create=widgets_create)
    assert told(client, order=13) == {"non_field_errors": [THIRTEENTH]}
    assert told(client, order=12) == {"non_field_errors": ["The fields owner, order must make a unique set."]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "Invalid data. Expected a dictionary, but got list."),
        (b"5", "Invalid data. Expected a dictionary, but got int."),
        (b"null", "No data provided"),
    ],
)
def test_a_body_that_is_no_object_breaks_no_other_rule(client, body, message):
    response = client.post(WIDGETS, body=body, headers={"content-type": "application/json"})
    assert (response.status, response.json()) == (400, {"non_field_errors": [message]})
