"""A value that one version stores in another form than another is shown by each in its own, and kept if it comes back."""

from itertools import count

import pytest

from app.contract.compile.forms import form_of
from tests.contract.test_served_versions import cache, serving  # noqa: F401  # fixtures
from tests.executor import Browser, flow_of
from tests.forms import form

EMAIL, TOTP = "/api/v3/stages/email/", "/api/v3/stages/authenticator/totp/"
OLD, NEW = "2024.8", "2025.12"
_numbers = count()


@pytest.fixture(scope="module")
def client(serving):  # noqa: F811
    return serving()


def create(client, version, path, **properties):
    response = client("POST", f"/{version}{path}", {"name": f"s{next(_numbers)}", **properties})
    assert response.status == 201, response.body
    return f"{path}{response.json()['pk']}/"


@pytest.mark.parametrize(
    ("path", "property_name", "old", "new", "others"),
    [
        (EMAIL, "token_expiry", 45, "minutes=45", {}),
        (TOTP, "friendly_name", None, "", {"digits": "6"}),
    ],
)
def test_each_version_shows_what_the_other_has_stored_in_its_own_form(client, path, property_name, old, new, others):
    for version, value in ((OLD, old), (NEW, new)):
        one = create(client, version, path, **{property_name: value}, **others)
        assert client("GET", f"/{OLD}{one}").json()[property_name] == old
        assert client("GET", f"/{NEW}{one}").json()[property_name] == new
        listed = client("GET", f"/{OLD}{path}?page_size=1000").json()["results"]
        assert [each[property_name] for each in listed if each["pk"] in one] == [old]


def test_a_value_that_comes_back_as_it_was_shown_is_kept(client):
    one = create(client, NEW, EMAIL, token_expiry="hours=1;seconds=30")
    changed = client("PUT", f"/{OLD}{one}", {"name": f"s{next(_numbers)}", "token_expiry": 60})
    assert (changed.status, changed.json()["token_expiry"]) == (200, 60)
    assert client("GET", f"/{NEW}{one}").json()["token_expiry"] == "hours=1;seconds=30"
    client("PATCH", f"/{OLD}{one}", {"token_expiry": 61})
    assert client("GET", f"/{NEW}{one}").json()["token_expiry"] == "minutes=61"


@pytest.mark.parametrize("minutes", [0, -1, 10**8 - 1, 10**8, -(10**8), 2**31 - 1, -(2**31)])
def test_a_number_of_minutes_can_be_written_back_as_the_duration_that_it_is_shown_as(client, minutes):
    one = create(client, OLD, EMAIL, token_expiry=minutes)
    shown = client("GET", f"/{NEW}{one}").json()["token_expiry"]
    other = create(client, NEW, EMAIL, token_expiry=shown)
    assert client("GET", f"/{OLD}{other}").json()["token_expiry"] == minutes
    assert client("PATCH", f"/{NEW}{one}", {"token_expiry": shown}).status == 200
    assert client("GET", f"/{OLD}{one}").json()["token_expiry"] == minutes


@pytest.mark.parametrize("duration", ["weeks=99999999", "days=-99999999", "seconds=9999999999999", "minutes=99999999"])
def test_the_longest_durations_can_be_written_back_as_the_number_that_they_are_shown_as(client, duration):
    one = create(client, NEW, EMAIL, token_expiry=duration)
    shown = client("GET", f"/{OLD}{one}").json()["token_expiry"]
    assert client("PATCH", f"/{OLD}{one}", {"token_expiry": shown}).status == 200
    assert client("GET", f"/{NEW}{one}").json()["token_expiry"] == duration
    assert create(client, OLD, EMAIL, token_expiry=shown)


@pytest.mark.parametrize(
    ("duration", "minutes"),
    [
        ("minutes=30", 30), ("hours=1;minutes=1.5", 61), ("days=1;seconds=59", 1440), ("weeks=-1", -10080),
        ("minutes=1;foo=2", 1), ("foo", 0), ("weeks=99999999", 2**31 - 1), (" hours = 2 ", 120), (7, 7), (None, None),
    ],
)  # fmt: skip
def test_a_duration_is_a_number_of_minutes_rounded_down(duration, minutes):
    assert form_of("minutes", "integer", nullable=False, accepts=bool)(duration) == minutes


@pytest.mark.parametrize(("version", "status"), [("2025.12", 400), ("2026.2", 200)])
def test_a_page_size_that_is_no_number_means_the_default_from_2026_2_on(client, version, status):
    assert client("GET", f"/{version}{TOTP}?page_size=x").status == status


@pytest.mark.parametrize(("version", "null_is_least"), [("2026.2", False), ("2026.5", True)])
def test_null_is_the_least_value_of_a_list_from_2026_5_on(client, version, null_is_least):
    null, text = (create(client, OLD, TOTP, friendly_name=name, digits="6").split("/")[-2] for name in (None, "a"))

    def listed(ordering):
        found = client("GET", f"/{version}{TOTP}?page_size=1000&ordering={ordering}").json()["results"]
        return [each["pk"] for each in found if each["pk"] in (null, text)]

    assert listed("friendly_name") == ([null, text] if null_is_least else [text, null])
    assert listed("-friendly_name") == ([text, null] if null_is_least else [null, text])


def test_a_group_has_its_parent_as_the_only_item_of_a_list_from_2025_12_on(client):
    groups = "/api/v3/core/groups/"
    above, other = create(client, OLD, groups), create(client, NEW, groups)
    pk, other_pk = above.split("/")[-2], other.split("/")[-2]
    below = create(client, OLD, groups, parent=pk)
    shown = client("GET", f"/{NEW}{below}").json()
    assert (shown["parents"], "parent" in shown) == ([pk], False)
    assert client("PATCH", f"/{NEW}{below}", {"parents": [other_pk]}).json()["parents"] == [other_pk]
    assert client("GET", f"/{OLD}{below}").json()["parent"] == other_pk
    for version in (OLD, NEW):
        assert [use["pk"] for use in client("GET", f"/{version}{other}used_by/").json()] == [below.split("/")[-2]]
    assert client("PATCH", f"/{NEW}{other}", {"parents": [pk, other_pk]}).status == 400
    assert client("PATCH", f"/{NEW}{other}", {"parents": [below.split("/")[-2]]}).status == 400
    assert client("PATCH", f"/{NEW}{below}", {"parents": []}).json()["parents"] == []


PREVIEW = "/api/v3/stages/prompt/prompts/preview/"
COLORS = "return [{'value': 'r', 'label': 'Red'}, 'blue']"
LABELLED = [{"value": "r", "label": "Red"}, {"value": "blue", "label": "blue"}]


@pytest.mark.parametrize(("version", "choices"), [("2025.8", ["red", "blue"]), ("2025.10", LABELLED)])
def test_choices_are_objects_with_a_label_from_2025_10_on(client, version, choices):
    source = COLORS if version == "2025.10" else "return ['red', 'blue']"
    prompt = {"name": "c", "field_key": "c", "label": "C", "type": "dropdown"}
    prompt |= {"placeholder": source, "placeholder_expression": True}
    shown = client("POST", f"/{version}{PREVIEW}", prompt)
    assert (shown.status, shown.json()["fields"][0]["choices"]) == (200, choices)

    prompt_pk = create(client, OLD, "/api/v3/stages/prompt/prompts/", **prompt | {"name": f"p{next(_numbers)}"}).split(
        "/"
    )[-2]
    slug = f"choices-{version.replace('.', '-')}"
    flow_of(client, slug, ("prompt/stages", {"fields": [prompt_pk]}), ("dummy", {}))
    browser, path = Browser(client), f"/{version}/api/v3/flows/executor/{slug}/"
    assert browser.send("GET", f"{path}?query=").json()["fields"][0]["choices"] == choices
    value = choices[0]["value"] if version == "2025.10" else choices[0]
    assert browser.send("POST", f"{path}?query=", {"c": "green"}).json()["response_errors"]
    assert browser.send("POST", f"{path}?query=", {"c": value}).status == 302


@pytest.mark.parametrize(("version", "whole"), [("2025.12", False), ("2026.2", True)])
def test_an_export_has_the_values_that_are_false_or_empty_from_2026_2_on(client, version, whole):
    slug = f"exported-{version.replace('.', '-')}"
    flow_of(client, slug, ("dummy", {}), ("identification", {"user_fields": ["email"]}))
    exported = client("GET", f"/{version}/api/v3/flows/instances/{slug}/export/").body
    assert (b"compatibility_mode: false" in exported) is whole
    assert (b"throw_error: false" in exported) is whole
    before = client("GET", f"/{version}/api/v3/flows/instances/{slug}/").json()
    body, headers = form({}, file=("flow.yaml", "", exported))
    imported = client("POST", f"/{version}/api/v3/flows/instances/import/", body=body, headers=headers)
    assert imported.json()["success"], imported.body
    assert client("GET", f"/{version}/api/v3/flows/instances/{slug}/").json() == before


@pytest.mark.parametrize(
    ("minutes", "duration"), [(999, "minutes=999"), (1441, "days=1;minutes=1"), (-1441, "days=-1;minutes=-1")]
)
def test_minutes_are_shown_in_days_if_requests_accept_no_duration_of_as_many(minutes, duration):
    accepts = "minutes=999".__eq__
    assert form_of("minutes", "string", nullable=False, accepts=accepts)(minutes) == duration
