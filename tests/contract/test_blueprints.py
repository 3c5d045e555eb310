"""Blueprints of the contract's models, on each engine."""

import dataclasses
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.application import open_store
from app.blueprints.exporting import export
from app.blueprints.importing import apply
from app.blueprints.limits import MAX_SECONDS_OF_A_COMMAND
from app.settings import Settings
from app.store.collections.files import StoredFile
from app.store.queries.listing import PageRequest
from app.store.schema.tables import flows, metadata, objects
from tests import graphs
from tests.conftest import database_at
from tests.forms import form
from tests.kinds import Kind

PK = "00000000-0000-4000-8000-000000000000"
RECORDED = Path(__file__).parents[1] / "oracle" / "cases.jsonl"
OFTEN = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.fixture(scope="module")
def kept(engine, contract, tmp_path_factory, request):
    """A store on each engine, made once; `empty` empties it."""
    for url in database_at(engine, tmp_path_factory.mktemp("blueprints"), request):
        store = open_store(dataclasses.replace(Settings(), database_url=url), contract)
        store.migrate()
        yield store
        store.close()


def empty(store):
    with store.database.write() as session:
        # Bindings go with what they bind.
        for table in (flows, objects):
            session.run(store.database.compile(sa.delete(table)))
    return store


@pytest.fixture(scope="module")
def kinds(contract):
    return graphs.kinds_of_contract(contract)


def actions(outcome):
    assert outcome.success, outcome.findings
    return {log["attributes"]["action"] for log in outcome.logs}


def test_an_export_makes_the_same_again(kept, kinds, engine):
    @settings(OFTEN, max_examples=60 if engine == "sqlite" else 15)
    @given(st.data())
    def check(data):
        slugs = graphs.draw_graph(data.draw, empty(kept), kinds)
        text = export(kept, slugs)
        # However busy the machine is.
        assert actions(apply(kept, text, seconds=MAX_SECONDS_OF_A_COMMAND)) == {"unchanged"}
        assert actions(apply(empty(kept), text, seconds=MAX_SECONDS_OF_A_COMMAND)) == {"created"}
        assert export(kept, slugs) == text

    check()


def test_what_the_contract_fills_in_is_made_again(examples):
    flow, store = examples.one("flows"), examples.client.store
    bound = {
        "stages": ("authentik_flows.flowstagebinding", "stage"),
        "policies": ("authentik_policies.policybinding", "policy"),
    }
    for model in examples.models.values():
        # An export has no secrets.
        if model.collection in bound and model.properties.keys() <= {*model.in_responses}:
            kind = Kind(examples, model.name)
            created = kind.send("create", body=kind.least(whole=True) | {"name": model.name}).json()
            binding, property_name = bound[model.collection]
            examples.another(binding, target=flow["pk"], **{property_name: created["pk"]})
    text = export(store, [flow["slug"]])
    assert actions(apply(store, text)) == {"unchanged"}
    assert actions(apply(empty(store), text)) == {"created"}
    assert export(store, [flow["slug"]]) == text


FLOW = {"name": "Flow", "title": "Title", "designation": "recovery"}
DEFAULT_BACKGROUND = "/static/dist/assets/images/flow_background.jpg"


def pictured(**attrs):
    entry = {"model": "authentik_flows.flow", "identifiers": {"slug": "pictured"}, "attrs": FLOW | attrs}
    return json.dumps({"entries": [entry]}).encode()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://example.org/a.png", "https://example.org/a.png"),
        ("/static/a.png", "/static/a.png"),
        ("folder/a b.png", "/media/public/folder/a%20b.png"),
        ("", DEFAULT_BACKGROUND),
    ],
)
def test_the_background_of_a_flow_is_imported_and_exported_unless_it_is_the_default(kept, given, shown):
    def exported():
        (entry,) = yaml.safe_load(export(kept, ["pictured"]))["entries"]
        return entry["attrs"].get("background", DEFAULT_BACKGROUND)

    empty(kept)
    for existing in ("", "https://example.org/old.png", None):
        if existing is None:
            empty(kept)
        else:
            apply(kept, pictured(background=existing))
        assert actions(apply(kept, pictured(background=given))) <= {"created", "updated", "unchanged"}
        assert exported() == shown
        assert actions(apply(kept, pictured(background=given))) == {"unchanged"}
        # One that is left out stays.
        assert actions(apply(kept, pictured())) == {"unchanged"}
        assert exported() == shown


@pytest.mark.parametrize(
    ("background", "message"),
    [
        (None, "This field may not be null."),
        (5, "Not a valid string."),
        ("a" * 501, "Ensure this field has no more than 500 characters."),
        ("a\0", "Null characters are not allowed."),
    ],
)
def test_a_background_is_what_the_operation_that_sets_it_takes(kept, background, message):
    outcome = apply(empty(kept), pictured(background=background, title=None))
    assert {finding.property_name: finding.message for finding in outcome.findings} == {
        "background": message,
        "title": "This field may not be null.",
    }


def test_an_uploaded_picture_goes_when_a_blueprint_sets_another_background(client):
    store = client.store
    assert apply(store, pictured()).success
    store.backgrounds.upload("pictured", "a.png", StoredFile("image/png", b"picture"))
    url = store.flows.get("pictured").background
    assert client.get(url).status == 200
    assert actions(apply(store, pictured(background=url))) == {"unchanged"}
    assert client.get(url).status == 200
    assert actions(apply(store, pictured(background="/static/a.png"))) == {"updated"}
    assert client.get(url).status == 404


BAD = (
    {"model": "authentik_flows.nope", "identifiers": {"name": "x"}},
    {"model": "authentik_flows.flow", "identifiers": {"slug": "new"}, "attrs": {"name": "new"}},
    {"model": "authentik_stages_deny.denystage", "identifiers": {"name": "new"}, "attrs": {"deny_message": 5}},
    {"model": "authentik_flows.flowstagebinding", "identifiers": dict.fromkeys(("target", "stage"), PK) | {"order": 0}},
    # Another flow has the slug.
    {"model": "authentik_flows.flow", "identifiers": {"pk": PK}, "attrs": FLOW | {"slug": "taken"}},
)


def rows(store):
    """All that is stored, by table."""
    database = store.database
    with database.read() as session:
        tables = metadata.sorted_tables
        return {table.name: sorted(session.rows(database.compile(sa.select(table))), key=repr) for table in tables}


def test_one_bad_entry_anywhere_changes_nothing(kept, kinds, engine):
    taken = {"model": "authentik_flows.flow", "identifiers": {"slug": "taken"}, "attrs": FLOW}

    @settings(OFTEN, max_examples=40 if engine == "sqlite" else 10)
    @given(st.data(), st.sampled_from(BAD))
    def check(data, bad):
        slugs = graphs.draw_graph(data.draw, empty(kept), kinds)
        assert apply(kept, json.dumps({"entries": [taken]}).encode()).success
        before = rows(kept)
        entries = [taken, *yaml.safe_load(export(kept, slugs))["entries"]]
        for entry in entries:
            if entry["model"] == "authentik_flows.flow":
                entry["attrs"]["title"] += "!"
        entries.insert(data.draw(st.integers(0, len(entries))), bad)
        for state in ("present", "absent"):
            for entry in entries:
                if entry is not bad and entry["model"] != "authentik_flows.flow":
                    entry["state"] = state
            assert not apply(kept, json.dumps({"entries": entries}).encode()).success
            assert rows(kept) == before

    check()


def recorded(name):
    for line in RECORDED.read_text("utf-8").splitlines():
        case = json.loads(line)
        if case["id"] == name:
            return case["response_text"]
    raise KeyError(name)


@pytest.mark.parametrize(
    ("case", "slug"), [("plain", "my-flow"), ("all_fields", "full"), ("wired", "my-flow"), ("accept_json", "my-flow")]
)
def test_what_authentik_exported_is_exported_again_as_it_was(kept, case, slug):
    text = recorded(f"export.{case}")
    assert actions(apply(empty(kept), text.encode())) == {"created"}
    again = export(kept, [slug]).decode()
    name = f"  name: {yaml.safe_load(text)['metadata']['name']}\n"
    expected = text.replace(name, f"  name: authentik Export - {slug}\n")
    if case == "wired":
        # authentik leaves the order of stages open; here they follow their bindings.
        assert sorted(again.split("\n- ")) == sorted(expected.split("\n- "))
        again = expected
    assert again == expected


WORDS = st.sampled_from(
    ["name", "slug", "pk", "target", "order", "policy", "fields", "title", "nope", "sources", "user", "group"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.uuids().map(str)
    | st.sampled_from(["a", "b", "\0", "", " ", "recovery", "x" * 3000, "%s"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


def test_no_entry_makes_an_import_fail_otherwise(kept, kinds, engine):
    models = st.sampled_from(sorted(kinds)) | VALUES
    entries = st.fixed_dictionaries(
        {"model": models, "identifiers": st.dictionaries(WORDS, VALUES, max_size=3) | VALUES},
        optional={
            "attrs": st.dictionaries(WORDS, VALUES) | VALUES,
            "state": st.sampled_from(["present", "created", "must_created", "absent"]) | VALUES,
            "conditions": VALUES,
            "permissions": VALUES,
        },
    )
    finds = st.tuples(models, st.lists(st.tuples(WORDS, VALUES), min_size=1, max_size=3))

    @settings(OFTEN, max_examples=200 if engine == "sqlite" else 50)
    @given(st.lists(entries, min_size=1, max_size=3), finds, st.booleans())
    def check(listed, find, skips):
        apply(kept, json.dumps({"entries": listed}).encode(), skip_unknown=skips)
        model, properties = find
        wanted = ", ".join([json.dumps(model), *(json.dumps(list(property_name)) for property_name in properties)])
        text = f"entries: [{{model: a, conditions: [!Find [{wanted}], false], identifiers: {{a: b}}}}]"
        apply(kept, text.encode())

    empty(kept)
    check()


SEVERAL = """entries:
- model: authentik_brands.brand
  identifiers: {name: a}
- model: authentik_flows.flow
  identifiers: {slug: b}
  attrs: {name: B, designation: leaving, authentication: require_redirect, titel: B}
- model: authentik_stages_user_login.userloginstage
  identifiers: {name: c}
  attrs: {session_duration: 1 day, remember_device: days=1}
- model: authentik_stages_dummy.dummystage
  identifiers: {name: !Env HOME}
"""


def test_flows_instances_import_create__all_errors_and_notes_of_a_blueprint_are_logs(client):
    body, headers = form(file=("several.yaml", "application/yaml", SEVERAL.encode()))
    response = client.post("/api/v3/flows/instances/import/", body=body, headers=headers)
    assert (response.status, response.json()["success"]) == (200, False)
    events = {"error": [], "warning": [], "info": []}
    for log in response.json()["logs"]:
        events[log["log_level"]] += log["event"].split("\n")
    told = {event.split(" ")[0].rstrip(":"): event for event in events["error"]}
    assert told.keys() == {"2:10", "6:10", "6:33", "6:58", "9:29", "11:23"}
    assert "authentik_brands.brand is not served here." in told["2:10"]
    assert told["6:10"].endswith("title: This field is required.")
    assert told["6:58"].endswith("authentik knows it from 2024.12 on, this contract is that of 2024.8.")
    assert "!Env is refused" in told["11:23"]
    first, second = events["warning"]
    assert first.startswith("6:83: authentik_flows.flow has no property 'titel' to set: it is ignored.")
    assert second.endswith("authentik knows it from 2025.8 on, this contract is that of 2024.8.")


LATER = """entries:
- {model: authentik_flows.flow, identifiers: {slug: later}, attrs: {name: a, title: a, designation: recovery,
    authentication: require_redirect}}
- {model: authentik_stages_email.emailstage, identifiers: {name: later}, attrs: {token_expiry: minutes=45, timeout: 5}}
- model: authentik_stages_password.passwordstage
  identifiers: {name: password}
  attrs:
    backends: [authentik.sources.kerberos.auth.KerberosBackend, authentik.core.auth.InbuiltBackend]
"""


def test_values_of_a_later_authentik_are_left_out_if_what_is_unknown_is_skipped(store):
    assert len(apply(store, LATER.encode()).findings) == 3
    outcome = apply(store, LATER.encode(), skip_unknown=True)
    assert actions(outcome) == {"created", "note"}
    assert [str(note.place) for note in outcome.notes] == ["3:21", "4:96", "8:15"]
    said = [note.message.removesuffix(" on, this contract is that of 2024.8.") for note in outcome.notes]
    assert said == [
        "authentication: require_redirect is left out. authentik knows it from 2024.12",
        "token_expiry: minutes=45 is left out. authentik knows it from 2025.4",
        "backends: authentik.sources.kerberos.auth.KerberosBackend is left out. authentik knows it from 2024.10",
    ]
    assert store.flows.get("later").authentication == "none"
    kept = {
        row.name: json.loads(row.properties) for row in store.objects.page("stages", PageRequest({}, (), (), 1, 9)).rows
    }
    assert (kept["later"]["token_expiry"], kept["later"]["timeout"]) == (30, 5)
    assert kept["password"]["backends"] == ["authentik.core.auth.InbuiltBackend"]
    assert actions(apply(store, LATER.encode(), skip_unknown=True)) == {"unchanged", "note"}


def test_what_is_wrong_in_each_authentik_is_refused_also_if_what_is_unknown_is_skipped(store):
    wrong = (
        LATER.replace("require_redirect", "nope").replace("minutes=45", "soon").replace("authentik.core.auth", "nope")
    )
    outcome = apply(store, wrong.encode(), skip_unknown=True)
    assert [str(one).split(" ")[0] for one in outcome.findings] == ["3:21:", "4:96:", "8:15:"]


PEOPLE = """entries:
- {model: authentik_core.group, id: group, identifiers: {name: admins}}
- {model: authentik_core.user, id: user, identifiers: {username: anna}, attrs: {name: Anna}}
- model: authentik_flows.flow
  id: flow
  identifiers: {slug: for-some}
  attrs: {name: A, title: A, designation: authentication}
- {model: authentik_policies.policybinding, identifiers: {target: !KeyOf flow, order: 0}, attrs: {group: !KeyOf group}}
- {model: authentik_policies.policybinding, identifiers: {target: !KeyOf flow, order: 1}, attrs: {user: !KeyOf user}}
- model: authentik_policies.policybinding
  identifiers: {target: !KeyOf flow, order: 2}
  attrs: {user: !Find [authentik_core.user, [username, anna]]}
"""


def test_users_and_groups_are_created_found_and_bound(client):
    store = client.store
    assert actions(apply(store, PEOPLE.encode())) == {"created"}
    assert actions(apply(store, PEOPLE.encode())) == {"unchanged"}
    bindings = client.get("/api/v3/policies/bindings/", query="ordering=order").json()["results"]
    (user,) = client.get("/api/v3/core/users/", query="username=anna").json()["results"]
    assert [binding["user"] for binding in bindings] == [None, user["pk"], user["pk"]]
    assert bindings[0]["group_obj"]["name"] == "admins"
    known = {"model": "authentik_core.user", "identifiers": {"pk": user["pk"]}, "attrs": {"name": "Anna B."}}
    updated = apply(store, json.dumps({"entries": [known]}).encode())
    assert [(log["attributes"]["action"], log["attributes"]["pk"]) for log in updated.logs] == [("updated", user["pk"])]
    known["identifiers"]["pk"] = PK
    (finding,) = apply(store, json.dumps({"entries": [known]}).encode()).findings
    assert finding.message == "A pk of authentik_core.user is a positive integer."


def test_an_export_names_users_and_groups_and_does_not_show_them(client):
    store = client.store
    assert apply(store, PEOPLE.encode()).success
    text = export(store, ["for-some"])
    assert {entry["model"] for entry in yaml.safe_load(text)["entries"]} == {
        "authentik_flows.flow",
        "authentik_policies.policybinding",
    }
    assert actions(apply(store, text)) == {"unchanged"}


def test_an_export_has_no_secrets(examples):
    flow, store = examples.one("flows"), examples.client.store
    hidden = {}
    for model in examples.models.values():
        secrets = [name for name in model.properties if name not in model.in_responses]
        if model.collection == "stages" and secrets:
            stage = examples.another(model.name)
            examples.another("authentik_flows.flowstagebinding", target=flow["pk"], stage=stage["pk"])
            hidden[model.name] = secrets
    assert len(hidden) >= 3
    entries = {entry["model"]: entry for entry in yaml.safe_load(export(store, [flow["slug"]]))["entries"]}
    for model, secrets in hidden.items():
        assert not entries[model]["attrs"].keys() & {*secrets}


def test_a_number_is_taken_for_the_word_that_it_looks_like(client):
    entry = "{model: authentik_stages_authenticator_totp.authenticatortotpstage, identifiers: {name: a}, attrs: {digits: §}}"
    for digits, done in (("6", "created"), ("'6'", "unchanged"), ("8", "updated")):
        assert actions(apply(client.store, f"entries: [{entry.replace('§', digits)}]".encode())) == {done}
    for digits in ("7", "6.0", "true"):
        (finding,) = apply(client.store, f"entries: [{entry.replace('§', digits)}]".encode()).findings
        assert finding.property_name == "digits"
