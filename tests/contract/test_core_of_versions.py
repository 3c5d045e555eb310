"""Applications and sessions as each version has them, from one store."""

import pytest

from app import passwords
from tests.contract.test_served_versions import cache, serving  # noqa: F401  # fixtures
from tests.executor import API, Browser, login_flow

APPLICATIONS, SESSIONS = f"{API}/core/applications/", f"{API}/core/authenticated_sessions/"
BEFORE, SINCE = "/2024.8", "/2026.8"


@pytest.fixture(scope="module")
def client(serving):  # noqa: F811
    return serving()


@pytest.fixture
def application(client):
    """Creates an application by a version. :returns: its path"""
    paths = []

    def made(version, slug="wiki", **properties):
        answer = client("POST", f"{version}{APPLICATIONS}", {"name": "Wiki", "slug": slug, **properties})
        assert answer.status == 201, answer.body
        paths.append(f"{APPLICATIONS}{slug}/")
        return paths[-1]

    yield made
    for path in paths:
        client("DELETE", path)


def shown(client, path, *names):
    one = client("GET", path).json()
    return [one.get(name, "absent") for name in names]


ICON = ("meta_icon", "meta_icon_url", "meta_icon_themed_urls")


def test_an_icon_is_a_property_from_2025_12_on_and_its_url_before(client, application):
    path = application(SINCE, meta_icon="https://example.com/a.png")
    assert shown(client, SINCE + path, *ICON) == ["https://example.com/a.png", "https://example.com/a.png", None]
    assert shown(client, BEFORE + path, *ICON) == ["https://example.com/a.png", "absent", "absent"]
    assert client("PUT", BEFORE + path, {"name": "Changed", "slug": "wiki", "meta_icon": "b"}).status == 200
    assert shown(client, SINCE + path, "name", "meta_icon") == ["Changed", "https://example.com/a.png"]


def test_an_application_without_an_icon_has_none_in_each_version(client, application):
    path = application(BEFORE)
    assert shown(client, BEFORE + path, *ICON) == [None, "absent", "absent"]
    assert shown(client, SINCE + path, *ICON) == ["", None, None]


def test_an_application_has_the_properties_of_later_versions_and_keeps_them(client, application):
    path = application(SINCE, slug="s" * 70, meta_hide=True)
    pk, *others = shown(client, SINCE + path, "pk", "pbm_uuid", "meta_hide")
    assert others == [pk, True]
    assert client("PATCH", BEFORE + path, {"name": "Changed"}).json()["slug"] == "s" * 70
    assert shown(client, SINCE + path, "name", "meta_hide") == ["Changed", True]
    listed = client("GET", f"{BEFORE}{APPLICATIONS}?superuser_full_list=true").json()["results"]
    assert [one.keys() & {"pbm_uuid", "meta_hide"} for one in listed] == [set()]


def test_sessions_are_filtered_by_other_names_from_2025_4_on(client, monkeypatch):
    monkeypatch.setattr(passwords, "COST", 2)
    login_flow(client)
    Browser(client).log_in()

    def count(version, query):
        return client("GET", f"{version}{SESSIONS}?{query}=192.0.2.99").json()["pagination"]["count"]

    assert (count(BEFORE, "last_ip"), count(SINCE, "session__last_ip")) == (0, 0)
    # Parameters that a version does not have are ignored.
    assert (count(BEFORE, "session__last_ip"), count(SINCE, "last_ip")) == (1, 1)
