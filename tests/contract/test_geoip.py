"""GeoIP policies: their countries are a set, and each is shown with its name."""

import pytest

from tests.forms import form

POLICIES, COUNTRIES = "/api/v3/policies/geoip/", "/api/v3/policies/geoip_iso3166/"
IMPORT = "/api/v3/flows/instances/import/"
AUSTRIA, GERMANY = {"code": "AT", "name": "Austria"}, {"code": "DE", "name": "Germany"}


@pytest.mark.parametrize("sent", [["DE", "AT"], ["AT", "DE", "DE", "AT"]])
def test_countries_are_kept_once_and_sorted(client_on_each, sent):
    client = client_on_each
    created = client.post(POLICIES, {"name": "a", "countries": sent, "asns": [2, 1, 2]}).json()
    assert (created["countries"], created["countries_obj"]) == (["AT", "DE"], [AUSTRIA, GERMANY])
    # Numbers are kept as they are.
    assert created["asns"] == [2, 1, 2]
    for method in (client.put, client.patch):
        changed = method(f"{POLICIES}{created['pk']}/", {"name": "a", "countries": sent[::-1]}).json()
        assert changed == created
    (listed,) = client.get("/api/v3/policies/all/").json()["results"]
    assert listed == created


def test_countries_of_a_blueprint_are_kept_once_and_sorted(client):
    blueprint = "entries: [{model: authentik_policies_geoip.geoippolicy, identifiers: {name: a}, attrs: {countries: [DE, AT, DE]}}]"
    for _ in range(2):
        body, headers = form(file=("b.yaml", "", blueprint.encode()))
        assert client.post(IMPORT, body=body, headers=headers).json()["success"]
    (policy,) = client.get(POLICIES).json()["results"]
    assert policy["countries"] == ["AT", "DE"]


def test_details_are_those_of_the_constant_response(client):
    countries = client.get(COUNTRIES).json()
    codes = [country["code"] for country in countries]
    created = client.post(POLICIES, {"name": "a", "countries": codes}).json()
    assert created["countries"] == sorted(codes)
    assert created["countries_obj"] == sorted(countries, key=lambda country: country["code"])


def test_what_is_no_country_is_named_by_its_position(client):
    response = client.post(POLICIES, {"name": "a", "countries": ["DE", "de", "XX"], "asns": ["1", 2**31]})
    assert (response.status, response.json()) == (
        400,
        {
            "asns": {
                "0": ["A valid integer is required."],
                "1": ["Ensure this value is less than or equal to 2147483647."],
            },
            "countries": {"1": ['"de" is not a valid choice.'], "2": ['"XX" is not a valid choice.']},
        },
    )


def test_no_source_stage_can_be_created_as_there_are_no_sources(client):
    body = {"name": "a", "source": "3f0d6a1b-7c52-4e98-8b1d-9a6e5c4f2d80"}
    message = 'Invalid pk "3f0d6a1b-7c52-4e98-8b1d-9a6e5c4f2d80" - object does not exist.'
    rejected = client.post("/api/v3/stages/source/", body)
    assert (rejected.status, rejected.json()) == (400, {"source": [message]})
