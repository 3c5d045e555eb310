"""Scores and types of devices: no request creates them, but they are read, filtered and deleted like other objects."""

import pytest

API = "/api/v3/"
SCORES, TYPES = f"{API}policies/reputation/scores/", f"{API}stages/authenticator/webauthn_device_types/"
SCORE = "authentik_policies_reputation.reputation"
DEVICE_TYPE = "authentik_stages_authenticator_webauthn.webauthndevicetype"


def stored(client, model, *objects):
    store = client.store
    with store.database.write() as session:
        return [store.repository(model).add(session, one, one.get("aaguid")) for one in objects]


def score(identifier, number):
    return {
        "identifier": identifier,
        "ip": f"192.0.2.{number}",
        "ip_geo_data": {},
        "ip_asn_data": {"asn": 64512},
        "score": -number,
        "updated": "2030-01-02T03:04:05Z",
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["jane", "jane", "john"]),
        ("identifier=jane", ["jane", "jane"]),
        ("identifier_in=jane&identifier_in=john", ["jane", "jane", "john"]),
        ("identifier_in=john&identifier_in=JANE", ["john"]),
        ("identifier_in=%00", []),
        ("ip=192.0.2.2", ["jane"]),
        ("ip=x", []),
        ("score=-3", ["john"]),
        ("search=192.0.2 jane", ["jane", "jane"]),
        ("ordering=-score", ["jane", "jane", "john"]),
        ("ordering=score", ["john", "jane", "jane"]),
    ],
)
def test_scores_are_filtered_searched_and_sorted(client_on_each, query, found):
    client = client_on_each
    stored(client, SCORE, score("jane", 1), score("jane", 2), score("john", 3))
    query = query.replace(" ", "%20")
    assert [one["identifier"] for one in client.get(SCORES, query=query).json()["results"]] == found


def test_a_score_is_read_and_deleted(client_on_each):
    client = client_on_each
    (pk,) = stored(client, SCORE, score("jane", 1))
    assert client.get(f"{SCORES}{pk}/").json() == {"pk": pk, **score("jane", 1)}
    assert client.get(f"{SCORES}{pk}/used_by/").json() == []
    assert client.delete(f"{SCORES}{pk}/").status == 204
    assert client.get(f"{SCORES}{pk}/").status == 404


def test_a_type_of_devices_is_found_by_its_identifier(client_on_each):
    client = client_on_each
    key = {"aaguid": "0bb43545-fd2c-4185-87dd-feb0b2916ace", "description": "Security Key"}
    stored(client, DEVICE_TYPE, key, {"aaguid": "2fc0579f-8113-47ea-b116-bb5a8db9202a", "description": "Another"})
    assert client.get(f"{TYPES}{key['aaguid']}/").json() == key
    assert client.get(TYPES, query=f"aaguid={key['aaguid'].upper()}").json()["results"] == [key]
    assert client.get(TYPES, query="search=security").json()["results"] == [key]
    assert client.get(f"{TYPES}nope/").status == 404
    assert client.delete(f"{TYPES}{key['aaguid']}/").status == 405
