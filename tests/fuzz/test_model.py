"""A state machine: whatever is asked of the flows, they answer as a plain dictionary would."""

import itertools
import urllib.parse

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from app.application import create_app, open_store
from app.settings import Settings
from app.store.schema.search import fold
from app.store.schema.tables import flows
from tests.asgi import FLOWS, Client
from tests.contract_files import shipped

CONTRACT = shipped()
SCHEMAS = CONTRACT.document["components"]["schemas"]


def enum(name):
    return st.sampled_from(SCHEMAS[name]["enum"])


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12).filter(
    str.strip
)
# Few slugs and much the same text, so that they meet.
slug = st.text("abA-_0", min_size=1, max_size=3) | st.from_regex(r"[-a-zA-Z0-9_]{45,50}", fullmatch=True)
words = st.sampled_from(["Login", "login page", "Straße", "a_b%", "Ångström", "x"]) | text
required = {"name": words, "slug": slug, "title": words, "designation": enum("FlowDesignationEnum")}
optional = {
    "policy_engine_mode": enum("PolicyEngineMode"),
    "compatibility_mode": st.booleans(),
    "layout": enum("FlowLayoutEnum"),
    "denied_action": enum("DeniedActionEnum"),
    "authentication": enum("AuthenticationEnum"),
}
DEFAULTS = {
    name: property_name["x-create-default"]
    for name, property_name in SCHEMAS["FlowRequest"]["properties"].items()
    if "x-create-default" in property_name
}
SEARCHED = CONTRACT.document["components"]["parameters"]["FlowSearch"]["x-searches"]
SORTED = next(
    parameter["x-orders-by"]
    for parameter in CONTRACT.document["paths"]["/flows/instances/"]["get"]["parameters"]
    if "x-orders-by" in parameter
)


class FlowsAsADictionary(RuleBasedStateMachine):
    """The model is a dictionary of flows by slug."""

    slugs = Bundle("slugs")
    store = None

    @initialize()
    def start(self):
        cls = type(self)
        if cls.store is None:
            chosen = Settings(database_url=cls.url, token_cache=0.0)
            cls.store = open_store(chosen, CONTRACT)
            cls.store.migrate()
            cls.store.tokens.add("root", superuser=True, secret="root")
            cls.client = Client(create_app(chosen, contract=CONTRACT, store=cls.store), "root")
        with self.store.database.write() as session:
            session.run(self.store.database.compile(sa.delete(flows)))
        self.model = {}

    def remember(self, flow):
        self.model[flow["slug"]] = flow
        return flow["slug"]

    def expect(self, response, before, body):
        """The answer to a body that is valid but for the slug, which may be taken."""
        if body.get("slug", before) in self.model.keys() - {before}:
            assert (response.status, response.json()) == (400, {"slug": ["Flow with this slug already exists."]})
            return None
        sent = {name: value.strip() if name in ("name", "title") else value for name, value in body.items()}
        assert response.status in (200, 201), response.body
        return response.json(), sent

    @rule(target=slugs, body=st.fixed_dictionaries(required, optional=optional))
    def create(self, body):
        expected = self.expect(self.client.post(FLOWS, body), None, body)
        if expected is None:
            return multiple()
        flow, sent = expected
        assert {**DEFAULTS, **sent}.items() <= flow.items()
        assert flow["pk"] not in {other["pk"] for other in self.model.values()}
        return self.remember(flow)

    def change(self, method, slug, body):
        response = self.client(method, f"{FLOWS}{slug}/", body)
        if slug not in self.model:
            assert response.status == 404
            return multiple()
        expected = self.expect(response, slug, body)
        if expected is None:
            return slug
        flow, sent = expected
        before = self.model.pop(slug)
        url = f"/api/v3/flows/instances/{flow['slug']}/export/"
        assert flow == {**before, **sent, "export_url": url}
        return self.remember(flow)

    @rule(target=slugs, slug=consumes(slugs), body=st.fixed_dictionaries({}, optional={**required, **optional}))
    def patch(self, slug, body):
        return self.change("PATCH", slug, body)

    @rule(target=slugs, slug=consumes(slugs), body=st.fixed_dictionaries(required, optional=optional))
    def put(self, slug, body):
        return self.change("PUT", slug, body)

    @rule(slug=consumes(slugs) | slug)
    def delete(self, slug):
        response = self.client.delete(f"{FLOWS}{slug}/")
        assert response.status == (204 if self.model.pop(slug, None) else 404)

    @rule(slug=slugs | slug)
    def retrieve(self, slug):
        response = self.client.get(f"{FLOWS}{slug}/")
        assert (response.json() if response.status == 200 else None) == self.model.get(slug)

    @rule(
        property_name=st.sampled_from(SORTED), descending=st.booleans(), size=st.integers(1, 4),
        designation=st.none() | enum("FlowDesignationEnum"),
        terms=st.lists(st.sampled_from(["LOGIN", "straße", "_", "a", "å", "%"]), max_size=2),
    )  # fmt: skip
    def page_through(self, property_name, descending, size, designation, terms):
        wanted = [
            flow
            for flow in self.model.values()
            if (designation is None or flow["designation"] == designation)
            and all(fold(term) in fold("\n".join(flow[name] for name in SEARCHED)) for term in terms)
        ]
        wanted.sort(key=lambda flow: flow["pk"])
        wanted.sort(key=lambda flow: flow[property_name], reverse=descending)
        query = {
            "ordering": f"{'-' if descending else ''}{property_name}",
            "page_size": size,
            "search": " ".join(terms),
        }
        if designation is not None:
            query["designation"] = designation
        got = []
        for number in itertools.count(1):
            response = self.client.get(FLOWS, query=urllib.parse.urlencode({**query, "page": number}))
            if number > 1 and len(got) == len(wanted):
                assert response.status == 404
                break
            page = response.json()
            assert page["pagination"]["count"] == len(wanted)
            assert page["pagination"]["total_pages"] == max(1, -(-len(wanted) // size))
            got += page["results"]
        assert got == wanted

    @invariant()
    def all_is_there(self):
        if not hasattr(self, "model"):
            return
        found = self.client.get(FLOWS, query="page_size=1000").json()["results"]
        assert found == [self.model[slug] for slug in sorted(self.model)]


def test_flows_are_a_dictionary(database_url):
    FlowsAsADictionary.url = database_url
    FlowsAsADictionary.store = None
    machine = FlowsAsADictionary.TestCase
    machine.settings = settings(max_examples=40, stateful_step_count=25, deadline=None, derandomize=True, database=None)
    try:
        machine().runTest()
    finally:
        FlowsAsADictionary.store.close()
