"""A body with many mistakes, or one in a large body, is refused in time that grows with its length at most, in a bounded answer."""

import orjson
import pytest

from app import errors
from app.contract.request.body import MOST_CONTAINERS
from app.contract.validation.violations import MOST, MOST_VALUES
from app.contract.validation.wording import MORE
from app.store.queries.references import References
from tests.asgi import FLOWS
from tests.contract.widgets import ID, OTHER, WIDGETS, serve
from tests.growth import TIMES, in_proportion

JSON = {"content-type": "application/json"}
PROBLEM = {"accept": "application/problem+json"}
WIDGET = {"name": "Gear", "owner": ID}
BEHIND = 10 * MOST_VALUES
NO_INTEGER = ["A valid integer is required."]
MORE_IS_WRONG = {"non_field_errors": [MORE]}


@pytest.fixture(scope="module")
def widgets():
    return serve(body_limit=2**24)


def rejected(client, path=WIDGETS, **properties):
    response = client.post(path, WIDGET | properties)
    assert response.status == 400
    return response.json()


@pytest.mark.parametrize("count", [1, MOST])
def test_mistakes_that_are_few_are_all_listed(widgets, count):
    messages = rejected(widgets, part={"name": "P", "sizes": ["x"] * count})
    assert messages == {"part": {"sizes": {str(index): NO_INTEGER for index in range(count)}}}


@pytest.mark.parametrize("count", [MOST + 1, MOST_VALUES, 20_000])
def test_of_many_mistakes_the_first_ones_are_listed(widgets, count):
    messages = rejected(widgets, part={"name": "P", "sizes": ["x"] * count})
    assert messages == {"part": {"sizes": {str(index): NO_INTEGER for index in range(MOST)}}} | MORE_IS_WRONG


def test_of_objects_in_an_array_those_up_to_the_last_one_that_is_wrong_are_listed(widgets):
    messages = rejected(widgets, parts=[{"name": "P"}, *[{"name": ""}] * BEHIND])
    assert messages == {"parts": [{}, *[{"name": ["This field may not be blank."]}] * MOST]} | MORE_IS_WRONG


@pytest.mark.parametrize(
    ("properties", "messages"),
    [
        ({"part": {"name": "P", "sizes": [*[1] * BEHIND, "x"]}}, {"part": {"sizes": {str(BEHIND): NO_INTEGER}}}),
        ({"labels": [*[ID] * BEHIND, "x"]}, {"labels": ["“x” is not a valid UUID."]}),
        (
            {"parts": [*[{"name": "P"}] * BEHIND, 1]},
            {
                "parts": [
                    *[{}] * BEHIND,
                    {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]},
                ]
            },
        ),
        ({"labels": [ID] * BEHIND, "group": ID, "user": 1}, {"non_field_errors": ["Only one of 'group' or 'user' can be set."]}),
        ({"labels": [ID] * BEHIND, "name": 1}, {"name": ["Not a valid string."]}),
    ],
    ids=["in an array", "in references", "in objects", "in the whole", "elsewhere"],
)  # fmt: skip
def test_a_mistake_behind_much_that_is_right_is_found(widgets, properties, messages):
    told = messages.get("non_field_errors", [])
    assert rejected(widgets, **properties) == messages | {"non_field_errors": [*told, MORE]}


def test_what_is_long_but_right_hides_no_other_rule(widgets):
    """Nothing is said of a value that was not looked at as a whole."""
    assert (
        rejected(widgets, kinds=["red"] * BEHIND)
        == {"kinds": ["Ensure this field has no more than 3 elements."]} | MORE_IS_WRONG
    )
    numbers = {f"a{number}": number for number in range(BEHIND)}
    for unknown in ({"others": numbers}, numbers):
        assert rejected(widgets, **unknown, name=None) == {"name": ["This field may not be null."]}


def test_the_store_is_asked_for_nothing_that_was_not_looked_at(contract):
    asked = []

    def problems(_operation, properties, _path):
        asked.append(properties)
        return {"owner": errors.DanglingReference({"owner": OTHER})} if "owner" in properties else {}

    client = serve(problems, body_limit=2**24)
    assert rejected(client, labels=["x"] * BEHIND, key=[[]] * BEHIND)["labels"]
    assert asked == []
    assert rejected(client, name="") == {
        "name": ["This field may not be blank."],
        "owner": [f'Invalid pk "{OTHER}" - object does not exist.'],
    }


@pytest.mark.parametrize("headers", [JSON, JSON | PROBLEM])
@pytest.mark.parametrize(
    "value",
    ["x" * 200_000, ["x" * 2000] * 200, [["x" * 2000] * 10] * 20, {"x" * 200_000: 1}, [1] * 100_000],
    ids=["text", "texts", "arrays", "object", "numbers"],
)
def test_an_answer_is_bounded(widgets, headers, value):
    for property_name in ("owner", "labels", "kinds", "part", "parts"):
        response = widgets.post(WIDGETS, body=orjson.dumps(WIDGET | {property_name: value}), headers=headers)
        assert response.status == 400
        assert len(response.body) < 500_000, property_name


@pytest.mark.parametrize("deep", [b"[" * 900 + b"]" * 900, b'{"a":' * 900 + b"1" + b"}" * 900])
@pytest.mark.parametrize("property_name", ["owner", "kinds", "labels", "part", "unknown"])
def test_what_is_nested_deeply_is_refused(widgets, property_name, deep):
    body = b'{"name": "Gear", "owner": "%s", "%s": %s}' % (ID.encode(), property_name.encode(), deep)
    assert widgets.post(WIDGETS, body=body, headers=JSON).status == 400


# By what they do: a body of about so many bytes.
LARGE = {
    "numbers": lambda size: [1] * (size // 2),
    "objects": lambda size: [{}] * (size // 3),
    "arrays": lambda size: [[]] * (size // 3),
    "texts": lambda size: ["x"] * (size // 4),
    "right": lambda size: [*["email"] * (size // 8), 1],
    "deep": lambda size: [[[[[[[[[[1]]]]]]]]]] * (size // 22),
    "members": lambda size: {str(number): number for number in range(size // 12)},
    "text": lambda size: "x" * size,
}
BODIES = {
    "stages/identification/": lambda made: {"name": "x", "user_fields": made},
    "stages/prompt/stages/": lambda made: {"fields": made},
    "flows/instances/": lambda made: {"designation": made, "slug": "?"},
    "policies/bindings/": lambda made: {"unknown": made},
}


@pytest.mark.parametrize("made", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("headers", [JSON, JSON | PROBLEM], ids=["messages", "problem"])
def test_the_time_grows_with_the_length_at_most(client, path, made, headers):
    def reject(body):
        response = client.post(f"/api/v3/{path}", body=body, headers=headers)
        assert (response.status, len(response.body) < 200_000) == (400, True)

    short, long = (orjson.dumps(BODIES[path](made(size))) for size in (50_000, 50_000 * TIMES))
    assert in_proportion(reject, short, long, floor=5e-3)


@pytest.mark.parametrize("parameter", ["ordering", "designation", "page", "slug"])
def test_of_a_query_with_many_mistakes_some_are_listed(client, parameter):
    response = client.get(FLOWS, query="&".join(f"{parameter}={number}x" for number in range(999)))
    assert response.status in (200, 400, 404)
    assert len(response.body) < 100_000


def test_a_form_whose_content_looks_like_ends_of_parts_is_refused_at_once(client, make_flow):
    client.post(FLOWS, make_flow(slug="a"))
    content = b"\r\n--b\r" * 1_000_000
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%s\r\n--b--\r\n' % content
    response = client.post(
        f"{FLOWS}a/set_background/", body=form, headers={"content-type": "multipart/form-data; boundary=b"}
    )
    assert (response.status, response.json()) == (400, {"detail": "There are more than 1000 parts."})


@pytest.mark.parametrize("deep", [b"[]", b"{}", b'{"a":[', b"[[[["])
def test_a_body_of_more_brackets_than_it_may_have_is_refused(widgets, deep):
    body = b'{"name": "Gear", "unknown": [' + b",".join([deep] * MOST_CONTAINERS)
    response = widgets.post(WIDGETS, body=body, headers=JSON)
    assert (response.status, response.json()["detail"].partition(" - ")[0]) == (400, "JSON parse error")
    for count, status in ((MOST_CONTAINERS - 1, 201), (MOST_CONTAINERS, 400)):
        assert widgets.post(WIDGETS, WIDGET | {"name": "[" * count}).status == status


def test_what_references_name_many_times_is_looked_up_once(client, monkeypatch):
    found = []
    find = References.find
    monkeypatch.setattr(References, "find", lambda *given: found.append(given[-1]) or find(*given))
    prompt = {"name": "p", "field_key": "k", "label": "l", "type": "text"}
    pk = client.post("/api/v3/stages/prompt/prompts/", prompt).json()["pk"]
    assert client.post("/api/v3/stages/prompt/stages/", {"name": "a", "fields": [pk] * 1000}).status == 201
    assert found == [pk]
    found.clear()
    response = client.post("/api/v3/stages/prompt/stages/", {"name": "b", "fields": [ID, OTHER] * 1000})
    assert (response.json(), {*found}) == ({"fields": [f'Invalid pk "{ID}" - object does not exist.']}, {ID})
