"""An import does what the token that sends it may do: for each model of the contract, with the permissions of its operations."""

import itertools
import json

import pytest

from app.blueprints.importing import apply
from app.contract.compile import models
from app.contract.validation.schemas import schema_properties
from app.errors import Invalid
from tests.asgi import FLOWS
from tests.contract_files import shipped
from tests.examples import Examples, creators, operations
from tests.forms import form

CONTRACT = shipped()
OPERATIONS, MODELS = operations(CONTRACT), models.models(CONTRACT)
# Models whose operations need permissions, and those whose operations are for objects of the caller's own.
CREATORS = {model: known for model, known in creators(CONTRACT).items() if known.spec.get("x-required-permissions")}
# An invitation is named by its key only.
NAMED = [model for model in CREATORS if MODELS[model].unique]
OWN = sorted(creators(CONTRACT).keys() - CREATORS.keys())
REQUIRED = frozenset(OPERATIONS["flows_instances_import_create"].spec["x-required-permissions"])
DUMMY, FLOW = "authentik_stages_dummy.dummystage", "authentik_flows.flow"
_numbers = itertools.count()


def on_one(model, verb):
    """The operations of a verb on one object of a model: of the model's own, and of all kinds of its collection.

    :returns: the permissions of the verb that each needs, and the operation
    """
    names = (CREATORS[model].id.removesuffix("create") + verb, f"{MODELS[model].collection}_all_{verb}")
    codename = {"destroy": ".delete_", "retrieve": ".view_"}[verb]
    found = [OPERATIONS[name] for name in names if name in OPERATIONS]
    return [({each for each in known.spec["x-required-permissions"] if codename in each}, known) for known in found]


@pytest.fixture
def examples(client):
    return Examples(CONTRACT, client)


@pytest.fixture
def send(client):
    """Imports entries by a token that has what the operation needs, and some further permissions."""

    def imported(*entries, more=()):
        secret = client.store.tokens.add(f"token {next(_numbers)}", permissions=REQUIRED | set(more))
        text = "entries:\n" + "".join(
            f"- {entry if isinstance(entry, str) else json.dumps(entry)}\n" for entry in entries
        )
        body, headers = form(file=("blueprint.yaml", "application/yaml", text.encode()))
        response = client.post(f"{FLOWS}import/", body=body, headers=headers, token=secret)
        assert response.status == 200
        return response.json()

    return imported


def rejected(outcome):
    """What is said of the one entry that is refused."""
    assert not outcome["success"]
    (error,) = [log for log in outcome["logs"] if log["log_level"] == "error"]
    return error["event"]


def done(outcome):
    """What became of each entry."""
    assert outcome["success"], outcome["logs"]
    return [log["attributes"]["action"] for log in outcome["logs"] if log["log_level"] != "warning"]


def scalar(value):
    """Whether objects can be looked up by a value: it is not a list, and there is no white space around it."""
    return isinstance(value, str | int) and value == (value.strip() if isinstance(value, str) else value)


def may(model, action):
    """The permissions to create or change objects of a model, and those for all kinds of its collection."""
    own = {model.replace(".", ".delete_")}
    covered = own.union(*(permissions for permissions, _ in on_one(model, "destroy")))
    return {one.replace(".delete_", f".{action}_") for one in covered}


def seeing(model):
    """The permissions to see an object by which it may be known, if there is need of them."""
    return set() if may(model, "add") & REQUIRED else may(model, "view")


@pytest.mark.parametrize("model", OWN)
def test_objects_of_the_callers_own_take_a_superuser(examples, send, model):
    found = examples.another(model)
    every = {one for known in OPERATIONS.values() for one in known.spec.get("x-required-permissions", ())}
    every |= {model.replace(".", f".{action}_") for action in ("add", "change", "delete", "view")}
    unique = next(iter(MODELS[model].unique))
    known_by = {name: found[name] for name in unique}
    find = f"!Find [{model}, {', '.join(json.dumps([name, value]) for name, value in known_by.items())}]"
    for entry in (
        {
            "model": model,
            "identifiers": dict.fromkeys(unique, "new"),
            "attrs": examples.body(creators(CONTRACT)[model].id),
        },
        *({"model": model, "identifiers": known_by, "state": state} for state in ("present", "created", "absent")),
        {"model": model, "identifiers": {"pk": found["pk"]}, "state": "created"},
        f"{{model: {DUMMY}, identifiers: {{name: a}}, conditions: [{find}]}}",
        f"{{model: {DUMMY}, identifiers: {{name: a}}, conditions: [{find.replace('!Find', '!FindObject')}]}}",
    ):
        assert f"{model} " in rejected(send(entry, more=every))
        assert "requires the permission of a superuser, which the token does not have." in rejected(
            send(entry, more=every)
        )


def test_the_operation_needs_the_permissions_to_create_and_change_all_but_people():
    apart = {model for model in CREATORS if not all(may(model, action) & REQUIRED for action in ("add", "change"))}
    assert apart == {model for model in CREATORS if model.startswith("authentik_core.")} | {*CREATORS} - {*NAMED}


@pytest.mark.parametrize("model", NAMED)
def test_to_create_takes_the_permission_to_create(examples, send, model):
    body = examples.body(CREATORS[model].id)
    unique = next(iter(MODELS[model].unique))
    entry = {"model": model, "identifiers": {name: body[name] for name in unique}, "attrs": body}
    if not may(model, "add") & REQUIRED:
        said = rejected(send(entry, more=seeing(model)))
        assert f"To create {model} requires the permission " in said
        assert any(one in said for one in may(model, "add"))
    assert done(send(entry, more=may(model, "add"))) == ["created"]


def valid(model, properties):
    try:
        MODELS[model].read_change(properties)
    except Invalid:
        return False
    return True


@pytest.mark.parametrize("model", CREATORS)
def test_to_change_takes_the_permission_to_change(examples, send, model):
    found = examples.another(model)
    kept = {name: found[name] for name in MODELS[model].properties if name in found}
    for attrs in [kept | {name: not value} for name, value in kept.items() if isinstance(value, bool)]:
        # Only a superuser may change this property.
        if not valid(model, attrs) or attrs.get("is_superuser"):
            continue
        entry = {"model": model, "identifiers": {"pk": found["pk"]}, "attrs": attrs}
        if not may(model, "change") & REQUIRED:
            assert f"To change {model} requires the permission " in rejected(send(entry, more=seeing(model)))
        assert done(send(entry, more=may(model, "change") | seeing(model))) == ["updated"]
        # What is as it should be takes none.
        assert done(send(entry, more=seeing(model))) == ["unchanged"]


@pytest.mark.parametrize("model", CREATORS)
def test_to_delete_takes_the_permission_to_delete(examples, send, model):
    for permissions, operation in on_one(model, "destroy"):
        found = examples.another(model)
        path = operation.path_to(found)
        entry = {"model": model, "state": "absent", "identifiers": {"pk": found["pk"]}}
        new = {"model": DUMMY, "identifiers": {"name": "new"}}
        assert permissions
        for more in ({}, [one for one in operation.spec["x-required-permissions"] if one not in permissions]):
            said = rejected(send(new, entry, more=more))
            assert said.startswith("3:")
            assert f"To delete {model} requires the permission " in said
            assert all(one in said for one in permissions)
            assert examples.client.get(path).status == 200
        assert examples.client.get("/api/v3/stages/dummy/", query="name=new").json()["results"] == []
        assert done(send(entry, more=permissions | seeing(model))) == ["deleted"]
        assert examples.client.get(path).status == 404
        assert done(send(entry, more=permissions | seeing(model))) == ["skipped"]
        # Whether there is anything to delete is not told either.
        assert rejected(send(entry)).startswith("2:")


@pytest.mark.parametrize("model", CREATORS)
def test_to_look_objects_up_takes_the_permission_to_see_what_they_are_looked_up_by(examples, send, model):
    found = examples.another(model)
    asked = {
        name: value for name, value in found.items() if name in (*MODELS[model].properties, "pk") and scalar(value)
    }
    for permissions, operation in on_one(model, "retrieve"):
        (media,) = operation.spec["responses"]["200"]["content"].values()
        seen = schema_properties(CONTRACT, media["schema"])
        assert permissions
        for name, value in asked.items():
            find = f"!Find [{model}, [{name}, {json.dumps(value)}]]"
            ways = {
                "condition": f"{{model: {DUMMY}, identifiers: {{name: a}}, conditions: [{find}]}}",
                "attribute": f"{{model: {DUMMY}, identifiers: {{name: a}}, attrs: {{nothing: {find}}}}}",
            }
            if {name} not in (*MODELS[model].unique, {"pk"}):
                ways["identifier"] = json.dumps({"model": model, "state": "must_created", "identifiers": {name: value}})
            for way, entry in ways.items():
                outcome = send(entry)
                assert f"To look up {model} by {name} requires the permission " in rejected(outcome)
                outcome = send(entry, more=permissions)
                if name not in seen:
                    assert rejected(outcome) == rejected(send(entry)), name
                elif way == "identifier":
                    assert "There is such an object already" in rejected(outcome)
                else:
                    assert outcome["success"], outcome["logs"]


@pytest.mark.parametrize("model", CREATORS)
def test_an_object_is_read_with_the_permission_to_see_it_and_as_that_shows_it(examples, send, model):
    found = examples.another(model)
    for permissions, operation in on_one(model, "retrieve"):
        (media,) = operation.spec["responses"]["200"]["content"].values()
        seen = schema_properties(CONTRACT, media["schema"])
        for name in MODELS[model].properties:
            value = f"!AtIndex [!FindObject [{model}, [pk, {found['pk']}]], {name}, hidden]"
            entry = f"{{model: {DUMMY}, identifiers: {{name: a}}, conditions: [!Condition [NEQ, {value}, hidden]]}}"
            assert f"To look up {model} by pk requires the permission " in rejected(send(entry))
            (action, *_) = done(send(entry, more=permissions))
            assert (action != "skipped") is (name in seen), name
            send(
                {"model": DUMMY, "identifiers": {"name": "a"}, "state": "absent"},
                more=[f"{DUMMY}".replace(".", ".delete_")],
            )


@pytest.mark.parametrize(
    ("base", "model"),
    [("authentik_flows.stage", DUMMY), ("authentik_policies.policy", "authentik_policies_dummy.dummypolicy")],
)
def test_to_look_up_by_a_base_model_takes_the_permission_to_see_all_of_its_models(examples, send, base, model):
    found = examples.another(model)
    entry = f"{{model: {DUMMY}, identifiers: {{name: a}}, conditions: [!Find [{base}, [name, {json.dumps(found['name'])}]]]}}"
    own = {
        one for permissions, operation in on_one(model, "retrieve") if "all" not in operation.id for one in permissions
    }
    of_all = base.replace(".", ".view_")
    said = rejected(send(entry, more=own - {of_all}))
    assert f"To look up {base} by name requires the permission {of_all}" in said
    assert done(send(entry, more=[of_all])) == ["created"]


@pytest.mark.parametrize("model", NAMED)
def test_what_no_two_objects_have_the_same_of_makes_an_object_known_to_those_who_may_create_one(examples, send, model):
    found = examples.another(model)
    assert MODELS[model].unique
    for properties in ({"pk"}, *MODELS[model].unique):
        identifiers = {name: found[name] for name in properties}
        entry = {"model": model, "identifiers": identifiers, "state": "created"}
        assert done(send(entry, more=may(model, "add"))) == ["unchanged"]
        if not may(model, "add") & REQUIRED:
            assert f"To look up {model} by {', '.join(properties)} requires the permission " in rejected(send(entry))
            assert done(send(entry, more=may(model, "view"))) == ["unchanged"]
        beside = [name for name in MODELS[model].properties if name not in properties and scalar(found.get(name))]
        if properties == {"pk"} or not beside:
            continue
        # With anything else beside it, it would tell of that.
        entry = {"model": model, "state": "created", "identifiers": identifiers | {beside[0]: found[beside[0]]}}
        assert f"To look up {model} by " in rejected(send(entry))


def test_a_superuser_and_the_owner_of_the_machine_may_do_everything(client, send):
    entries = [
        {"model": DUMMY, "identifiers": {"name": "a"}},
        {"model": DUMMY, "identifiers": {"throw_error": False}, "state": "absent"},
    ]
    text = json.dumps({"entries": entries}).encode()
    assert done({"success": True, "logs": apply(client.store, text).logs}) == ["created", "deleted"]
    body, headers = form(file=("blueprint.yaml", "application/yaml", text))
    assert done(client.post(f"{FLOWS}import/", body=body, headers=headers).json()) == ["created", "deleted"]


@pytest.mark.parametrize("state", ["present", "created", "must_created", "absent"])
def test_a_look_up_that_is_refused_tells_nothing_of_what_there_is(client, send, state):
    assert client.post(FLOWS, {"name": "a", "slug": "a", "title": "secret", "designation": "recovery"}).status == 201

    def told(title):
        guess = {"model": FLOW, "state": state, "identifiers": {"title": title}}
        find = f"!Find [{FLOW}, [title, {title}]]"
        conditional = f"{{model: {DUMMY}, state: {state}, identifiers: {{name: a}}, conditions: [{find}]}}"
        more = ["authentik_flows.delete_flow"]
        return rejected(send(guess, more=more)), rejected(send(conditional, more=more))

    assert told("secret") == told("others")
