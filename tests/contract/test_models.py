"""Every model that the contract serves, and one that only a copy of the YAML has, member by member, on each engine."""

import json

import pytest

from app.contract.compile.models import models
from tests.conftest import application, client_of, database_at
from tests.contract_files import copied, load, models_with_paths, shipped, with_another_stage
from tests.examples import Examples
from tests.forms import form
from tests.kinds import Kind, check_filters, check_orders, pks

ADDED = "authentik_stages_pause.pausestage"
MODELS = [
    *models_with_paths(shipped()),
    ADDED,
]
# The operations on one object.
ONE = ("retrieve", "update", "partial_update", "destroy", "used_by_list")
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def served(engine, tmp_path_factory, request):
    """The contract with one more kind of stage, and on each engine a store and an application."""
    path = with_another_stage(copied(tmp_path_factory.mktemp("contract") / "openapi"), "dummy", "pause")
    contract = load(path)
    for url in database_at(engine, tmp_path_factory.mktemp("store"), request):
        with application(url, contract) as made:
            yield contract, *made


@pytest.fixture
def examples(served):
    contract, store, app = served
    return Examples(contract, client_of(store, app))


@pytest.fixture(params=MODELS)
def kind(request, examples):
    return Kind(examples, request.param)


def test_all_seven_operations(kind):
    created = kind.create()
    pk = created["pk"]
    assert list(created) == list(kind.model.in_responses)
    assert created.get("meta_model_name", kind.model.name) == kind.model.name
    assert kind.send("retrieve", pk).json() == created
    assert kind.all() == [created]
    named_by = kind.named_by
    put = kind.send("update", pk, kind.named("new"))
    assert (put.status, put.json()) == (200, created | {named_by: "new"})
    patched = kind.send("partial_update", pk, kind.least(whole=False) | {named_by: "newer"})
    assert (patched.status, patched.json()) == (200, created | {named_by: "newer"})
    assert kind.send("used_by_list", pk).status == 200
    assert kind.send("destroy", pk).status == 204
    assert {kind.send(verb, pk, kind.body()).status for verb in ONE} == {404}
    assert kind.all() == []


def test_what_is_written_is_read_back(kind):
    other = kind.create()
    for property_name in kind.model.properties:
        values = kind.values(property_name)
        assert values, f"no value of {property_name} is tried: add one to ANY"
        for value in values:
            created = kind.create(**{property_name: value})
            if property_name not in kind.model.in_responses:
                assert property_name not in created
            else:
                assert created[property_name] == value
            assert kind.send("destroy", created["pk"]).status == 204
            patched = kind.send("partial_update", other["pk"], kind.named("n") | {property_name: value})
            assert (patched.status, patched.json().get(property_name)) == (200, created.get(property_name))
            assert kind.send("retrieve", other["pk"]).json() == patched.json()
            # References may lead to others of the kind.
            assert patched.json() in kind.all()


def test_what_is_left_out_takes_the_default_and_then_stays(kind):
    least, less = kind.least(whole=True), kind.least(whole=False)
    created = kind.send("create", body=least).json()
    expected = {**kind.model.defaults, **least}
    assert {name: created.get(name) for name in expected} == {
        name: value if name in kind.model.in_responses else None for name, value in expected.items()
    }
    for property_name in kind.model.defaults.keys() & kind.model.properties.keys() - least.keys():
        for value in kind.values(property_name):
            changed = kind.send("partial_update", created["pk"], kind.named("changed") | {property_name: value})
            for verb, body in (("partial_update", less), ("update", least)):
                kept = kind.send(verb, created["pk"], body)
                shown = {name: value for name, value in body.items() if name in kind.model.in_responses}
                assert (kept.status, kept.json()) == (200, changed.json() | shown)


def test_unknown_read_only_and_ignored_members(kind):
    foreign = {name: [{}] for name in kind.model.in_responses if name not in kind.schemas} | {"nonsense": 1, "NAME": 1}
    ignored = {name: [] for name, schema in kind.schemas.items() if schema.get("x-ignored")}
    created = kind.send("create", body=kind.body() | foreign | ignored)
    assert created.status == 201, created.body
    before = created.json()
    assert "nonsense" not in before
    for verb in ("update", "partial_update"):
        assert kind.send(verb, before["pk"], kind.body() | foreign | ignored).json() == before
    for name in ignored:
        wrong = kind.send("partial_update", before["pk"], {name: "no list"})
        assert (wrong.status, list(wrong.json())) == (400, [name])


def test_what_is_taken_is_taken_in_the_whole_collection(kind):
    own, other = kind.create(), kind.create()
    for property_name, schema in kind.schemas.items():
        if "x-unique" not in schema:
            continue
        alike = [model for model in kind.examples.models.values() if model.collection == kind.model.collection]
        others = [kind.examples.one(model.name)[property_name] for model in alike if model is not kind.model]
        for value in (other[property_name], *others):
            for verb, pk in (("create", None), ("update", own["pk"]), ("partial_update", own["pk"])):
                response = kind.send(verb, pk, kind.body(**{property_name: value}))
                assert (response.status, response.json()) == (400, {property_name: [schema["x-unique"]]})
        for value in (own[property_name], other[property_name].upper()):
            assert kind.send("update", own["pk"], kind.body(**{property_name: value})).json()[property_name] == value
    assert kind.send("retrieve", other["pk"]).json() == other


def test_filters(kind):
    check_filters(kind, kind.variety())


def test_filters_that_name_nothing(kind):
    kind.create()
    for parameter in kind.parameters("x-references"):
        name = parameter["name"]
        response = kind.send("list", **{name: NOBODY})
        assert (response.status, list(response.json())) == (400, [name])
    for parameter in kind.parameters("x-filters"):
        schema = kind.examples.contract.resolve((), parameter["schema"])[1]
        if schema["type"] == "integer":
            response = kind.send("list", **{parameter["name"]: 10**30})
            assert (response.status, list(response.json())) == (400, [parameter["name"]])


def test_orders(kind):
    check_orders(kind, kind.variety())


def test_searches(kind):
    objects = kind.variety()
    (parameter,) = kind.parameters("x-searches")
    for word in ("PLAIN", "ångström", "%_", "\\", "1", "<b>"):
        found = [
            each for each in objects if any(word.upper() in each[name].upper() for name in parameter["x-searches"])
        ]
        assert kind.all(search=word) == found, word


def test_objects_of_other_models_are_not_found(kind):
    kind.create()
    # A statement looks for a model and a key: which other model has the key, only matters as far as tables differ.
    others = {model.collection: model.name for model in kind.examples.models.values() if model is not kind.model}
    for model in others.values():
        pk = kind.examples.one(model)["pk"]
        responses = [kind.send(verb, pk, kind.body()) for verb in ONE]
        assert {(response.status, response.body) for response in responses} == {(404, b'{"detail":"Not found."}')}


def test_references_that_lead_nowhere(kind):
    created = kind.create()
    for property_name, reference in kind.references.items():
        elsewhere = [
            model for model in kind.examples.models.values() if not {model.name, model.collection} & {*reference.to}
        ]
        wrong = [NOBODY, *(kind.examples.one(model.name)["pk"] for model in elsewhere)]
        wrong = [10**6, -1] if reference.integers else [pk for pk in wrong if isinstance(pk, str)]
        before = kind.all()
        for pk in wrong:
            body = kind.named("other") | {property_name: [pk] if reference.many else pk}
            for verb, its in (("create", None), ("update", created["pk"]), ("partial_update", created["pk"])):
                response = kind.send(verb, its, body)
                message = f'Invalid pk "{pk}" - object does not exist.'
                assert (response.status, response.json()) == (400, {property_name: [message]})
        assert kind.all() == before


def test_a_blank_reference_is_null_or_refused(kind):
    created = kind.create()
    for property_name, reference in kind.references.items():
        if reference.many:
            continue
        nullable = kind.schemas[property_name].get("nullable", False)
        for verb, pk in (("create", None), ("update", created["pk"]), ("partial_update", created["pk"])):
            response = kind.send(verb, pk, kind.named(f"{verb}-{property_name}") | {property_name: ""})
            if nullable:
                assert (response.status, response.json()[property_name]) == (201 if pk is None else 200, None)
                assert kind.send("retrieve", response.json()["pk"]).json() == response.json()
            else:
                assert (response.status, response.json()) == (400, {property_name: ["This field may not be null."]})


def test_a_blank_reference_of_a_blueprint_is_null(kind):
    importing = "/api/v3/flows/instances/import/"
    for property_name in kind.references:
        if kind.schemas.get(property_name, {}).get("nullable") and kind.model.named_by == "name":
            attrs = kind.body() | {"name": property_name, property_name: ""}
            entry = {"model": kind.model.name, "identifiers": {"name": property_name}, "attrs": attrs}
            body, headers = form(file=("b.yaml", "", json.dumps({"version": 1, "entries": [entry]}).encode()))
            response = kind.client.post(importing, body=body, headers=headers).json()
            assert response["success"], response
            assert [found[property_name] for found in kind.all(name=property_name)] == [None]


def test_what_becomes_of_references(kind):
    app, _, model = kind.model.name.partition(".")
    for property_name, reference in kind.references.items():
        for scope in reference.to:
            gone, stays = kind.targets(scope)
            path = kind.examples.path_of(scope, gone)
            owner = kind.create(**{property_name: pks([gone, stays]) if reference.many else gone["pk"]})
            used_by = [use for use in kind.client.get(path + "used_by/").json() if use["pk"] == str(owner["pk"])]
            assert [(use["app"], use["model_name"], use["action"]) for use in used_by] == [
                (app, model, reference.on_delete)
            ]
            assert (kind.client.delete(path).status, kind.client.get(path).status) == (204, 404)
            left = kind.send("retrieve", owner["pk"]).json()
            kept = owner | {property_name: [stays["pk"]] if reference.many else None}
            assert all(left[name] == kept[name] for name in kind.model.properties if name in kind.model.in_responses)


def test_a_model_that_only_the_yaml_has_is_one_of_the_stages(examples):
    """Beside what the tests above show of it."""
    send, model = examples.send, examples.models[ADDED]
    stage = examples.another(ADDED, throw_error=True)
    binding = examples.another("authentik_flows.flowstagebinding", stage=stage["pk"])
    flow = examples.one("flows")
    assert model.collection == "stages"
    assert binding["stage_obj"] in send("stages_all_list").json()["results"]
    assert binding["stage_obj"]["meta_model_name"] == ADDED
    types = {kind["model_name"]: kind["name"] for kind in send("stages_all_types_list").json()}
    assert types["pausestage"] == "Pause Stage"
    assert len(types) == len([model for model in models(examples.contract).values() if model.collection == "stages"])
    used_by = examples.client.get(examples.path_of(ADDED, stage) + "used_by/").json()
    assert [use["pk"] for use in used_by] == [flow["pk"], binding["pk"]]
    token = examples.client.store.tokens.add("t", permissions=["authentik_stages_pause.view_pausestage"])
    assert examples.client.get(examples.path_of(ADDED, stage), token=token).status == 200
    exported = examples.client.get(examples.path_of("flows", flow) + "export/")
    assert ADDED in exported.body.decode()
    for path in (examples.path_of("flows", flow), examples.path_of(ADDED, stage)):
        assert examples.client.delete(path).status == 204
    body, headers = form(file=("flow.yaml", "", exported.body))
    assert send("flows_instances_import_create", body=body, headers=headers).json()["success"] is True
    # What is bound to a flow is told by the export; its identity among all that policies are bound to is a new one.
    again = examples.client.get(examples.path_of(ADDED, stage)).json()
    assert again == stage | {"flow_set": again["flow_set"]}
    assert examples.client.get(examples.path_of("flows", flow) + "export/").body == exported.body
