"""Path parameters: what of a path names an object, and how a handler is given it."""

import pytest

from app import errors
from tests.contract.widgets import ID, WIDGETS, serve

WIDGET = {"name": "Gear", "owner": ID}
MIXED = "abcdefab-cdef-4abc-8abc-abcdefabcdef"
NOT_FOUND = {"detail": "Not found."}


@pytest.fixture
def asked():
    return []


@pytest.fixture
def client(asked):
    """The one widget that there is has the UUID `MIXED`."""

    def widgets_retrieve(store, pk):
        asked.append(pk)
        if pk != MIXED:
            raise errors.NotFound
        return {"key": pk}

    return serve(widgets_retrieve=widgets_retrieve)


@pytest.mark.parametrize("written", [MIXED, MIXED.upper(), MIXED.replace("-", ""), f"%7B{MIXED}%7D"])
def test_an_object_is_found_by_its_uuid_however_it_is_written(client, asked, written):
    response = client.get(f"{WIDGETS}{written}/")
    assert (response.status, response.json()) == (200, {"key": MIXED})
    assert asked == [MIXED]


@pytest.mark.parametrize("written", ["nope", MIXED[1:], MIXED + "0", f"%20{MIXED}"])
def test_what_is_no_uuid_names_nothing(client, asked, written):
    for response in (
        client.get(f"{WIDGETS}{written}/"),
        client.put(f"{WIDGETS}{written}/", WIDGET),
        client.put(f"{WIDGETS}{written}/", {"name": 1}),
        client.put(f"{WIDGETS}{written}/", body=b"{"),
    ):
        assert (response.status, response.json()) == (404, NOT_FOUND)
    assert asked == []


def test_permission_comes_before_existence(client):
    nope, unknown = WIDGETS + "nope/", f"{WIDGETS}{ID}/"
    for path in (nope, unknown):
        assert client.get(path, token="").status == 403
        assert client.get(path, token="widgets.change").status == 403
        # Who may see that there is no such object is told so.
        assert client.put(path, WIDGET, token="widgets.view").status == 404
        assert client.put(path, WIDGET, token="widgets.other").status == 403
    assert client.put(f"{WIDGETS}{MIXED}/", WIDGET, token="widgets.view").status == 403
    assert client.delete(nope).status == 405


@pytest.mark.parametrize(("path", "status"), [("red/12", 200), ("blue/12", 404), ("red/x", 404), ("red/12%0A", 404)])
def test_a_value_outside_its_schema_names_nothing(client, path, status):
    response = client.get(f"{WIDGETS}{path}/")
    assert response.status == status
    assert response.json() == ({"name": "red 12"} if status == 200 else NOT_FOUND)


def test_a_filter_that_names_no_object_does_not_keep_from_a_refusal():
    def widgets_retrieve(store, pk):
        raise errors.InvalidChoice("owner", ID)

    client = serve(widgets_retrieve=widgets_retrieve)
    assert client.put(f"{WIDGETS}{MIXED}/", WIDGET, token="widgets.view").status == 403


def test_the_store_is_asked_by_the_handlers_name_of_the_parameter():
    asked = []
    client = serve(lambda _operation, _properties, path: asked.append(path) or {})
    client.put(f"{WIDGETS}{MIXED.upper()}/", {"name": "Gear"})
    assert asked == [{"pk": MIXED}]


def test_an_ignored_member_is_validated_and_not_handed_on():
    seen = []

    def widgets_create(store, body):
        seen.append(body)
        return dict(body)

    client = serve(widgets_create=widgets_create)
    assert client.post(WIDGETS, WIDGET | {"parts": [{"name": "a"}]}).status == 201
    assert seen == [WIDGET]
    assert client.post(WIDGETS, WIDGET | {"parts": []}).status == 400
