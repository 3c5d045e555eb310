"""The behaviour of the operations on flows, beyond what the recorded cases show."""

import re

import pytest

from app.contract.request.body import MOST_LEVELS
from tests.asgi import FLOWS

TOO_DEEP = f"JSON parse error - more than {MOST_LEVELS} arrays and objects within one another"
SLUG_MESSAGE = 'Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.'


@pytest.fixture
def flow(client, make_flow):
    """A stored flow."""
    return client.post(FLOWS, make_flow(name="Welcome", slug="welcome", title="Hello")).json()


def slugs(response):
    assert response.status == 200, response.body
    return [flow["slug"] for flow in response.json()["results"]]


def test_flows_instances_create__answers_the_stored_flow_in_the_contracts_order(client, contract, make_flow):
    response = client.post(FLOWS, make_flow(name="Welcome", slug="welcome"))
    assert response.status == 201
    created = response.json()
    assert list(created) == list(contract.document["components"]["schemas"]["Flow"]["properties"])
    assert created["export_url"] == "/api/v3/flows/instances/welcome/export/"
    assert created["pk"] != created["policybindingmodel_ptr_id"]
    assert client.get(FLOWS + "welcome/").json() == created


def test_flows_instances_create__defaults_are_those_of_the_contract(client, contract, make_flow):
    schemas = contract.document["components"]["schemas"]
    created = client.post(FLOWS, make_flow()).json()
    defaults = {
        name: property_schema["x-create-default"]
        for schema in ("Flow", "FlowRequest")
        for name, property_schema in schemas[schema]["properties"].items()
        if "x-create-default" in property_schema
    }
    assert len(defaults) == 6
    assert {name: created[name] for name in defaults} == defaults


def test_flows_instances_create__all_invalid_members_at_once_in_the_contracts_order(client, flow):
    response = client.post(
        FLOWS,
        {
            "authentication": 1,
            "title": "\u00a0",
            "slug": "a b" * 30,
            "name": "a\0b",
            "layout": None,
            "compatibility_mode": "yes",
        },
    )
    assert response.status == 400
    assert list(response.json().items()) == [
        ("name", ["Null characters are not allowed."]),
        ("slug", ["Ensure this field has no more than 50 characters.", SLUG_MESSAGE]),
        ("title", ["This field may not be blank."]),
        ("designation", ["This field is required."]),
        ("compatibility_mode", ["Must be a valid boolean."]),
        ("layout", ["This field may not be null."]),
        ("authentication", ['"1" is not a valid choice.']),
    ]


def test_flows_instances_create__a_taken_slug_is_told_beside_other_errors(client, flow):
    response = client.post(FLOWS, {"slug": "welcome", "title": "x", "designation": "recovery"})
    assert response.json() == {"name": ["This field is required."], "slug": ["Flow with this slug already exists."]}


def test_flows_instances_create__a_taken_slug_alone(client, flow, make_flow):
    response = client.post(FLOWS, make_flow(slug="welcome"))
    assert (response.status, response.json()) == (400, {"slug": ["Flow with this slug already exists."]})
    assert client.post(FLOWS, make_flow(slug="Welcome")).status == 201


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"null", "No data provided"),
        (b"[]", "Invalid data. Expected a dictionary, but got list."),
        (b"true", "Invalid data. Expected a dictionary, but got bool."),
        (b'"a"', "Invalid data. Expected a dictionary, but got str."),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", FLOWS), ("PUT", FLOWS + "welcome/"), ("PATCH", FLOWS + "welcome/")]
)
def test_bodies_that_are_no_object(client, flow, method, path, body, message):
    response = client(method, path, body=body, headers={"content-type": "application/json"})
    assert (response.status, response.json()) == (400, {"non_field_errors": [message]})


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": ',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": 1e999}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b'{"name": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_malformed_json_never_reaches_a_handler(client, flow, body):
    response = client.patch(FLOWS + "welcome/", body=body, headers={"content-type": "application/json"})
    assert response.status == 400
    assert re.fullmatch(r"JSON parse error - .+: line \d+ column \d+ \(char \d+\)", response.json()["detail"])


def test_deep_json_is_refused_in_known_and_unknown_members(client, flow):
    json_type = {"content-type": "application/json"}
    for name, deep in [(b"name", 900), (b"unknown", 900), (b"unknown", MOST_LEVELS)]:
        response = client.patch(
            FLOWS + "welcome/", body=b'{"%s": %s}' % (name, b"[" * deep + b"]" * deep), headers=json_type
        )
        assert (response.status, response.json()) == (400, {"detail": TOO_DEEP})
    deep = b"[" * (MOST_LEVELS - 1) + b"]" * (MOST_LEVELS - 1)
    assert client.patch(FLOWS + "welcome/", body=b'{"unknown": %s}' % deep, headers=json_type).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/core/users/", '{"username": "deep", "name": "", "attributes": %s}'),
        ("/core/groups/", '{"name": "deep", "attributes": %s}'),
        ("/stages/invitation/invitations/", '{"name": "deep", "fixed_data": %s}'),
    ],
)
def test_json_as_deep_as_a_body_may_be_is_stored_and_listed_and_deeper_is_refused(client_on_each, path, body):
    client, json_type = client_on_each, {"content-type": "application/json"}
    for levels, status in ((MOST_LEVELS, 400), (300, 400), (MOST_LEVELS - 1, 201)):
        given = body % ('{"a":' * levels + "1" + "}" * levels)
        response = client.post(f"/api/v3{path}", body=given.encode(), headers=json_type)
        assert response.status == status
        assert client.get(f"/api/v3{path}").status == 200
        assert status == 201 or response.json() == {"detail": TOO_DEEP}


def test_a_body_larger_than_the_limit_is_413(client, make_flow):
    limit = 1024 * 1024
    response = client.post(FLOWS, body=b"x" * (limit + 1), headers={"content-type": "application/json"})
    assert (response.status, response.json()) == (413, {"detail": f"The request body is larger than {limit} bytes."})
    chunks = [b" " * (limit // 4)] * 5
    assert client.post(FLOWS, body=chunks, headers={"content-type": "application/json"}).status == 413
    assert client.post(FLOWS, make_flow(name="x" * 1_000_000)).status == 201


def test_a_body_in_chunks_is_read_whole(client):
    chunks = [b'{"name": "a", "slug": "ch', b'unks", "title": "t", "desig', b'nation": "recovery"}']
    response = client.post(FLOWS, body=chunks, headers={"content-type": "application/json"})
    assert (response.status, response.json()["slug"]) == (201, "chunks")


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/json; charset=utf-16", "utf-16"),
        ("application/json; charset=latin-1", "latin-1"),
        ("APPLICATION/JSON;charset=UTF-8", "utf-8"),
        ("*/*", "utf-8"),
        ("application/*", "utf-8"),
    ],
)
def test_flows_instances_create__media_types_that_are_taken(client, content_type, encoding):
    body = '{"name": "Ångström", "slug": "a", "title": "é", "designation": "recovery"}'.encode(encoding)
    response = client.post(FLOWS, body=body, headers={"content-type": content_type})
    assert (response.status, response.json()["name"]) == (201, "Ångström")


def test_a_body_that_is_not_in_its_charset_is_malformed(client):
    response = client.post(FLOWS, body=b"\x00", headers={"content-type": "application/json; charset=utf-16"})
    assert response.status == 400
    assert response.json()["detail"].startswith("JSON parse error - ")


@pytest.mark.parametrize("charset", ["zip", "idna", "punycode", "bogus", "", "\x00"])
def test_charsets_that_no_json_comes_in_are_read_as_utf8(client, make_flow, charset):
    response = client.post(FLOWS, make_flow(), headers={"content-type": f"application/json; charset={charset}"})
    assert response.status == 201


def test_flows_instances_create__another_media_type_is_415(client, make_flow):
    response = client.post(FLOWS, make_flow(), headers={"content-type": "text/plain; charset=utf-8"})
    assert response.status == 415
    assert response.json() == {"detail": 'Unsupported media type "text/plain; charset=utf-8" in request.'}


def test_flows_instances_update__keeps_members_that_are_left_out(client, flow):
    client.patch(FLOWS + "welcome/", {"layout": "sidebar_left", "compatibility_mode": True})
    body = {"name": "N", "slug": "moved", "title": "T", "designation": "recovery"}
    response = client.put(FLOWS + "welcome/", body)
    assert response.status == 200
    changed = {**flow, **body, "layout": "sidebar_left", "compatibility_mode": True}
    assert response.json() == {**changed, "export_url": "/api/v3/flows/instances/moved/export/"}
    assert client.get(FLOWS + "welcome/").status == 404
    assert client.get(FLOWS + "moved/").json() == response.json()


def test_flows_instances_partial_update__an_invalid_member_changes_nothing(client, flow):
    assert client.patch(FLOWS + "welcome/", {"name": "Changed", "layout": "round"}).status == 400
    assert client.get(FLOWS + "welcome/").json() == flow


def test_flows_instances_partial_update__without_a_body(client, flow):
    response = client.patch(FLOWS + "welcome/", body=b"", headers={"content-type": "application/json"})
    assert (response.status, response.json()) == (200, flow)


def test_flows_instances_partial_update__a_change_is_found_by_search(client, flow):
    client.patch(FLOWS + "welcome/", {"title": "Straße nach Ångström"})
    assert slugs(client.get(FLOWS, query="search=%C3%A5ngstr%C3%B6m%2Cstra%C3%9Fe")) == ["welcome"]
    assert slugs(client.get(FLOWS, query="search=hello")) == []


def test_flows_instances_partial_update__read_only_members_are_ignored(client, flow):
    read_only = {"pk": 1, "stages": "x", "cache_count": [], "export_url": None, "background": {}}
    assert client.patch(FLOWS + "welcome/", read_only).json() == flow


def test_flows_instances_destroy__frees_the_slug(client, flow, make_flow):
    response = client.delete(FLOWS + "welcome/")
    assert (response.status, response.body) == (204, b"")
    assert client.delete(FLOWS + "welcome/").status == 404
    assert client.post(FLOWS, make_flow(slug="welcome")).json()["pk"] != flow["pk"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no form",
        '--BOUND\r\nContent-Disposition: form-data; name="file"\r\n\r\nversion: 1\r\n--BOUND--\r\n',
        '--BOUND\r\nContent-Disposition: form-data; name="clear"\r\n\r\ntrue\r\n--BOUND--\r\n',
    ],
)
def test_flows_instances_import_create__without_a_file(client, body):
    response = client.post(
        FLOWS + "import/", body=body.encode(), headers={"content-type": "multipart/form-data; boundary=BOUND"}
    )
    assert (response.status, response.json()) == (400, {"file": ["This field is required."]})


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "query", ["designation=recovery", "search=nothing", "slug=other", "flow_uuid=00000000-0000-4000-8000-000000000000"]
)
def test_filters_apply_to_one_flow_too(client, flow, make_flow, method, query):
    body = make_flow() if method in ("PUT", "PATCH") else None
    assert client(method, FLOWS + "welcome/", body, query=query).status == 404
    assert client.get(FLOWS + "welcome/", query="designation=authentication&search=hello").json() == flow


def test_flows_instances_list__pages(client, make_flow):
    for number in range(5):
        client.post(FLOWS, make_flow(slug=f"flow-{number}"))
    response = client.get(FLOWS, query="page_size=2&page=3")
    assert response.json()["pagination"] == {
        "next": 0, "previous": 2, "count": 5, "current": 3, "total_pages": 3, "start_index": 5, "end_index": 5,
    }  # fmt: skip
    assert slugs(response) == ["flow-4"]
    assert slugs(client.get(FLOWS, query=f"page_size={10**30}")) == [f"flow-{n}" for n in range(5)]


@pytest.mark.parametrize("page", ["4", "0", "-1", "abc", "last", "1.5", "9" * 30, "9" * 5000])
def test_flows_instances_list__a_page_that_is_not_there(client, page):
    response = client.get(FLOWS, query=f"page={page}")
    assert (response.status, response.json()) == (404, {"detail": "Invalid page."})


def test_flows_instances_list__filters_are_checked_before_the_page(client):
    response = client.get(FLOWS, query="page=0&designation=x&flow_uuid=1&page_size=a")
    assert (response.status, list(response.json())) == (400, ["flow_uuid", "designation", "page_size"])


def test_flows_instances_list__a_thousand_search_words(client, flow):
    words = "%20".join(f"w{number}" for number in range(1200))
    assert slugs(client.get(FLOWS, query=f"search={words}")) == []
    assert slugs(client.get(FLOWS, query="search=" + "%20".join(["hello"] * 1200))) == ["welcome"]


def test_flows_instances_partial_update__too_many_parameters_without_permission(client, store, flow):
    viewer = store.tokens.add("viewer", permissions=["authentik_flows.view_flow"])
    query = "&".join(f"a{number}=1" for number in range(1001))
    assert client.patch(FLOWS + "welcome/", {"name": "x"}, query=query, token=viewer).status == 400


def test_flows_instances_list__too_many_parameters(client):
    response = client.get(FLOWS, query="&".join(f"a{number}=1" for number in range(1001)))
    assert (response.status, response.json()) == (400, {"detail": "There are more than 1000 query parameters."})


@pytest.mark.parametrize("character", ["%", "_", "\\", "'", '"', "*", "[", "?"])
def test_flows_instances_list__search_takes_each_character_as_it_is(client, make_flow, character):
    client.post(FLOWS, make_flow(slug="with", title=f"a{character}b"))
    client.post(FLOWS, make_flow(slug="without", title="axb"))
    from urllib.parse import quote

    assert slugs(client.get(FLOWS, query="search=" + quote(f"a{character}b"))) == ["with"]


def test_the_doubled_slash_of_the_public_documentation(client, flow):
    assert slugs(client.get("/api/v3//flows/instances/")) == ["welcome"]
    assert client.get("/api/v3//flows/instances/welcome/").json() == flow


@pytest.mark.parametrize(
    "path",
    [
        "/api/v3/flows/instances",
        FLOWS + "a/b/",
        FLOWS + "a.b/",
        FLOWS + "a%2Fb/",
        FLOWS + "a%00/",
        "/api/v3/",
        FLOWS + "/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_paths_that_are_not_there(client, method, path):
    response = client(method, path)
    assert response.status == 404
    message = "There is no such path." if path.endswith("/") else "There is no such path. Each path ends with a slash."
    assert response.json() == {"detail": message}


def test_literal_segments_go_before_parameters(client, make_flow):
    assert client.post(FLOWS, make_flow(slug="cache_info")).status == 201
    assert client.get(FLOWS + "cache_info/").json() == {"count": 0}
    assert client.post(FLOWS + "cache_clear/").status == 204


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        (FLOWS, "GET, POST, HEAD, OPTIONS"),
        (FLOWS + "x/", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        (FLOWS + "cache_clear/", "POST, OPTIONS"),
    ],
)
def test_allow_names_all_methods_of_the_path(client, path, allow):
    options = client("OPTIONS", path)
    assert (options.status, options.body, options.headers["allow"]) == (204, b"", allow)
    rejected = client("TRACE", path)
    assert (rejected.status, rejected.headers["allow"]) == (405, allow)
    assert rejected.json() == {"detail": 'Method "TRACE" not allowed.'}


def test_head_is_get_without_a_body(client, flow):
    for path in (FLOWS, FLOWS + "welcome/", FLOWS + "nothing/"):
        head, get = client("HEAD", path), client.get(path)
        assert head.body == b""
        assert (head.status, head.headers["content-length"]) == (get.status, str(len(get.body)))


@pytest.mark.parametrize("accept", ["application/json", "*/*", "APPLICATION/*", "text/html, application/json;q=0"])
def test_accept_that_admits_json(client, accept):
    assert client.get(FLOWS, headers={"accept": accept}).status == 200


def test_406_comes_before_all_else(client):
    response = client("DELETE", FLOWS, headers={"accept": "text/html"}, token="")
    assert (response.status, response.json()) == (406, {"detail": "Could not satisfy the request Accept header."})


def test_headers_of_each_answer(client, make_flow):
    responses = [client.get(FLOWS), client.get(FLOWS + "x/"), client.post(FLOWS, {}), client.get(FLOWS, token="nope")]
    ids = set()
    for response in responses:
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch("[0-9a-f]{32}", response.headers["x-authentik-id"])
        ids.add(response.headers["x-authentik-id"])
    assert len(ids) == len(responses)
