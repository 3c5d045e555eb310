"""SQL in every parameter and every member of every operation of the contract, on each engine: it stays text."""

import json
import re
from urllib.parse import quote, urlencode

import pytest

from app import errors
from app.blueprints.importing import apply
from app.contract.validation.schemas import flattened
from app.store.queries import large
from app.store.schema.search import fold
from tests.asgi import FLOWS
from tests.attacks.payloads import NUL, SQL
from tests.attacks.planting import plant, texts_of
from tests.attacks.watching import Watched, stored
from tests.conftest import application, client_of, database_at, emptied
from tests.contract_files import shipped
from tests.examples import Examples, creators, operations
from tests.kinds import Kind, pks

OPERATIONS = operations(shipped())
NOBODY = "00000000-0000-4000-8000-000000000000"
REFUSALS = {400, 404}


def nowhere(operation):
    """The path of an operation, to nothing."""
    names = {
        parameter["name"]: NOBODY if flattened(shipped(), parameter["schema"]).get("format") == "uuid" else "nobody"
        for parameter in operation.parameters
    }
    return operation.url.format(**names)


def attacks(examples, url_of):
    """Each operation with its path, what sends its example there with a query, and a ninth of the payloads, each time another."""
    payloads = (*SQL, *NUL)
    for number, operation in enumerate(OPERATIONS.values()):
        url, request = url_of(operation), examples.request(operation.id)

        def send(path=url, operation=operation, request=request, **query):
            return examples.client(operation.method, path, query=urlencode(query), **request)

        before = stored(examples.client.store)
        yield operation, send, payloads[number % 9 :: 9]
        assert stored(examples.client.store) == before, operation.id


def test_a_path_names_no_object_by_it(attacked):
    for operation, send, payloads in attacks(attacked, lambda operation: operation.url):
        for payload in payloads if operation.parameters else ():
            names = {parameter["name"]: quote(payload, safe="") for parameter in operation.parameters}
            assert send(operation.url.format(**names)).status == 404, (operation.id, payload)


def test_a_query_says_nothing_else_by_it(attacked):
    """Those that change something are sent to nothing, and would find an object only by more than their path."""

    def url_of(operation):
        return attacked.url(operation.id) if operation.method == "GET" else nowhere(operation)

    for operation, send, payloads in attacks(attacked, url_of):
        statuses = {200, *REFUSALS} if operation.method == "GET" else REFUSALS
        first = {parameter["name"]: send(**{parameter["name"]: "'"}).status for parameter in operation.query}
        assert {*first.values()} <= statuses, operation.id
        free = [name for name, status in first.items() if status != 400]
        for payload in payloads if free else ():
            response = send(**dict.fromkeys(free, payload), **{payload: payload})
            assert response.status in statuses, (operation.id, payload)
            if operation.id.endswith("_list") and response.status == 200 and "search" in free:
                assert response.json()["results"] == [], (operation.id, payload)


def test_a_member_is_kept_as_it_was_sent(attacked):
    """Every object that is made or changed is deleted again, and the store is as it was."""
    taken = set()
    for number, operation in enumerate(OPERATIONS.values()):
        if operation.body is None or operation.success >= 400:
            continue
        created = [model for model, creator in attacked.creators.items() if creator is operation]
        model = created[0] if created else operation.parameters and attacked.model_of(operation)
        # What it leads to is there before.
        attacked.request(operation.id)
        before = stored(attacked.client.store)
        for payload in (*SQL, *NUL)[number % 9 :: 9]:
            found = attacked.another(model) if operation.parameters else {}
            url = operation.path_to(found) if found else operation.url
            if (planted := plant(attacked, operation, url, payload)) is not None:
                response, names = planted
                assert (response.status, payload in NUL) == (operation.success, False), (operation.id, payload)
                found |= response.json() if response.body else {}
                assert {name: found.get(name, payload) for name in names} == dict.fromkeys(names, payload), operation.id
                taken |= {(operation.id, name) for name in names}
            if "user_pk" in found:
                # A service account is a user, and a token that is deleted with it.
                model, found = "authentik_core.user", {"pk": found["user_pk"]}
            if found and model:
                assert attacked.client.delete(attacked.path_of(model, found)).status == 204
        assert stored(attacked.client.store) == before, operation.id
    assert len(taken) > 70


# Models whose names may be any text.
MODELS = [
    model
    for model, operation in creators(shipped()).items()
    if "name" in texts_of(operation) and re.search(operation.body.properties["name"].get("pattern", ""), SQL[0])
]


def filled(examples, model):
    """A kind with an object for each payload, which is in as many of its texts as take it. :returns: and these objects"""
    kind = Kind(examples, model)
    texts = [name for name in texts_of(examples.creators[model]) if name not in kind.model.references]
    example = kind.body()
    with examples.client.store.database.write() as session:
        for number, payload in enumerate(SQL):
            body = example | ({"slug": f"flow-{number}"} if "slug" in texts else {})
            for name in texts:
                try:
                    kind.read_new(body | {name: f"{payload} flow"})
                except errors.Invalid:
                    continue
                body[name] = f"{payload} flow" if name == "name" else payload
            examples.client.store.repository(model).add(session, kind.read_new(body))
    found = kind.all()
    assert len(found) == len(SQL)
    return kind, found


def check_searches(kind, objects):
    """Fail if a word is found in other objects than those that have it, or as anything but the word that it is."""
    (search,) = kind.parameters("x-searches")
    for payload in SQL:
        words = [fold(word) for word in payload.replace(",", " ").split()]
        texts = [
            (one["pk"], [fold(str(one[property_name])) for property_name in search["x-searches"]]) for one in objects
        ]
        having = [pk for pk, properties in texts if all(any(word in text for text in properties) for word in words)]
        assert having
        assert pks(kind.all(search=payload)) == having, payload


@pytest.mark.parametrize("model", MODELS)
def test_a_search_and_a_filter_find_what_has_the_very_text(attacked, model):
    kind, objects = filled(attacked, model)
    check_searches(kind, objects)
    filters = {parameter["name"]: parameter["x-filters"] for parameter in kind.parameters("x-filters")}
    planted = {
        name: property_schema
        for name, property_schema in filters.items()
        if any(one.get(property_schema) in (SQL[0], "' flow") for one in objects)
    }
    for name, property_schema in planted.items():
        for payload in SQL:
            value = f"{payload} flow" if property_schema == "name" else payload
            having = [one["pk"] for one in objects if one[property_schema] == value]
            assert pks(kind.all(**{name: value})) == having, (name, value)
    assert "name" in planted


def test_a_search_of_a_large_store_finds_what_has_the_very_text(engine, contract, tmp_path, request, monkeypatch):
    monkeypatch.setattr(large, "LARGE", 0)
    for url in database_at(engine, tmp_path, request):
        with application(url, contract) as (store, app):
            examples = Examples(contract, Watched(client_of(store, app)))
            examples.another("authentik_flows.flow")
            # The next start finds many flows.
            store.migrate()
            assert large.is_prepared(store.database)
            emptied(store)
            store.tokens.add("root", superuser=True, secret="root")
            monkeypatch.setattr(store.flows._listing, "_large", None)
            check_searches(*filled(examples, "authentik_flows.flow"))


ENTRY = {"model": "authentik_stages_dummy.dummystage", "identifiers": {"name": "kept"}}


@pytest.mark.parametrize(
    "entry",
    [
        lambda text: ENTRY | {"model": text},
        lambda text: ENTRY | {"state": text},
        lambda text: ENTRY | {"identifiers": {text: "kept"}},
        lambda text: ENTRY | {"identifiers": {"pk": text}, "state": "absent"},
        lambda text: ENTRY | {"identifiers": {"name": text}, "state": "absent"},
        lambda text: ENTRY | {"identifiers": {"name": "kept"}, "attrs": {text: text}},
    ],
    ids=["model", "state", "member", "pk", "name", "attribute"],
)
def test_a_blueprint_finds_nothing_by_it(attacked, entry):
    attacked.another(ENTRY["model"], name="kept")
    before = stored(attacked.client.store)
    for payload in (*SQL, *NUL):
        outcome = apply(attacked.client.store, json.dumps({"entries": [entry(payload)]}).encode())
        assert outcome.success or outcome.findings, payload
        assert stored(attacked.client.store) == before, payload


def test_a_blueprint_looks_nothing_up_by_it(attacked):
    attacked.another(ENTRY["model"], name="kept")
    for payload in (*SQL, *NUL):
        text = json.dumps(payload)
        for find in (f"[{text}, [name, kept]]", f"[{ENTRY['model']}, [{text}, kept]]"):
            assert apply(attacked.client.store, looking(find)).findings, find
        for find in (f"[{ENTRY['model']}, [name, {text}]]", f"[{ENTRY['model']}, [pk, {text}], [name, kept]]"):
            outcome = apply(attacked.client.store, looking(find))
            assert outcome.findings or [log["attributes"]["action"] for log in outcome.logs] == ["skipped"], find


def looking(find):
    """A blueprint that makes a stage if it finds one."""
    return f"entries: [{{model: {ENTRY['model']}, conditions: [!Find {find}], identifiers: {{name: made}}}}]".encode()


def test_a_token_is_none_of_it(attacked):
    for payload in SQL:
        headers = {"authorization": f"Bearer {payload.encode().decode('latin-1')}"}
        assert attacked.client.get(FLOWS, token="", headers=headers).status == 403, payload
