"""Scripts, elements, attributes and templates in what is stored and in what the contract says: each page shows them as text."""

import itertools

import pytest
import yaml

from app import pages
from app.application import create_app
from app.contract.document.bundling import read
from app.contract.serve.compiled_contract import ActiveContract
from app.recording.recorder import Recorder
from app.settings import Settings
from tests.asgi import FLOWS, Client
from tests.attacks.crawling import Page, crawled
from tests.attacks.payloads import MARKUP
from tests.attacks.planting import plant
from tests.attacks.watching import Watched
from tests.challenges import CHALLENGES, Stub, visitor_of
from tests.contract.widgets import CONTRACT
from tests.examples import Examples
from tests.forms import form


def pages_of(contract):
    """A client of the pages alone."""
    return Client(pages.create_app(ActiveContract(contract, None, None), None, Settings(), None, None))


def test_markup_is_noticed():
    """What the tests below look for would be found."""
    for payload in MARKUP[:4]:
        assert Page(f"<p>{payload}</p>").elements - {("p",)}
        assert Page(f"<title>{payload}</title>").elements - {("title",)} or "</title" not in payload
    assert ("a", "href", "onmouseover") in Page(f'<a href="{MARKUP[6]}">x</a>').elements
    assert Page("<p>&lt;planted&gt;</p>").text == "<planted>"


# The elements of the page of coverage that no other page has.
COVERAGE = {
    ("a", "href", "aria-current"),
    ("progress", "max", "value", "aria-label"),
    ("td", "class", "data-label"),
    ("td", "data-label"),
    ("th", "scope", "class"),
}


@pytest.fixture(scope="module")
def harmless(tmp_path_factory):
    """The elements that pages are meant to have, with their attributes."""
    client = pages_of(planted(tmp_path_factory.mktemp("harmless"), ["`code` **strong**", "words"]))
    # A small contract has no versions, whose page has a form.
    return {("input", "type", "name", "value")}.union(*(page.elements for page in crawled(client).values()))


def test_nothing_that_is_stored_is_in_a_page(contract, store, settings, harmless):
    """Nor are names of tokens, or what was recorded of requests."""
    app = create_app(settings, contract=contract, store=store, recorder=Recorder(contract))
    client = Client(app, store.tokens.add(MARKUP[0], superuser=True))
    client.store = store
    examples = Examples(contract, Watched(client))
    for number, payload in enumerate(MARKUP):
        for operation in examples.creators.values():
            # Names of stages are told apart.
            plant(examples, operation, operation.url, f"{payload} {operation.id}")
        flow = examples.another("authentik_flows.flow", slug=f"flow-{number}")
        body, headers = form(file=("x<planted>.svg", "image/svg+xml", payload.encode()))
        assert client.post(f"{FLOWS}{flow['slug']}/set_background/", body=body, headers=headers).status == 200
        client.get(FLOWS, query="search=%3Cplanted%3E", headers={"user-agent": "<planted>", "referer": "<planted>"})
        client("<planted>", "/%3Cplanted%3E", query="<planted>")
    for collection in ("flows/instances", "stages/all", "policies/all", "stages/prompt/prompts"):
        assert client.get(f"/api/v3/{collection}/", query="search=planted").json()["pagination"]["count"] > 20
    found = crawled(client, most=5)
    assert "/contract/coverage/" in found
    for path, page in found.items():
        assert "planted" not in page.text, path
        assert path.startswith("/contract/coverage/") or page.elements <= harmless, (path, page.elements - harmless)
    coverage = found["/contract/coverage/"].elements - harmless
    assert coverage <= COVERAGE, coverage


def planted_in(value, payloads, key=""):
    """A part of a contract with a payload in each text of it that means nothing to whoever reads the file."""
    if isinstance(value, dict):
        return {name: planted_in(inner, payloads, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [planted_in(inner, payloads, key) for inner in value]
    prose = key not in {"$ref", "type", "in", "openapi", "url", "operationId", "x-serves", "name", "collection", "tags"}
    return f"{value} {next(payloads)}" if isinstance(value, str) and prose else value


def hostile(payload):
    """An operation all of whose names and texts are a payload."""
    schema = {"type": payload, "format": payload, "description": payload, "enum": [payload], payload: payload}
    schema = {**schema, "properties": {payload: schema}, "required": [payload], "items": {payload: payload}}
    content = {payload: {"schema": schema, "example": payload, "examples": {payload: {"value": {payload: payload}}}}}
    return {
        "operationId": payload,
        "tags": [payload],
        "x-required-permissions": [payload],
        "parameters": [{"name": payload, "in": payload, "schema": schema, "x-filters": payload}],
        "requestBody": {"description": payload, "content": content},
        "responses": {payload: {"description": payload, "content": content}},
    }


def planted(folder, payloads):
    """A contract with payloads in all of it."""
    some, path = itertools.cycle(payloads), folder / "widgets.yaml"
    document = planted_in(yaml.safe_load(CONTRACT.read_text("utf-8")), some)
    names = [payload for payload in payloads if "/" not in payload]
    document["paths"] |= {f"/{name}/": {"get": hostile(name)} for name in names}
    document["tags"] = [{"name": name, "description": name} for name in names]
    document["x-permissions"] |= dict.fromkeys(names, "<planted>")
    document["components"]["schemas"] |= {name: {"type": "object", "properties": {name: {}}} for name in names}
    path.write_text(yaml.safe_dump(document), "utf-8")
    return read(path)


def test_nothing_in_the_contract_is_markup_on_any_page(tmp_path, harmless):
    found = crawled(pages_of(planted(tmp_path, MARKUP)))
    for path, page in found.items():
        assert page.elements <= harmless, (path, page.elements - harmless)
    text = "".join(page.text for page in found.values())
    for payload in MARKUP:
        assert payload.replace("`", "").replace("**", "") in text.replace("`", "").replace("**", ""), payload


@pytest.fixture(scope="module")
def stub(contract):
    """The pages, in front of an executor that asks what a test wants."""
    return Stub(contract)


@pytest.mark.parametrize("component", CHALLENGES)
def test_nothing_in_a_challenge_counts_as_markup_or_as_the_address_of_a_script(stub, component):
    """Nor do names of fields, messages about them, or what was typed."""
    stub.ask(component, **CHALLENGES[component])
    visitor = visitor_of(stub).open("/if/flow/a/")
    harmless = _asked(stub, visitor, component, "some/words")
    for payload in MARKUP:
        page = _asked(stub, visitor, component, payload)
        assert page.elements <= harmless.elements, (payload, page.elements - harmless.elements)
        elsewhere = [address for address in page.addresses if not address.startswith(("/", "data:image/"))]
        assert set(elsewhere) <= {""}, payload


def _asked(stub, visitor, component, text):
    """The page of a challenge all of whose texts are one text, after a wrong response."""
    message = [{"string": text, "code": text}]
    stub.ask(component, **_texts(CHALLENGES[component], text), response_errors={text: message, "component": message})
    return Page(visitor.submit(**{text: text}).page)


def _texts(value, text):
    """JSON with a text in place of each text, but of those that the contract lists."""
    listed = ("component", "device_class", "type")
    if isinstance(value, dict):
        return {name: one if name in listed else _texts(one, text) for name, one in value.items()}
    if isinstance(value, list):
        return [_texts(one, text) for one in value]
    return text if isinstance(value, str) else value
