"""The pages of the stored flows."""

import html
import re

import pytest

from tests.asgi import FLOWS, Client
from tests.attacks.crawling import Page
from tests.attacks.payloads import MARKUP

VIEW = "authentik_flows.view_flow"
BINDINGS, POLICY_BINDINGS = "authentik_flows.view_flowstagebinding", "authentik_policies.view_policybinding"


@pytest.fixture
def flow(client, make_flow):
    """Makes a flow with a policy, and a stage with a policy."""

    def make(slug, name="Login", stage="Ask", policy="Check"):
        flow = client.post(FLOWS, make_flow(slug=slug, name=name)).json()
        stage = client.post("/api/v3/stages/dummy/", {"name": stage}).json()["pk"]
        binding = client.post("/api/v3/flows/bindings/", {"target": flow["pk"], "stage": stage, "order": 7}).json()
        policy = client.post("/api/v3/policies/dummy/", {"name": policy}).json()["pk"]
        for target in (flow, binding):
            bound = {"policy": policy, "target": target["policybindingmodel_ptr_id"], "order": 3}
            assert client.post("/api/v3/policies/bindings/", bound).status == 201
        return flow

    return make


def reader(client, *permissions):
    return Client(client.app, client.store.tokens.add("reader", permissions=permissions))


def text_of(response):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.body.decode().replace("<wbr>", ""))).split())


def test_each_flow_is_shown_with_its_diagram_and_its_bindings(client, flow):
    flow("login")
    flow("other", "Other", "Second", "Two")
    response = client.get("/flows/")
    page = response.body.decode()
    assert (response.status, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.count("<svg ") == 2
    text = text_of(response)
    assert "Flows 2" in text
    for part in ("Stage (Dummy Stage)", "Policy (Dummy Policy)", "Pre-flow policies", "End of the flow"):
        assert part in text
    assert "7 Ask Dummy Stage 3: Check Dummy Policy" in text
    diagram = client.get(f"{FLOWS}login/diagram/").json()["diagram"]
    assert html.escape(diagram, quote=False).replace('"', "&#34;") in page


def test_one_flow_has_a_page_of_its_own(client, flow):
    flow("login")
    flow("other", "Other", "Second", "Two")
    response = client.get("/flows/login/")
    assert response.status == 200
    assert response.body.count(b"<svg ") == 1
    assert "Other" not in text_of(response)
    assert client.get("/flows/nope/").status == 404


def test_a_page_shows_nothing_without_a_token(client, flow):
    flow("login")
    for path in ("/flows/", "/flows/login/", "/flows/nope/"):
        response = client.get(path, token="")
        assert response.status == 200
        assert "data-sign-in" in response.body.decode()
        assert "Login" not in text_of(response)
        assert "<svg" not in response.body.decode()


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        ("Bearer nope", "Token invalid/expired"),
        ("Basic cm9vdDpyb290", "Unsupported authentication type"),
        ("", "Authentication credentials were not provided."),
    ],
)
def test_an_invalid_token_is_told(client, flow, authorization, said):
    flow("login")
    response = client.get("/flows/", headers={"authorization": authorization}, token="")
    assert response.status == 403
    assert f'role="alert">{said}</p>' in response.body.decode()
    assert "Login" not in text_of(response)


def test_a_token_without_the_permission_sees_no_flow(client, flow):
    flow("login")
    response = reader(client, BINDINGS, POLICY_BINDINGS).get("/flows/login/")
    assert response.status == 403
    assert "You do not have permission to perform this action." in text_of(response)
    assert "Login" not in text_of(response)


@pytest.mark.parametrize(
    ("permissions", "shown"),
    [
        ([VIEW], []),
        ([VIEW, BINDINGS], ["Ask"]),
        ([VIEW, POLICY_BINDINGS], ["Check"]),
        ([VIEW, BINDINGS, POLICY_BINDINGS], ["Ask", "Check"]),
    ],
)
def test_a_token_sees_the_bindings_that_the_diagram_operation_shows_it(client, flow, permissions, shown):
    flow("login")
    viewer = reader(client, *permissions)
    page, diagram = text_of(viewer.get("/flows/login/")), viewer.get(f"{FLOWS}login/diagram/").json()["diagram"]
    for name in ("Ask", "Check"):
        assert (name in page) == (name in diagram) == (name in shown), name


def test_flows_are_searched_and_divided_into_pages(client, make_flow):
    for number in range(45):
        assert client.post(FLOWS, make_flow(slug=f"f-{number:02}", name=f"Number {number:02}")).status == 201
    pages = [client.get("/flows/", query=f"page={number}") for number in (1, 2, 3)]
    assert [response.body.count(b"<svg ") for response in pages] == [20, 20, 5]
    assert [b">Next<" in response.body for response in pages] == [True, True, False]
    assert [b">Previous<" in response.body for response in pages] == [False, True, True]
    found = client.get("/flows/", query="search=number+07")
    assert found.body.count(b"<svg ") == 1
    assert "No flow contains" in text_of(client.get("/flows/", query="search=nothing"))
    for nonsense in ("page=x", "search=%00", "search=%FF", "page="):
        assert client.get("/flows/", query=nonsense).status == 200
    for missing in ("page=0", "page=-1", "page=4", "page=99999999999999999999999"):
        assert client.get("/flows/", query=missing).status == 404


def test_a_flow_that_is_too_large_is_told_instead_of_drawn(client, flow):
    made = flow("large")
    stage = client.post("/api/v3/stages/dummy/", {"name": "Many"}).json()["pk"]
    for order in range(200):
        assert (
            client.post("/api/v3/flows/bindings/", {"target": made["pk"], "stage": stage, "order": order}).status == 201
        )
    flow("small", "Small", "Second", "Two")
    response = client.get("/flows/")
    assert response.body.count(b"<svg ") == 1
    assert "It has 201 stages with their policies, which is too many to draw." in text_of(response)
    query = re.search(r"GET (/api/v3/flows/bindings/)\?(target=\S+) lists", text_of(response))
    assert client.get(query[1], query=query[2]).json()["pagination"]["count"] == 201


def test_an_empty_store_says_how_to_fill_it(client):
    assert "flows serve --seed default" in text_of(client.get("/flows/"))


def test_a_page_is_never_kept_and_runs_the_scripts_of_this_server_only(client, flow):
    flow("login")
    for token in ("", "root", "nope"):
        response = client.get("/flows/", token=token)
        assert response.headers["cache-control"] == "no-store"
        assert "Authorization" in response.headers["vary"]
        assert "script-src 'self'" in response.headers["content-security-policy"]
        assert re.search(r"<script[^>]*>[^<]|<style|\bstyle=|\bon\w+=", response.body.decode()) is None


def test_nothing_that_is_stored_counts_as_markup(client, flow):
    flow("harmless", "words", "words of a stage", "words of a policy")
    harmless = Page(client.get("/flows/").body.decode()).elements
    for number, payload in enumerate(payload for payload in MARKUP if "\0" not in payload):
        flow(f"f-{number}", payload, f"{payload} {number}", f"{payload} {number}")
        page = Page(client.get(f"/flows/f-{number}/").body.decode())
        assert page.elements <= harmless | {("p",)}, (payload, page.elements - harmless)
        assert payload.split()[0] in page.text
