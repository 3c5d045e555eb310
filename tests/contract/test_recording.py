"""What clients exercise of the contract is kept, and shown; credentials are not."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pyotp
import pytest

from app import determinism, passwords
from app.application import create_app, load_contract, open_store
from app.contract.document.bundling import read
from app.contract.document.contract import Contract, File
from app.recording import recorder as recorders
from app.recording import traffic as traffics
from app.recording.recorder import Recorder
from app.recording.secrets import MASK, Secrets, without_links
from app.review.traffic import read_traffic
from tests.asgi import FLOWS, Client
from tests.contract.test_contract_browser import whole_words
from tests.contract.test_mails import asked, outbox, recovery
from tests.contract_files import copied, replaced
from tests.executor import Browser, flow_of, login_flow

COVERAGE, TRAFFIC = "/contract/coverage.json", "/contract/traffic.har"
RESET = "/contract/reset"
JSON = {"content-type": "application/json"}
IMPORT = "/api/v3/flows/instances/import/"


@pytest.fixture
def recorded(settings, contract, store):
    """A client of an application that records, and has recorded nothing."""
    store.tokens.add("root", superuser=True, secret="root")
    store.tokens.add("reader", permissions=["authentik_flows.view_flow"], secret="reader")
    recorder = Recorder(contract)
    client = Client(create_app(settings, contract=contract, store=store, recorder=recorder), "root")
    client.recorder, client.store = recorder, store
    return client


def without_secrets(node):
    """A part of a contract in which nothing is marked as secret."""
    if isinstance(node, dict):
        marks = {"writeOnly": True, "format": "password", "x-secret": True}
        return {key: without_secrets(value) for key, value in node.items() if key not in marks or marks[key] != value}
    return [without_secrets(item) for item in node] if isinstance(node, list) else node


@pytest.fixture
def openly_recorded(recorded, contract):
    """The same, for a contract without secrets: a body that can't be read is recorded as well."""
    document = without_secrets(contract.document)
    recorded.recorder.follow(Contract((File(Path(), "the contract", b"", document, dict),), document, {}))
    return recorded


def seen(client, operation):
    """What was seen of an operation."""
    (found,) = (one for one in client.get(COVERAGE, token="").json()["operations"] if one["operation"] == operation)
    return found


def entries(client):
    return client.get(TRAFFIC).json()["log"]["entries"]


def test_nothing_is_there_unless_it_is_recorded(client):
    for method, path in (
        ("GET", "/contract/coverage/"),
        ("GET", COVERAGE),
        ("GET", TRAFFIC),
        ("POST", RESET),
        ("GET", "/contract/traffic"),
    ):
        response = client(method, path)
        assert response.status == 404
        assert response.json()["detail"].startswith("This server records nothing. Start it with `flows serve --record`")


def test_calls_and_statuses(recorded, make_flow):
    flow = make_flow()
    recorded.post(FLOWS, flow)
    recorded.post(FLOWS, flow)
    recorded.get(FLOWS + "nope/")
    recorded("HEAD", f"{FLOWS}{flow['slug']}/")
    created, retrieved = seen(recorded, "flows_instances_create"), seen(recorded, "flows_instances_retrieve")
    assert (created["calls"], created["statuses"]) == (2, {"201": 1, "400": 1})
    assert "status 201" not in created["missing"]
    assert {"status 403"} == {point for point in created["missing"] if point.startswith("status")}
    assert (retrieved["statuses"], retrieved["method"]) == ({"200": 1, "404": 1}, "GET")
    assert retrieved["path"] == "/api/v3/flows/instances/{slug}/"


def test_parameters_and_their_values(recorded):
    before = set(seen(recorded, "flows_instances_list")["missing"])
    # A blank one is not given, an unknown one is nothing of the contract.
    for query in ("designation=recovery&page_size=5&search=&nope=1", "designation=recovery", "ordering=-slug"):
        assert recorded.get(FLOWS, query=query).status == 200
    assert before - set(seen(recorded, "flows_instances_list")["missing"]) == {
        "status 200",
        "parameter designation",
        "parameter designation=recovery",
        "parameter page_size",
        "parameter ordering",
    }


def test_members_and_their_values(recorded, make_flow):
    before = set(seen(recorded, "flows_instances_create")["missing"])
    flow = make_flow(compatibility_mode=True, layout="sidebar_left", nope=1, pk="x")
    assert recorded.post(FLOWS, flow).status == 201
    assert before - set(seen(recorded, "flows_instances_create")["missing"]) == {
        "status 201",
        "member name",
        "member slug",
        "member title",
        "member designation",
        "member designation=authentication",
        "member compatibility_mode",
        "member layout",
        "member layout=sidebar_left",
    }


def test_members_of_a_form(recorded):
    recorded.post(IMPORT, body=b"", headers={"content-type": "multipart/form-data; boundary=abc"})
    assert "member clear" in seen(recorded, "flows_instances_import_create")["missing"]
    body = b'--abc\r\nContent-Disposition: form-data; name="clear"\r\n\r\ntrue\r\n--abc--\r\n'
    path = f"{FLOWS}a/set_background/"
    recorded.post(FLOWS, {"name": "A", "slug": "a", "title": "A", "designation": "recovery"})
    answer = recorded.post(path, body=body, headers={"content-type": "multipart/form-data; boundary=abc"})
    assert answer.status == 200
    missing = seen(recorded, "flows_instances_set_background_create")["missing"]
    assert "member file" in missing
    assert "member clear" not in missing


def test_refused_requests_exercise_rules_only(recorded, make_flow):
    before = seen(recorded, "flows_instances_create")["missing"]
    for _ in range(2):
        answer = recorded.post(FLOWS, make_flow(slug="a b", layout="stacked"))
    found = seen(recorded, "flows_instances_create")
    assert set(before) - set(found["missing"]) == {"status 400"}
    rule = answer.headers["x-contract-rule"]
    assert found["rules"] == [{"rule": "pattern", "contract": rule, "refused": 2}]
    answer = recorded.get(FLOWS, query="page=nope")
    (rule,) = seen(recorded, "flows_instances_list")["rules"]
    assert (rule["rule"], rule["contract"]) == ("type", answer.headers["x-contract-rule"])
    # What goes against no rule in particular goes against the answer that is documented.
    answer = recorded.get(FLOWS + "nope/")
    (rule,) = seen(recorded, "flows_instances_retrieve")["rules"]
    assert (rule["rule"], rule["contract"]) == ("404", answer.headers["x-contract-rule"])


def test_a_method_that_the_path_does_not_have_is_traffic_only(recorded):
    assert recorded.delete(FLOWS).status == 405
    assert recorded.get(COVERAGE).json()["exercised"] == 0
    assert [entry["response"]["status"] for entry in entries(recorded)] == [405]


@pytest.mark.parametrize("prefix", ["", "/2025.12"])
def test_a_rejected_request_for_a_path_outside_the_contract_is_traffic_without_what_it_sent(recorded, prefix):
    path = f"{prefix}/api/v3/no/such/path/"
    recorded.post(f"{path}?password=hidden&flow_token=hidden", {"key": "hidden"})
    recorded.get("/api/v3/schema/")
    recorded.get(FLOWS)
    entry, contracted = entries(recorded)
    request, response = entry["request"], entry["response"]
    assert (request["method"], urlsplit(request["url"]).path, response["status"]) == ("POST", path, 404)
    assert "There is no such path." in response["content"]["text"]
    assert "comment" in request["postData"]
    assert "hidden" not in json.dumps(entry)
    assert urlsplit(contracted["request"]["url"]).path == FLOWS
    calls = [operation for operation in recorded.get(COVERAGE).json()["operations"] if operation["calls"]]
    assert [operation["operation"] for operation in calls] == ["flows_instances_list"]


@pytest.mark.parametrize("path", ["%ff/", "%00/", "a%0d%0ab/", "%f0%9f%92%a9/", "..%2f/"])
def test_any_path_outside_the_contract_can_be_recorded(recorded, path):
    assert recorded.get(f"/api/v3/{path}").status == 404
    (entry,) = entries(recorded)
    assert (entry["request"]["method"], entry["response"]["status"]) == ("GET", 404)


def test_all_in_all(recorded, make_flow):
    before = recorded.get(COVERAGE).json()
    assert (before["exercised"], before["percent"]) == (0, 0)
    recorded.post(FLOWS, make_flow())
    after = recorded.get(COVERAGE).json()
    one = seen(recorded, "flows_instances_create")
    assert after["exercised"] == one["exercised"] == 6
    assert after["points"] == before["points"] == sum(each["points"] for each in after["operations"])
    assert after["percent"] <= 100 * 6 / after["points"] < after["percent"] + 0.1


def test_a_query_selects_what_counts(recorded):
    recorded.get(FLOWS)
    every = recorded.get(COVERAGE).json()["operations"]

    def chosen(query):
        return recorded.get(COVERAGE, query=query).json()["operations"]

    assert [one["operation"] for one in chosen("called=true")] == ["flows_instances_list"]
    for query, selects in (
        ("operation=flows_*", lambda one: one["operation"].startswith("flows_")),
        ("operation=flows_*&operation=policies_*", lambda one: one["operation"].startswith(("flows_", "policies_"))),
        ("tag=core&tag=root", lambda one: not {"core", "root"}.isdisjoint(one["tags"])),
    ):
        assert chosen(query) == [one for one in every if selects(one)]
    (listed,) = chosen("called=true&kind=status&ignore=status%20403")
    assert (listed["points"], listed["exercised"], listed["missing"]) == (3, 1, ["status 400", "status 404"])
    assert listed["contract"].startswith("openapi/authentik-flows.yaml:")


def test_a_kind_of_points_that_does_not_exist_is_rejected(recorded):
    response = recorded.get(COVERAGE, query="kind=colour")
    assert (response.status, response.json()["detail"]) == (
        400,
        "There is no kind of points 'colour': give status, parameter, member.",
    )


def test_a_reset_forgets_all(recorded, make_flow):
    before = recorded.get(COVERAGE).json()
    for _ in range(2):
        flow = make_flow()
        recorded.post(FLOWS, flow)
        recorded.get(FLOWS, query="page=1")
        assert seen(recorded, "flows_instances_list")["exercised"] == 2
        recorded.get(f"{FLOWS}nope/")
        assert recorded.post(RESET).status == 204
        assert recorded.get(COVERAGE).json() == before
        assert entries(recorded) == []


def test_another_contract_is_followed_and_what_was_seen_stays(recorded, contract, tmp_path, settings, make_flow):
    recorded.post(FLOWS, make_flow())
    before = seen(recorded, "flows_instances_create")
    path = copied(tmp_path / "contract")
    replaced(path, "        - sidebar_right\n", "        - sidebar_right\n        - sidebar_top\n")
    recorded.recorder.follow(load_contract(replace(settings, contract=path)))
    after = seen(recorded, "flows_instances_create")
    assert after["calls"] == 1
    assert after["exercised"] == before["exercised"]
    assert set(after["missing"]) - set(before["missing"]) == {"member layout=sidebar_top"}


def test_the_page(recorded, make_flow):
    recorded.post(FLOWS, make_flow(slug="a b"))
    answer = recorded.get("/contract/coverage/", token="")
    text = whole_words(answer.body.decode())
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "member layout=sidebar_left" in text
    assert "<script" not in text
    assert "style=" not in text
    assert "http" not in text
    assert 'aria-current="page">Coverage</a>' in text
    operations = recorded.get(COVERAGE).json()["operations"]
    assert text.count('<tr>\n<th scope="row"') == len(operations)
    created = seen(recorded, "flows_instances_create")
    (rule,) = created["rules"]
    file, line, _ = rule["contract"].split(":")
    assert f'href="/contract/files/{file.removeprefix("openapi/")}#L{line}">{rule["contract"]}</a>' in text
    only = recorded.get("/contract/coverage/", query="called=yes", token="").body.decode()
    assert only.count('<tr>\n<th scope="row"') == sum(operation["calls"] > 0 for operation in operations) > 0


def test_the_traffic_can_be_cleared_without_the_coverage(recorded):
    recorded.get(FLOWS)
    assert recorded("DELETE", TRAFFIC).status == 204
    assert entries(recorded) == []
    assert seen(recorded, "flows_instances_list")["calls"] == 1


@pytest.mark.parametrize(
    ("method", "path"), [("GET", TRAFFIC), ("DELETE", TRAFFIC), ("POST", RESET), ("POST", f"{RESET}/")]
)
@pytest.mark.parametrize("token", ["", "nope", "reader"])
def test_data_are_for_superusers(recorded, method, path, token):
    answer = recorded(method, path, token=token)
    assert answer.status == 403
    assert (
        answer.json()["detail"]
        == {
            "": "Authentication credentials were not provided.",
            "nope": "Token invalid/expired",
            "reader": "You do not have permission to perform this action.",
        }[token]
    )


def test_the_traffic_is_read_as_it_was(openly_recorded, make_flow, tmp_path):
    flow = make_flow(name="Ångström", slug="a")
    openly_recorded.post(FLOWS, flow)
    openly_recorded.get(FLOWS, query="search=%C3%85&page=1")
    openly_recorded("HEAD", FLOWS)
    openly_recorded.post(FLOWS, body=b"\xff\xfe", headers={"content-type": "application/json"})
    openly_recorded.get(FLOWS + "a/export/")
    file = tmp_path / "traffic.har"
    file.write_bytes(openly_recorded.get(TRAFFIC).body)
    created, listed, headed, violated, exported = read_traffic(file)
    assert (created.method, created.path, created.status) == ("POST", FLOWS, 201)
    assert created.content_type == "application/json"
    assert json.loads(created.body) == flow
    assert created.response["name"] == "Ångström"
    assert (listed.query, listed.body, listed.response["results"][0]["slug"]) == (b"search=%C3%85&page=1", b"", "a")
    assert (headed.method, headed.response) == ("HEAD", None)
    assert (violated.status, violated.body) == (400, b"\xff\xfe")
    assert (exported.status, exported.response_type, exported.response) == (200, "application/yaml", None)


def test_an_entry_of_the_archive(recorded):
    answer = recorded.get(FLOWS, query="page=1", headers={"host": "flows.example", "accept": "application/json"})
    (entry,) = entries(recorded)
    assert entry["startedDateTime"].endswith("Z")
    assert entry["time"] == entry["timings"]["wait"] > 0
    request, response = entry["request"], entry["response"]
    assert request["url"] == "http://flows.example/api/v3/flows/instances/?page=1"
    assert request["queryString"] == [{"name": "page", "value": "1"}]
    assert "postData" not in request
    assert {header["name"] for header in request["headers"]} == {"host", "accept", "content-length"}
    assert (response["status"], response["statusText"]) == (200, "OK")
    assert json.loads(response["content"]["text"])["pagination"]["count"] == 0
    assert response["content"]["mimeType"] == "application/json"
    assert {header["name"]: header["value"] for header in response["headers"]} == answer.headers


def test_a_boundary_of_a_form_is_always_the_same(openly_recorded):
    chosen = "0123456789abcdef0123456789abcdef"
    body = f'--{chosen}\r\nContent-Disposition: form-data; name="clear"\r\n\r\nfalse\r\n--{chosen}--\r\n'.encode()
    openly_recorded.post(IMPORT, body=body, headers={"content-type": f"multipart/form-data; boundary={chosen}"})
    (entry,) = entries(openly_recorded)
    assert chosen not in json.dumps(entry)
    assert entry["request"]["bodySize"] == len(entry["request"]["postData"]["text"]) == len(body)
    assert f"--{'boundary'.ljust(32, '-')}\r\n" in entry["request"]["postData"]["text"]


def test_credentials_are_never_recorded(recorded):
    credentials = {"cookie": "session=c-secret", "proxy-authorization": "Basic c-secret"}
    recorded.get(FLOWS, headers=credentials, token="t-secret")
    recorded.get(FLOWS, headers=credentials)
    text = recorded.get(TRAFFIC).body.decode()
    assert len(entries(recorded)) == 2
    assert "secret" not in text
    assert "root" not in text
    for entry in entries(recorded):
        assert [header["name"] for header in entry["request"]["headers"]] == ["content-length"]


def test_the_token_of_a_link_in_an_e_mail_is_neither_recorded_nor_logged(recorded, monkeypatch, capsys):
    monkeypatch.setattr(passwords, "COST", 2)
    recovery(recorded)
    asked(recorded)
    (mail,) = outbox(recorded)
    token = dict(parse_qsl(urlsplit(mail["link"]).query))["flow_token"]
    query = f"query={quote(f'next=%2Fapps%2F&flow_token={token}')}"
    browser = Browser(recorded)
    page = {"referer": mail["link"]}
    answers = [
        recorded.get("/api/v3/flows/executor/recovery/", query=query, headers=page),
        browser.post("recovery", query, uid_field="jane"),
        browser.get("recovery", query),
    ]
    assert token in answers[1].headers["location"]
    traffic = recorded.get(TRAFFIC).body.decode()
    assert "flow_token" in traffic
    assert token not in traffic
    said = capsys.readouterr()
    assert token not in said.out + said.err


@pytest.mark.parametrize(
    "text",
    [
        "flow_token=A-b_1",
        "/if/flow/a/?next=/&flow_token=A-b_1&b=c",
        "query=next%3Da%26flow_token%3DA-b_1%26b",
        "next=%2Fa%3Fquery%3Dx%2526flow_token%253DA-b_1%2526c",
        "flow_token%3dA-b_1",
    ],
)
def test_the_token_of_a_link_is_masked_however_deep_it_is_nested(text):
    assert without_links(text.encode()).decode() == text.replace("A-b_1", MASK)


@pytest.mark.parametrize("kind", ["static", "totp"])
def test_what_makes_or_is_a_code_of_a_second_factor_is_masked(recorded, monkeypatch, kind):
    monkeypatch.setattr(passwords, "COST", 2)
    login_flow(recorded)
    flow_of(recorded, "device", (f"authenticator/{kind}", {"digits": "6"} if kind == "totp" else {}))
    flow_of(recorded, "proof", ("identification", {"user_fields": ["username"]}), ("authenticator/validate", {}))
    browser = Browser(recorded).log_in()
    shown = browser.get("device").json()
    secrets = shown["codes"] if kind == "static" else parse_qs(urlsplit(shown["config_url"]).query)["secret"]
    code = secrets[0] if kind == "static" else int(pyotp.TOTP(secrets[0]).at(determinism.now()))
    assert browser.post("device", code=code).json()["component"] == "xak-flow-redirect"
    proof = Browser(recorded)
    proof.post("proof", uid_field="jane")
    proof.get("proof")
    proof.post("proof", code=f"{code} ")
    traffic = recorded.get(TRAFFIC).body.decode()
    assert "ak-stage-authenticator-validate" in traffic
    assert not [secret for secret in (*secrets, str(code)) if secret in traffic]


def test_the_token_of_a_new_service_account_is_masked(recorded):
    made = recorded.post("/api/v3/core/users/service_account/", {"name": "robot"})
    assert made.status == 200, made.body
    assert made.json()["token"] not in recorded.get(TRAFFIC).body.decode()
    (entry,) = entries(recorded)
    assert json.loads(entry["response"]["content"]["text"]) == made.json() | {"token": "********"}


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        ({"Password": "hush"}, {"Password": "********"}),
        ({"password": "hush", "new": {"value": "hush"}}, {"password": "********", "new": "********"}),
        (["hush"], "********"),
        ("hush", "********"),
    ],
)
def test_what_a_body_with_a_secret_does_not_declare_is_masked(recorded, body, masked):
    recorded.post("/api/v3/core/users/1/set_password/", body=json.dumps(body).encode(), headers=JSON)
    (entry,) = entries(recorded)
    assert json.loads(entry["request"]["postData"]["text"]) == masked
    assert "hush" not in recorded.get(TRAFFIC).body.decode()


def test_what_a_body_without_a_secret_does_not_declare_is_recorded(recorded, make_flow):
    flow = make_flow() | {"unknown": 1}
    recorded.post(FLOWS, flow)
    (entry,) = entries(recorded)
    assert json.loads(entry["request"]["postData"]["text"]) == flow


@pytest.fixture
def with_secrets(settings, tmp_path):
    """A client of an application whose contract has secrets: titles, and slugs where they are looked for."""
    path = copied(tmp_path / "contract")
    text = path.read_text()
    # Any member will do.
    changed = text.replace(
        "        title:\n          type: string\n",
        "        title:\n          type: string\n          format: password\n",
    )
    assert changed != text
    path.write_text(changed)
    changed_settings = replace(settings, contract=path)
    contract = load_contract(changed_settings)
    store = open_store(changed_settings, contract)
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    recorder = Recorder(contract)
    yield Client(create_app(changed_settings, contract=contract, store=store, recorder=recorder), "root")
    store.close()


def test_secret_members_are_masked(with_secrets, make_flow):
    flow = make_flow(title="hush")
    assert with_secrets.post(FLOWS, flow).status == 201
    assert with_secrets.get(FLOWS).json()["results"][0]["title"] == "hush"
    assert with_secrets.post(FLOWS, flow | {"slug": "b c"}).status == 400
    assert (
        with_secrets.post(FLOWS, body=b'{"title": "hush"', headers={"content-type": "application/json"}).status == 400
    )
    archive = with_secrets.get(TRAFFIC).body.decode()
    assert "hush" not in archive
    created, listed, rejected, violated = entries(with_secrets)
    assert json.loads(created["request"]["postData"]["text"]) == flow | {"title": "********"}
    assert json.loads(created["response"]["content"]["text"])["slug"] == flow["slug"]
    assert json.loads(listed["response"]["content"]["text"])["results"][0]["title"] == "********"
    # A refusal may quote what was sent, and what is not JSON can't be masked.
    assert "text" not in rejected["response"]["content"]
    assert "text" not in violated["request"]["postData"]


@pytest.mark.parametrize("name", ["settings", "default", "enum", "example", "properties"])
def test_secrets_within_a_member_of_any_name(tmp_path, name):
    path = tmp_path / "a.yaml"
    path.write_text(
        "paths: {}\n"
        f"components: {{schemas: {{Thing: {{properties: {{{name}: {{properties: {{pin: {{format: password}}}}}}}}}}}}}}"
    )
    masked, secret = Secrets(read(path)).body(b'{"pin": "1234"}')
    assert (masked, secret) == (b'{"pin":"********"}', True)


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ("{items: {format: password}}", ["1234"]),
        ("{items: {items: {writeOnly: true}}}", [["1234"]]),
        ("{additionalProperties: {format: password}}", {"a": "1234"}),
        ("{oneOf: [{type: integer}, {$ref: '#/components/schemas/Pin'}]}", "1234"),
        ("{$ref: '#/components/schemas/Pins'}", [["1234"]]),
    ],
)
def test_members_that_hold_secrets_are_masked(tmp_path, schema, body):
    path = tmp_path / "a.yaml"
    path.write_text(
        "paths: {}\ncomponents: {schemas: {Pin: {format: password}, Pins: {items: {oneOf: [{$ref: '#/components/schemas/Pins'},"
        f" {{$ref: '#/components/schemas/Pin'}}]}}}}, Thing: {{properties: {{pin: {schema}, others: {{items: {{}}}}}}}}}}}}"
    )
    masked, secret = Secrets(read(path)).body(json.dumps({"pin": body, "others": ["1234"]}).encode())
    assert (json.loads(masked), secret) == ({"pin": "********", "others": ["1234"]}, True)


def test_the_memory_is_bounded(recorded, monkeypatch):
    monkeypatch.setattr(traffics, "MOST", 3)
    for page in range(1, 6):
        recorded.get(FLOWS, query=f"page_size={page}")
    assert [entry["request"]["queryString"][0]["value"] for entry in entries(recorded)] == ["3", "4", "5"]
    recorded.get(FLOWS, query="search=" + "x" * 5000)
    monkeypatch.setattr(traffics, "MOST_BYTES", 6000)
    recorded.get(FLOWS)
    assert [entry["request"]["queryString"] for entry in entries(recorded)] == [[]]
    monkeypatch.setattr(traffics, "LARGEST_BODY", 10)
    recorded.post(FLOWS, {"name": "too large to be kept"})
    body = entries(recorded)[-1]["request"]
    assert (body["bodySize"], body["postData"]["mimeType"]) == (-1, "application/json")
    assert "text" not in body["postData"]


def test_queries_that_were_looked_at_are_bounded(recorded, monkeypatch):
    monkeypatch.setattr(recorders, "_QUERIES", 2)
    for name in ("page", "page_size", "ordering", "search"):
        recorded.get(FLOWS, query=f"{name}=1")
    missing = seen(recorded, "flows_instances_list")["missing"]
    assert {"parameter page", "parameter page_size", "parameter ordering", "parameter search"}.isdisjoint(missing)


def test_requests_that_were_not_looked_at_yet_are_few_and_small(recorded, monkeypatch):
    monkeypatch.setattr(recorders, "_BATCH", 3)
    monkeypatch.setattr(recorders, "_LARGE", 1000)
    waiting = []
    for method in ("GET", "GET", "GET", "GET", "POST"):
        recorded(method, FLOWS, body=b" " * 1001 if method == "POST" else b"")
        waiting.append(len(recorded.recorder._waiting))
    assert waiting == [1, 2, 0, 1, 0]
    assert len(entries(recorded)) == 5


def test_what_goes_wrong_breaks_no_request(recorded, monkeypatch):
    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr(traffics.Traffic, "add", fail)
    assert recorded.get(FLOWS).status == 200
    assert entries(recorded) == []
    monkeypatch.undo()
    assert recorded.get(FLOWS).status == 200
    assert len(entries(recorded)) == 1


def test_a_body_that_may_hold_a_secret_and_can_not_be_read_is_not_recorded(recorded):
    recorded.post(FLOWS, body=b"\xff", headers={"content-type": "application/json"})
    (entry,) = entries(recorded)
    assert "text" not in entry["request"].get("postData", {})


def test_text_that_is_none_is_base64(openly_recorded):
    openly_recorded.post(FLOWS, body=b"\xff", headers={"content-type": "application/json"})
    (entry,) = entries(openly_recorded)
    assert base64.b64decode(entry["request"]["postData"]["text"]) == b"\xff"
    assert entry["request"]["postData"]["encoding"] == "base64"
