"""What a client is told when a handler or the store refuses what the contract allows."""

import pytest

from app import errors
from tests.contract.widgets import ID, OTHER, WIDGETS, serve

WIDGET = {"name": "Gear", "owner": ID, "labels": [ID, OTHER], "order": 1}


def creating(error, problems=lambda *_: {}):
    def widgets_create(store, body):
        raise error

    return serve(problems, widgets_create=widgets_create)


def listing(error):
    def widgets_list(store, filters):
        raise error

    return serve(widgets_list=widgets_list)


@pytest.mark.parametrize(
    ("error", "messages"),
    [
        (errors.Invalid({"name": ["No."], "labels": {"0": ["Nor this."]}}), None),
        (errors.Invalid({"non_field_errors": ["Nothing of this."]}), None),
        (errors.NotUnique("name"), {"name": ["A widget has this name already."]}),
        (
            errors.NotUnique(("order", "owner")),
            {"non_field_errors": ["The fields owner, order must make a unique set."]},
        ),
        (
            errors.DanglingReference({"labels": OTHER, "owner": ID}),
            {
                "owner": [f'Invalid pk "{ID}" - object does not exist.'],
                "labels": [f'Invalid pk "{OTHER}" - object does not exist.'],
            },
        ),
    ],
    ids=["members", "whole", "unique", "together", "missing"],
)
def test_a_body_that_the_store_refuses(error, messages):
    response = creating(error).post(WIDGETS, WIDGET)
    assert response.status == 400
    assert list(response.json().items()) == list((messages or error.messages).items())


@pytest.mark.parametrize("error", [errors.NotUnique("order"), errors.NotUnique(("name", "order"))])
def test_a_refusal_without_words_is_not_the_clients_fault(error):
    assert creating(error).post(WIDGETS, WIDGET).status == 500


def test_all_that_the_store_refuses_is_told_at_once():
    asked = []

    def problems(operation_id, properties, path_values):
        asked.append((operation_id, properties, path_values))
        return {"owner": errors.DanglingReference({"owner": ID}), "name": errors.NotUnique("name")}

    told = {
        "name": ["A widget has this name already."],
        "owner": [f'Invalid pk "{ID}" - object does not exist.'],
    }
    # The handler says the first thing it finds; the members that are taken together are told of when each is right.
    for error in (
        errors.NotUnique("name"),
        errors.DanglingReference({"owner": ID}),
        errors.NotUnique(("owner", "order")),
    ):
        response = creating(error, problems).post(WIDGETS, WIDGET)
        assert (response.status, list(response.json().items())) == (400, list(told.items()))
    # The order is nothing that only the store knows.
    assert asked == [("widgets_create", {"name": "Gear", "owner": ID, "labels": [ID, OTHER]}, {})] * 3
    response = serve(problems).post(WIDGETS, WIDGET | {"order": "first"})
    assert list(response.json().items()) == [*told.items(), ("order", ["A valid integer is required."])]
    assert len(asked) == 4


def test_the_store_is_not_asked_for_members_that_are_wrong_or_left_out():
    asked = []
    client = serve(lambda _operation, properties, _path: asked.append(properties) or {})
    response = client.post(WIDGETS, {"name": "Gear", "labels": [ID]})
    assert response.json() == {"owner": ["This field is required."]}
    client.post(WIDGETS, {"order": "first", "name": 1})
    assert asked == [{"name": "Gear", "labels": [ID]}]


def test_a_filter_that_names_no_object():
    client = listing(errors.InvalidChoice("owner", ID))
    response = client.get(WIDGETS, query=f"owner={ID}")
    message = "Select a valid choice. That choice is not one of the available choices."
    assert (response.status, response.json()) == (400, {"owner": [message]})
    # The answer names the parameter, the store the member that it filters by.
    client = listing(errors.InvalidChoice("labels", OTHER))
    response = client.get(WIDGETS, query=f"label={ID}&label={OTHER}")
    message = f"Select a valid choice. {OTHER} is not one of the available choices."
    assert (response.status, response.json()) == (400, {"label": [message]})
    assert listing(errors.InvalidChoice("name", ID)).get(WIDGETS).status == 500


def test_a_refusal_of_another_form():
    def widgets_test(store, body):
        raise errors.Rejected({"success": body.get("success", False)})

    client = serve(widgets_test=widgets_test)
    response = client.post(WIDGETS + "test/", {})
    assert (response.status, response.json()) == (400, {"success": False})
    assert response.headers["content-type"] == "application/json"

    def breaks(store, body):
        raise errors.Rejected({"success": "no"})

    assert serve(widgets_test=breaks).post(WIDGETS + "test/", {}).status == 500
