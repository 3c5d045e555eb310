"""What the contract says of filters, searches, sorting, uniqueness and references holds in the store, or stops the boot."""

import dataclasses
import uuid
from urllib.parse import urlencode

import pytest

from app.application import capabilities_of, create_app, open_store
from app.contract.compile import models, scopes
from app.contract.document.findings import ContractError
from app.domain import SortKey
from app.settings import Settings
from app.store.queries.listing import PageRequest
from tests.asgi import Client
from tests.conftest import emptied
from tests.contract_files import copied, load, shipped

DUMMY, STAGES = "stages/dummy.yaml", "stages/all.yaml"
FLOW_BINDINGS, POLICY_BINDINGS, FLOWS = "flows/bindings.yaml", "policies/bindings.yaml", "authentik-flows.yaml"
CONSENTS, TEMPLATE = "core/user_consent.yaml", "kind.yaml"
USERS, GROUPS, GEOIP = "core/users.yaml", "core/groups.yaml", "policies/geoip.yaml"
IDENTIFICATION, INVITATIONS = "stages/identification.yaml", "stages/invitation_invitations.yaml"
API = "/api/v3"

SCOPES = sorted(models.collections(shipped()).keys() | models.models(shipped()).keys())
VALUES = {"string": "a", "integer": 1, "number": 1, "boolean": True}


def changed(contract, file, old, new):
    path = contract.parent / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "problem"),
    [
        (STAGES, "x-filters: name", "x-filters: nonsense", "x-filters: nonsense", "has no property 'nonsense'"),
        (DUMMY, "[pk, name, throw_error]", "[pk, nonsense]", "[pk, nonsense]", "has no property 'nonsense'"),
        (STAGES, "x-searches: [name]", "x-searches: [nmae]", "[nmae]", "has no property 'nmae'"),
        (STAGES, "x-searches: [name]", "x-searches: [throw_error]", "[throw_error]", "can't search 'throw_error'"),
        (STAGES, "x-orders-by: [pk, name]", "x-orders-by: [throw_error]", "[throw_error]", "no property 'throw_error'"),
        (POLICY_BINDINGS, "searches: [policy__name]", "searches: [negate]", "[negate]", "can't search 'negate'"),
        (
            POLICY_BINDINGS,
            "example: 30",
            "example: 30\n      x-filters: policy__name",
            "schema: {$ref: '../authentik-flows.yaml#/components/schemas/IntegerFilter'}\n      example: 30",
            "keeps 'policy__name' as string, and not as integer",
        ),
        (
            POLICY_BINDINGS,
            "        identity: policybindingmodel_ptr_id",
            "        identity: slug",
            "x-references: &target_of",
            "'target' refers to other objects",
        ),
        (
            POLICY_BINDINGS,
            "identity: [pk, policy",
            "identity: [slug, policy",
            "x-references:\n        to: [flows, stage_bindings, applications]\n        identity: [slug",
            "find stage_bindings by 'slug'",
        ),
        (
            FLOW_BINDINGS,
            "      x-references: {to: stages}\n",
            "",
            "stage:\n      description: Only bindings",
            "'stage' is a reference",
        ),
        (
            FLOW_BINDINGS,
            "{to: stages, on_delete",
            "{to: policies, on_delete",
            "x-references: {to: policies, on_delete",
            "'stage' refers to stages in the store",
        ),
        (
            FLOW_BINDINGS,
            "[target, stage, order]",
            "[target, order]",
            "[target, order]",
            "no unique constraint on order, target",
        ),
        (
            FLOWS,
            "          x-unique: Flow with this slug already exists.\n",
            "",
            "slug: &slug",
            "a unique constraint on 'slug'",
        ),
        (
            FLOWS,
            "        title: &title\n",
            "        title: &title\n          x-unique: a\n",
            "x-unique: a",
            "no unique constraint on 'title'",
        ),
        (
            STAGES,
            "    x-filters: name\n",
            "    x-filters: name\n    x-references: {to: flows}\n",
            "x-references: {to: flows}",
            "is not a reference in the store",
        ),
        (USERS, "named_by: username", "named_by: nickname", "named_by: nickname", "has no property 'nickname'"),
        (
            USERS,
            "named_by: username",
            "named_by: email",
            "    request:\n      pattern",
            "a unique constraint on 'email'",
        ),
        (
            USERS,
            "    readOnly: true\n    description: Another identifier",
            "    description: Another identifier",
            "x-generated: uuid",
            "generates a UUID",
        ),
        (
            IDENTIFICATION,
            "x-references: {to: flows, on_delete: set_default}",
            "x-references: {to: flows, on_delete: cascade}",
            "on_delete: cascade",
            "The store can't delete stages with flows",
        ),
        (
            INVITATIONS,
            "  single_use:\n",
            "  sender: {readOnly: true, x-generated: caller, x-references: {to: users, on_delete: cascade}}\n  single_use:\n",
            "x-generated: caller, x-references: {to: users, on_delete: cascade}}",
            "Another property refers to the caller already",
        ),
        (GEOIP, "of: countries,", "of: lands,", "x-details", "The object of a model has no list 'lands'"),
        (GEOIP, "of: countries,", "of: name,", "x-details", "The object of a model has no list 'name'"),
        (GEOIP, "iso3166_list", "iso_list", "x-details", "There is no operation 'policies_geoip_iso_list'"),
        (GEOIP, "by: code", "by: number", "x-details", "is not a list of objects with the text 'number'"),
        (GEOIP, "enum: [AF,", "enum: [XX,", "enum: [XX", "has no object whose 'code' is \"XX\""),
        (GEOIP, "    readOnly: true\n", "", "x-details", "The server returns a list, which no body has"),
        (
            GEOIP,
            "    x-create-default: []\n",
            "    x-create-default: []\n  networks: {type: array, items: {}, x-set: true}\n",
            "networks:",
            "Only lists of texts, or of integers, can be sorted",
        ),
        (GROUPS, "inverse_of: groups", "inverse_of: nothing", "inverse_of: nothing", "no list of references 'nothing'"),
        (GROUPS, "inverse_of: groups", "inverse_of: email", "inverse_of: email", "no list of references 'email'"),
        (
            STAGES,
            "  types:\n    x-serves: stages\n",
            "  types:\n    x-serves: authentik_stages_dummy.dummystage\n",
            "operationId: stages_all_types_list",
            "takes filters, ordering, page, page_size, search, and the operation gives nothing",
        ),
        (
            FLOWS,
            "    x-serves: flows\n",
            "    x-serves: policies\n",
            "operationId: flows_instances_create",
            "Let `x-serves` name the model of the new object",
        ),
        (
            STAGES,
            "operationId: stages_all_list",
            "operationId: stages_all_every",
            "operationId: stages_all_every",
            "End it with _used_by_list or _types_list or _list or _retrieve, or write the function",
        ),
        (
            CONSENTS,
            "filters: [user, application]\n",
            (
                "filters: [user, application]\nactions:\n  change:\n    patch:\n"
                "      operationId: core_user_consent_partial_update\n      responses: {'204': {description: Done.}}\n"
            ),
            "operationId: core_user_consent_partial_update",
            "No handler is named 'core_user_consent_partial_update'.",
        ),
        (
            FLOWS,
            "    title: Authenticated Session {uuid}\n    owner: user\n",
            "    title: Authenticated Session {uuid}\n",
            "  authenticated_sessions:\n    model",
            "The objects of authenticated_sessions belong to users, and everybody would see them. Give it `owner: user`.",
        ),
    ],
)
def test_a_capability_that_the_store_lacks_is_a_located_finding(file, old, new, line, problem, tmp_path):
    contract = copied(tmp_path / "openapi")
    changed(contract, file, old, new)
    with pytest.raises(ContractError) as caught:
        load(contract)
    text = (contract.parent / file).read_text("utf-8")
    place = text[: text.index(line)].count("\n") + 1
    found = [str(finding) for finding in caught.value.findings]
    assert any(problem in finding and f"{file}:{place}:" in finding for finding in found), found


@pytest.mark.parametrize("scope", SCOPES)
def test_the_store_filters_and_sorts_by_all_that_it_says(scope, shared_on_each):
    store = emptied(shared_on_each[0])
    can = capabilities_of(shipped())(scope)

    def page(filters, ordering):
        return store.resources[scope].page(PageRequest(filters, (), ordering, 1, 5))

    for name, known in can.filters.items():
        if known.reference is None:
            assert page({name: '{"a": 1}' if name == "attributes" else VALUES[known.type]}, ()).count == 0
    for name in can.sorts:
        assert page({}, [SortKey(name, descending=True)]).count == 0


def test_each_filter_of_the_contract_is_one_of_the_store():
    can = capabilities_of(shipped())
    for _, path, _, operation in shipped().operations():
        scope = scopes.scope_of(shipped(), path)
        if scope is None:
            continue
        for declared in (*operation.get("parameters", ()), *shipped().document["paths"][path].get("parameters", ())):
            parameter = shipped().resolve((), declared)[1]
            if "x-filters" in parameter:
                assert parameter["x-filters"] in can(scope).filters


@pytest.fixture
def served(database_url, settings, tmp_path):
    """Makes a client of an application on a copy of the contract with some text replaced, on each engine."""
    stores = []

    def serve(*replacements, files=()):
        contract = copied(tmp_path / f"openapi-{len(stores)}")
        for file, old, new in replacements:
            changed(contract, file, old, new)
        for file, text in files:
            (contract.parent / file).write_text(text, "utf-8")
        other = dataclasses.replace(settings, contract=contract, database_url=database_url)
        loaded = load(contract)
        store = open_store(other, loaded)
        stores.append(store)
        store.migrate()
        if not store.tokens.any():
            store.tokens.add("root", superuser=True, secret="root")
        client = Client(create_app(other, contract=loaded, store=store), "root")
        client.store = store
        return client

    yield serve
    for store in stores:
        store.close()


def count(client, path, **query):
    response = client.get(f"{API}{path}?{urlencode(query)}")
    assert response.status == 200, response.json()
    return response.json()["pagination"]["count"]


def bound(client, name):
    """A policy that is bound to a flow, at place 7."""
    slug = uuid.uuid4().hex
    flow = client.post(f"{API}/flows/instances/", {"name": "a", "slug": slug, "title": "a", "designation": "recovery"})
    policy = client.post(f"{API}/policies/dummy/", {"name": name})
    properties = {"policy": policy.json()["pk"], "target": flow.json()["policybindingmodel_ptr_id"], "order": 7}
    assert client.post(f"{API}/policies/bindings/", properties).status == 201


def test_an_object_is_deleted_with_what_its_reference_cascades_from(served):
    client = served(
        (
            IDENTIFICATION,
            "on_delete: set_null}\n    x-create-default: null\n  case",
            "on_delete: cascade}\n    x-create-default: null\n  case",
        )
    )
    password = client.post(
        f"{API}/stages/password/", {"name": "p", "backends": ["authentik.core.auth.InbuiltBackend"]}
    ).json()["pk"]
    body = {"user_fields": ["email"], "password_stage": password}
    made = client.post(f"{API}/stages/identification/", {"name": "i", **body}).json()["pk"]
    kept = client.post(f"{API}/stages/identification/", {"name": "k", "user_fields": ["email"]}).json()["pk"]
    (used,) = client.get(f"{API}/stages/password/{password}/used_by/").json()
    assert (used["pk"], used["action"]) == (made, "cascade")
    assert client.delete(f"{API}/stages/all/{password}/").status == 204
    statuses = [client.get(f"{API}/stages/identification/{pk}/").status for pk in (made, kept)]
    assert statuses == [404, 200]


def test_a_search_of_bindings_looks_where_the_contract_says(served):
    client = served((POLICY_BINDINGS, "searches: [policy__name]", "searches: [order]"))
    bound(client, "polly")
    assert [count(client, "/policies/bindings/", search=term) for term in ("7", "8", "polly")] == [1, 0, 0]


def test_a_search_of_bindings_by_the_name_finds_nothing_else_of_the_bound_object(served):
    client = served(("policies/all.yaml", "x-searches: [name]", "x-searches: [name, wait_max]"))
    bound(client, "pölly\nparrot")
    assert [count(client, "/policies/all/", search=term) for term in ("PÖLLY", "parrot", "30")] == [1, 1, 1]
    assert [count(client, "/policies/bindings/", search=term) for term in ("PÖLLY", "parrot", "30")] == [1, 1, 0]


def test_a_search_looks_at_any_text_and_not_at_names_unless_it_says_so(served):
    plain = served()
    made = plain.post(f"{API}/stages/deny/", {"name": "gate", "deny_message": "go away"})
    assert made.status == 201
    assert [count(plain, "/stages/all/", search=term) for term in ("gate", "away")] == [1, 0]
    client = served((STAGES, "x-searches: [name]", "x-searches: [deny_message]"))
    for path in ("/stages/all/", "/stages/deny/"):
        assert [count(client, path, search=term) for term in ("gate", "AWAY")] == [0, 1]


def test_policies_of_all_kinds_are_sorted_by_what_they_have_in_common(client_on_each):
    for name, logging in (("a", True), ("b", False)):
        client_on_each.post(f"{API}/policies/dummy/", {"name": name, "execution_logging": logging})
    found = client_on_each.get(f"{API}/policies/all/?ordering=execution_logging")
    assert [policy["name"] for policy in found.json()["results"]] == ["b", "a"]


def test_a_property_that_is_not_stored_is_filtered_sorted_and_searched_by_its_default(served):
    assert served().post(f"{API}/stages/dummy/", {"name": "old"}).status == 201
    properties = (
        "  hint: {type: string, default: Ask}\n"
        "  weight: {type: integer, default: 3}\n"
        "  loud: {type: boolean, default: true}\n"
    )
    client = served(
        (DUMMY, "  throw_error:\n", f"{properties}  throw_error:\n"),
        (DUMMY, "[stage_uuid, name, throw_error]", "[name, hint, weight, loud]"),
        (DUMMY, "[pk, name, throw_error]", "[pk, name, weight]"),
        (STAGES, "x-searches: [name]", "x-searches: [name, hint]"),
    )
    assert client.post(f"{API}/stages/dummy/", {"name": "new", "weight": 2, "hint": "b", "loud": False}).status == 201
    for name, matching, other in (("hint", "Ask", "b"), ("weight", 3, 2), ("loud", "true", "false")):
        for value, found in ((matching, "old"), (other, "new")):
            response = client.get(f"{API}/stages/dummy/?{name}={value}")
            assert [stage["name"] for stage in response.json()["results"]] == [found]
    names = [stage["name"] for stage in client.get(f"{API}/stages/dummy/?ordering=weight").json()["results"]]
    assert names == ["new", "old"]
    assert count(client, "/stages/all/", search="ask") == 1


def test_a_filter_that_no_stored_value_can_equal_finds_nothing(served):
    schema = "schema: {$ref: '../authentik-flows.yaml#/components/schemas/IntegerFilter'}\n      example: 30"
    search = "        - $ref: '#/components/parameters/FlowSearch'\n        - name: ordering\n"
    title = "        - name: title\n          in: query\n          schema: {type: string}\n          x-filters: title\n"
    client = served(
        (POLICY_BINDINGS, schema, "schema: {type: number}\n      example: 30"), (FLOWS, search, title + search)
    )
    bound(client, "polly")
    numbers = {"30": 1, "30.0": 1, "7.5": 0, "9" * 30: 0, "-1e300": 0}
    assert {number: count(client, "/policies/bindings/", timeout=number) for number in numbers} == numbers
    assert [count(client, "/flows/instances/", title=title) for title in ("a", "a\0")] == [1, 0]


def with_property(schema, name="note"):
    """The edits that add a property to dummy stages, with a filter and a sort key."""
    return (
        (DUMMY, "  throw_error:\n", f"  {name}: {schema}\n  throw_error:\n"),
        (DUMMY, "[stage_uuid, name, throw_error]", f"[name, throw_error, {name}]"),
        (DUMMY, "[pk, name, throw_error]", f"[pk, name, {name}]"),
    )


@pytest.mark.parametrize(
    ("before", "value", "after", "wanted"),
    [
        ("{type: string}", "abc", "{type: integer, default: 3}", "3"),
        ("{type: number}", 1.5, "{type: boolean}", "true"),
        ("{type: boolean}", True, "{type: number}", "1"),
        ("{type: object}", {"a": 1}, "{type: integer}", "1"),
        ("{type: string}", "true", "{type: boolean}", "true"),
        ("{type: integer}", 5, "{type: string}", "5"),
    ],
)
def test_a_property_of_another_type_than_is_stored_is_filtered_and_sorted_by(before, value, after, wanted, served):
    edits = with_property(before)
    old = served(*(edits if "object" not in before else edits[:1]))
    assert old.post(f"{API}/stages/dummy/", {"name": "a", "note": value}).status == 201
    client = served(*with_property(after))
    assert client.post(f"{API}/stages/dummy/", {"name": "b"}).status == 201
    for query in (f"note={wanted}", "ordering=note", "ordering=-note"):
        assert client.get(f"{API}/stages/dummy/?{query}").status == 200
    assert count(client, "/stages/dummy/", ordering="note") == 2


def test_a_stored_text_with_nul_is_in_nobody_s_way(served):
    client = served(*with_property("{type: string}"), (STAGES, "x-searches: [name]", "x-searches: [name, note]"))
    for name, note in (("a", "x\0y"), ("b", r"x\u0000y"), ("c", "x")):
        assert client.post(f"{API}/stages/dummy/", {"name": name, "note": note}).status == 201
    names = [stage["name"] for stage in client.get(f"{API}/stages/dummy/?note=x").json()["results"]]
    assert names == ["c"]
    for query in ({"ordering": "note"}, {"throw_error": "false"}, {"search": "xy"}):
        assert count(client, "/stages/dummy/", **query) == (1 if "search" in query else 3)


def test_a_search_follows_the_default_of_a_property_that_is_not_stored(served):
    searched = (STAGES, "x-searches: [name]", "x-searches: [name, note]")
    old = served(*with_property("{type: string, default: four}"), searched)
    assert old.post(f"{API}/stages/dummy/", {"name": "a"}).status == 201
    client = served(*with_property("{type: string, default: five}"), searched)
    assert [count(client, "/stages/dummy/", search=term) for term in ("four", "five")] == [0, 1]


def test_used_by_and_diagrams_show_bindings_to_those_who_may_retrieve_them(served):
    text = (Settings().contract.parent / TEMPLATE).read_text("utf-8")
    start = text.rindex("operationId: ${operations}_retrieve\n        summary")
    operation = text[start : text.index("]\n", text.index("x-required", start))]
    flow = served().post(f"{API}/flows/instances/", {"name": "a", "slug": "a", "title": "a", "designation": "recovery"})
    client = served((TEMPLATE, operation, f"{operation}, authentik_flows.export_flow"))
    stage = client.post(f"{API}/stages/dummy/", {"name": "pause"}).json()["pk"]
    client.post(f"{API}/flows/bindings/", {"target": flow.json()["pk"], "stage": stage, "order": 0})
    views = [f"authentik_flows.view_{name}" for name in ("flow", "stage", "flowstagebinding")]
    few = client.store.tokens.add("few", permissions=views)
    all_ = client.store.tokens.add("all", permissions=[*views, "authentik_flows.export_flow"])

    def seen(token):
        uses = client.get(f"{API}/flows/instances/a/used_by/", token=token).json()
        diagram = client.get(f"{API}/flows/instances/a/diagram/", token=token).json()["diagram"]
        return [use["model_name"] for use in uses], "pause" in diagram

    assert seen(few) == (["stage"], False)
    assert seen(all_) == (["flowstagebinding", "stage"], True)


def with_hints(served, *replacements):
    """A client of an application with a further collection, which is like that of prompts."""
    text = (Settings().contract.parent / "stages/prompt_prompts.yaml").read_text("utf-8")
    for old, new in (
        ("/stages/prompt/prompts/", "/hints/"),
        ("stages_prompt_prompts", "hints"),
        ("authentik_stages_prompt\n", "authentik_hints\n"),
        ("model: prompt\n", "model: hint\n"),
        ("collection: prompts", "collection: hints"),
        ("Prompt", "Hint"),
        *replacements,
    ):
        assert old in text
        text = text.replace(old, new)
    entry = "  hints: {model: authentik_hints.hint, title: 'Hint {field_key}', related: promptstage_set}\n"
    return served(
        (FLOWS, "\npaths:\n", f"{entry}\npaths:\n"),
        (FLOWS, "    - stages/prompt_prompts.yaml\n", "    - stages/prompt_prompts.yaml\n    - stages/hints.yaml\n"),
        ("kind.yaml", "  prompts:\n    one: prompt\n", "  prompts: &like_prompts\n    one: prompt\n"),
        ("kind.yaml", "  invitations:\n", "  hints: *like_prompts\n  invitations:\n"),
        files=[("stages/hints.yaml", text)],
    )


def test_a_collection_is_added_by_the_contract_alone(served):
    client = with_hints(served)
    made = client.post(f"{API}/hints/", {"name": "a", "field_key": "k", "label": "L", "type": "text"})
    assert made.status == 201, made.json()
    pk = made.json()["pk"]
    assert client.patch(f"{API}/hints/{pk}/", {"label": "M"}).json()["label"] == "M"
    assert [hint["pk"] for hint in client.get(f"{API}/hints/").json()["results"]] == [pk]
    assert client.get(f"{API}/hints/{pk}/used_by/").json() == []
    assert count(client, "/stages/prompt/prompts/") == 0
    assert client.delete(f"{API}/hints/{pk}/").status == 204


def test_a_reference_from_an_object_to_a_binding_stops_the_boot(served):
    with pytest.raises(ContractError, match=r"hints\.yaml:.* can't keep references from hints to stage_bindings"):
        with_hints(
            served,
            (
                "x-create-default: ''",
                "x-create-default: ''\n    x-references: {to: stage_bindings, on_delete: set_null}",
            ),
        )
