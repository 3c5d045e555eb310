"""Objects written through one version are read, listed and changed through every other, and lose nothing."""

from itertools import count, cycle, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.application import create_app, load_contract, open_store
from app.contract.compile.models import models
from app.contract.document.versions import names
from app.contract.validation.schemas import admits_null, flattened, schema_properties
from app.settings import Settings
from tests.asgi import Client
from tests.contract_files import contract_of
from tests.examples import Examples, creators, operations

VERSIONS = ("2024.8", "2024.12", "2025.8", "2025.12", "2026.8")
# Names of schemas by path: those with enums that later versions extend, and others with new properties.
SCHEMAS = {
    "flows/instances": "Flow",
    "stages/prompt/prompts": "Prompt",
    "stages/password": "PasswordStage",
    "stages/identification": "IdentificationStage",
    "stages/captcha": "CaptchaStage",
    "stages/authenticator/validate": "AuthenticatorValidateStage",
    "policies/event_matcher": "EventMatcherPolicy",
    "policies/geoip": "GeoIPPolicy",
}
_numbers = count()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    settings = Settings(database_url=f"sqlite:///{tmp_path_factory.mktemp('store')}/flows.sqlite3", token_cache=0.0)
    contract = contract_of(VERSIONS[0])
    store = open_store(settings, contract)
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    yield Client(create_app(settings, contract=contract, store=store, load_version=contract_of), "root")
    store.close()


def properties(version, name):
    """The schema of each property of a component."""
    contract = contract_of(version)
    found = schema_properties(contract, {"$ref": f"#/components/schemas/{name}"})
    return {name: (contract.at(place), schema) for name, (place, schema) in found.items()}


def values(contract, own, schema):
    """Values of a property; None if it refers to other objects, or is made by the server."""
    null = st.none() if admits_null(contract, own) else st.nothing()
    if "x-references" in schema or schema.get("readOnly"):
        return None
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | null
    match schema.get("type"):
        case "boolean":
            return st.booleans() | null
        case "integer":
            return st.integers(max(schema.get("minimum", 0), 0), min(schema.get("maximum", 100), 100)) | null
        case "array":
            items = flattened(contract, schema["items"])
            return st.lists(st.sampled_from(items["enum"]), unique=True, min_size=1) if "enum" in items else None
    return None


FIXED = {
    "flows/instances": {"title": "T", "slug": "{}"},
    "stages/prompt/prompts": {"field_key": "k", "label": "l"},
    "stages/captcha": {"public_key": "a", "private_key": "b"},
    "stages/identification": {"user_fields": ["email"]},
    # Its other value needs stages to set devices up.
    "stages/authenticator/validate": {"not_configured_action": "deny"},
    "policies/geoip": {"countries": ["AT"]},
    # Its target depends on its mode.
    "stages/redirect": {"mode": "static", "target_static": "https://example.org/"},
    # It needs one of them.
    "policies/reputation": {"check_ip": True},
}


@st.composite
def bodies(draw, version, path, schema, fixed):
    """Bodies of new objects. :param fixed: the properties that are not drawn"""
    contract = contract_of(version)
    unique = f"v{next(_numbers)}"
    body = {name: value.format(unique) if isinstance(value, str) else value for name, value in fixed.items()}
    component = f"{schema}Request"
    required = flattened(contract, {"$ref": f"#/components/schemas/{component}"}).get("required", ())
    for name, (own, schema) in properties(version, component).items():
        possible = values(contract, own, schema)
        if name not in body and possible is not None and (name in required or draw(st.booleans())):
            body[name] = draw(possible)
    return body | {"name": unique}


def said(version, schema, name, value):
    """What a version says instead of a value of another one, by the stand-ins of the newest document."""
    own = properties(version, schema)[name][1]
    newest = properties(VERSIONS[-1], schema).get(name, ({}, {}))[1]
    items = own.get("type") == "array"
    if items:
        own, newest = (
            flattened(contract_of(version), own["items"]),
            flattened(contract_of(VERSIONS[-1]), newest["items"]),
        )
    options, stand_ins = own.get("enum"), newest.get("x-stand-in", {})

    def stand_in(one):
        while options is not None and one is not None and one not in options:
            one = stand_ins.get(one, stand_ins.get("*"))
        return one

    return [one for one in map(stand_in, value) if one is not None] if items else stand_in(value)


@pytest.mark.parametrize("path", SCHEMAS)
@settings(max_examples=8)
@given(data=st.data())
def test_what_one_version_writes_each_other_reads_lists_and_changes(client, path, data):
    check_pair(client, VERSIONS, path, SCHEMAS[path], FIXED.get(path, {}), data)


def test_all_versions_read_list_and_change_objects_of_all_kinds(client, request):
    if not (pairs := request.config.getoption("pairs")):
        pytest.skip("--pairs NUMBER runs it")
    every = names(Settings().contract, contract_of(VERSIONS[0]).release)
    for path, (schema, fixed) in kinds().items():
        having = [version for version in every if f"/{path}/" in contract_of(version).document["paths"]]
        every_pair(client, having, path, schema, fixed, pairs)


def test_each_version_reads_lists_and_changes_what_each_other_writes(client, request):
    if not request.config.getoption("pairs"):
        pytest.skip("--pairs NUMBER runs it")
    every = names(Settings().contract, contract_of(VERSIONS[0]).release)
    shared = [
        (path, *kind)
        for path, kind in kinds().items()
        if all(f"/{path}/" in contract_of(version).document["paths"] for version in every)
    ]
    for pair, (path, schema, fixed) in zip(product(every, repeat=2), cycle(shared), strict=False):
        # The first example is the simplest one.
        every_pair(client, every, path, schema, fixed, 2, pair)


def every_pair(client, having, path, schema, fixed, pairs, pair=None):
    """Check pairs of versions on objects of one kind. :param pairs: how many :param pair: the pair, drawn by default"""

    @settings(max_examples=pairs)
    @given(data=st.data())
    def check(data):
        check_pair(client, having, path, schema, fixed, data, pair)

    check()


def kinds():
    """The schema of each kind by its path, and the properties of a new object that are not drawn, without references."""
    contract, found = contract_of(VERSIONS[-1]), {}
    for known in operations(contract).values():
        path = known.url.removeprefix("/api/v3/").strip("/")
        if known.success != 201 or not path.startswith(("flows/instances", "stages/", "policies/")):
            continue
        (media,) = contract.resolve((), known.spec["requestBody"])[1]["content"].values()
        schema = media["schema"]["$ref"].rpartition("/")[2].removesuffix("Request")
        required = flattened(contract, media["schema"]).get("required", ())
        references = {name for name, one in known.body.properties.items() if "x-references" in one}
        if "name" in required and not references & {*required}:
            example = {name: value for name, value in media["example"].items() if name in required}
            found[path] = schema, FIXED.get(path, example)
    return found


def check_pair(client, versions, path, schema, fixed, data, pair=None):
    """Write an object by one version, change it by another, and read it by all.

    :param versions: those with the kind
    :param pair: the two versions, drawn by default
    """
    writer, other = pair or data.draw(st.tuples(st.sampled_from(versions), st.sampled_from(versions)))
    sent = data.draw(bodies(writer, path, schema, fixed))
    created = client("POST", f"/{writer}/api/v3/{path}/", sent)
    assert created.status == 201, created.body
    key = created.json()["slug" if path == "flows/instances" else "pk"]
    one = f"/api/v3/{path}/{key}/"
    written = client("GET", f"/{writer}{one}").json()
    for version in versions:
        seen = client("GET", f"/{version}{one}")
        assert seen.status == 200, seen.body
        listed = client("GET", f"/{version}/api/v3/{path}/?search={sent['name']}")
        assert [item["name"] for item in listed.json()["results"]] == [sent["name"]]
        for name, value in sent.items():
            if name in seen.json() and name in properties(version, schema):
                shown = said(version, schema, name, value)
                assert seen.json()[name] == shown or "x-other-form" in properties(version, schema)[name][1], name

    read_back = client("GET", f"/{other}{one}").json()
    writable = properties(other, f"{schema}Request")
    body = {name: value for name, value in read_back.items() if name in writable}
    body |= {name: value for name, value in sent.items() if name not in read_back and name in writable}
    method = data.draw(st.sampled_from(("PUT", "PATCH")))
    changed = client(method, f"/{other}{one}", body)
    assert changed.status == 200, changed.body
    sent_back = {name for name in body if writable[name][1].get("x-trim")}
    assert changed.json() == trimmed(read_back, sent_back)
    assert client("GET", f"/{writer}{one}").json() == trimmed(written, sent_back)
    assert client("DELETE", f"/{other}{one}").status == 204


def trimmed(found, names):
    """An object whose texts were sent. A default may end with a blank, which does not survive that."""
    return {name: value.strip() if name in names and isinstance(value, str) else value for name, value in found.items()}


@pytest.fixture(scope="module")
def examples(client):
    return Examples(contract_of(VERSIONS[0]), client)


REFERRING = [name for name, model in models(contract_of(VERSIONS[0])).items() if model.references]


@pytest.mark.parametrize("model", [name for name in REFERRING if name in creators(contract_of(VERSIONS[0]))])
def test_an_object_with_references_is_read_by_each_version(client, examples, model):
    retrieve = examples.operations[examples.creators[model].id.replace("create", "retrieve")]
    path = retrieve.path_to(examples.one(model))
    statuses = {version: client("GET", f"/{version}{path}").status for version in VERSIONS}
    assert statuses == dict.fromkeys(VERSIONS, 200)


def test_the_first_version_is_that_of_the_root():
    assert contract_of(VERSIONS[0]).document == load_contract(Settings()).document
