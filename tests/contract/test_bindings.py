"""The bindings of stages and policies, beyond what the recorded cases show, on each engine."""

import pytest

from tests.kinds import Kind, check_filters, check_orders, pks

FLOW, STAGE, POLICY = (
    "authentik_flows.flow",
    "authentik_stages_dummy.dummystage",
    "authentik_policies_dummy.dummypolicy",
)
STAGE_BINDING, POLICY_BINDING = "authentik_flows.flowstagebinding", "authentik_policies.policybinding"
NOT_UNIQUE = {
    STAGE_BINDING: "The fields target, stage, order must make a unique set.",
    POLICY_BINDING: "The fields policy, target, order must make a unique set.",
}
NEVER = "Either evaluation on plan or evaluation on run must be enabled"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(params=[STAGE_BINDING, POLICY_BINDING])
def kind(request, examples):
    return Kind(examples, request.param)


@pytest.fixture
def stages(examples):
    """The bindings of stages."""
    return Kind(examples, STAGE_BINDING)


@pytest.fixture
def policies(examples):
    """The bindings of policies."""
    return Kind(examples, POLICY_BINDING)


@pytest.fixture
def read(examples):
    """Reads an object anew. :param scope: its model, or its collection"""
    return lambda scope, found: examples.client.get(examples.path_of(scope, found)).json()


def several(kind, many=5):
    """Bindings that differ in each member, with what they can be filtered and sorted by."""
    examples = kind.examples
    targets = [examples.another(FLOW) for _ in range(2)]
    if kind.model.name == POLICY_BINDING:
        targets.append(Kind(examples, STAGE_BINDING).create(order=7))
    values = {
        "target": pks(targets),
        "stage": pks(examples.another(model) for model in (STAGE, "authentik_stages_deny.denystage", STAGE)),
        "policy": pks(examples.another(POLICY) for _ in range(3)),
        "evaluate_on_plan": [True],
    }
    values = {
        name: values.get(name) or kind.values(name) for name in kind.model.properties if name not in ("group", "user")
    }
    for number in range(many):
        kind.create(**{name: choices[number % len(choices)] for name, choices in values.items()})
    if kind.model.name == STAGE_BINDING:
        kind.create(order=100)
        policy = examples.one(POLICY)["pk"]
        target = kind.all()[0]["pk"]
        Kind(examples, POLICY_BINDING).create(policy=policy, target=target)
        return [
            each | {"policies": [policy] if each["pk"] == target else [], "stage__name": each["stage_obj"]["name"]}
            for each in kind.all()
        ]
    identities = {target["pk"]: target["policybindingmodel_ptr_id"] for target in targets}
    found = [each | {"policy__isnull": False, "target": identities[each["target"]]} for each in kind.all()]
    return [each | {"target_in": each["target"]} for each in found]


def test_all_operations(kind):
    created = kind.create(order=3)
    assert list(created) == list(kind.model.in_responses)
    assert {**kind.model.defaults, **kind.body(order=3)}.items() <= created.items()
    for property_name in kind.model.properties:
        for value in kind.values(property_name):
            # Whoever changes one of these has to send the other too.
            body = {"evaluate_on_plan": True, "policy": created.get("policy"), property_name: value}
            changed = kind.send("partial_update", created["pk"], body)
            assert (changed.status, changed.json()[property_name]) == (200, value), (property_name, value)
            assert kind.send("retrieve", created["pk"]).json() == changed.json()
            assert kind.all() == [changed.json()]
            least = kind.body(order=3)
            kept = kind.send("update", created["pk"], least)
            assert (kept.status, kept.json()[property_name]) == (200, least.get(property_name, value))
    assert kind.send("destroy", created["pk"]).status == 204
    assert {kind.send(verb, created["pk"], kind.body()).status for verb in ("retrieve", "update", "destroy")} == {404}


def test_no_two_bindings_are_the_same(kind):
    first, second = kind.create(order=0), kind.create(order=1)
    for verb, pk in (("create", None), ("update", second["pk"]), ("partial_update", second["pk"])):
        response = kind.send(verb, pk, kind.body(order=0))
        assert (response.status, response.json()) == (400, {"non_field_errors": [NOT_UNIQUE[kind.model.name]]})
    first, second = before = kind.all()
    assert kind.send("update", first["pk"], kind.body(order=0)).json() == first
    assert kind.all() == before


def test_references_that_lead_nowhere(kind):
    created = kind.examples.one(kind.model.name)
    for property_name, reference in kind.model.references.items():
        others = [
            model for model in kind.examples.models.values() if not {model.name, model.collection} & {*reference.to}
        ]
        wrong = [NOBODY, *(kind.examples.one(model.name)["pk"] for model in others)]
        if property_name == "user":
            wrong = [1]
        for value in wrong:
            body = (
                kind.body(order=3)
                | ({"policy": None} if property_name in ("group", "user") else {})
                | {property_name: value}
            )
            for verb, pk in (("create", None), ("update", created["pk"]), ("partial_update", created["pk"])):
                response = kind.send(verb, pk, body)
                assert (response.status, response.json()) == (
                    400,
                    {property_name: [f'Invalid pk "{value}" - object does not exist.']},
                )
    assert created in kind.all()


def test_a_number_of_more_than_64_bits_is_told_of_as_authentik_reads_it(client):
    body = f'{{"order": 0, "target": "{NOBODY}", "user": -2080587984482397343593558754459648}}'.encode()
    response = client("POST", "/api/v3/policies/bindings/", body=body, headers={"content-type": "application/json"})
    assert response.json()["user"] == ['Invalid pk "-2.0805879844823973e+33" - object does not exist.']


def test_wrong_members_are_told_of_at_once(stages, policies):
    response = stages.send("create", body={"target": "x", "stage": "", "order": True, "policy_engine_mode": "most"})
    assert (response.status, response.json()) == (
        400,
        {
            "target": ["“x” is not a valid UUID."],
            "stage": ["This field may not be null."],
            "policy_engine_mode": ['"most" is not a valid choice.'],
            "order": ["A valid integer is required."],
        },
    )
    assert policies.send("create", body={"order": 2**31, "policy": 7, "timeout": -1, "negate": None}).json() == {
        "policy": ['Invalid pk "7" - object does not exist.'],
        "target": ["This field is required."],
        "negate": ["This field may not be null."],
        "order": ["Ensure this value is less than or equal to 2147483647."],
        "timeout": ["Ensure this value is greater than or equal to 0."],
    }


def test_orders_that_could_be_taken_for_absent(kind):
    for order in (0, -1, 2**31 - 1, -(2**31)):
        created = kind.create(order=order)
        assert (created["order"], kind.all(order=order)) == (order, [created])
    assert [each["order"] for each in kind.all(ordering="order")] == [-(2**31), -1, 0, 2**31 - 1]


def test_filters(kind):
    check_filters(kind, several(kind))


def test_orders(kind):
    check_orders(kind, several(kind, 9))


def test_filters_that_name_nothing(stages, policies):
    flow, stage, policy = (stages.examples.one(scope)["pk"] for scope in ("flows", "stages", "policies"))
    choice = "Select a valid choice. That choice is not one of the available choices."
    for name, wrong in (("target", stage), ("stage", flow), ("target", NOBODY)):
        response = stages.send("list", **{name: wrong})
        assert (response.status, response.json()) == (400, {name: [choice]})
    several = stages.send("list", policies=[policy, flow])
    assert several.json() == {"policies": [f"Select a valid choice. {flow} is not one of the available choices."]}
    # What policies are bound to is named by the identity that it has for policies.
    for name, wrong in (("target", flow), ("policy", stage)):
        assert policies.send("list", **{name: wrong}).json() == {name: [choice]}
    assert stages.send("list", order="abc").json() == {"order": ["Enter a number."]}


def test_search_looks_at_the_name_of_what_is_bound(kind):
    property_name = "stage" if kind.model.name == STAGE_BINDING else "policy"
    model = STAGE if property_name == "stage" else POLICY
    named = {name: kind.examples.another(model, name=name)["pk"] for name in ("Welcome friend", "farewell")}
    bound = {name: kind.create(**{property_name: pk}) for name, pk in named.items()}
    assert kind.all(search="FRIEND, wel") == [bound["Welcome friend"]]
    assert sorted(pks(kind.all(search="wel"))) == sorted(pks(bound.values()))
    assert kind.all(search="friend farewell") == []


def test_the_stage_is_answered_as_it_is(stages, read):
    deny, dummy = stages.examples.another("authentik_stages_deny.denystage"), stages.examples.another(STAGE)
    created = stages.create(stage=deny["pk"])
    (flow,) = created["stage_obj"]["flow_set"]
    assert created["stage_obj"]["component"] == "ak-stage-deny-form"
    whole = read(FLOW, stages.examples.one(FLOW))
    assert flow == {
        name: whole[name] for name in whole if name not in ("stages", "policies", "cache_count", "authentication")
    }
    changed = stages.send("partial_update", created["pk"], {"stage": dummy["pk"]}).json()
    assert changed["stage_obj"] == {name: value for name, value in read(STAGE, dummy).items() if name != "throw_error"}
    assert read("authentik_stages_deny.denystage", deny)["flow_set"] == []


def test_a_stage_may_be_bound_to_a_flow_twice(stages, read):
    first, second = stages.create(order=5), stages.create(order=-5)
    other = stages.create(order=0, stage=stages.examples.another(STAGE)["pk"])
    flow = stages.examples.one(FLOW)
    assert read(FLOW, flow)["stages"] == [second["stage"], other["stage"], first["stage"]]
    assert pks(read("stages", stages.examples.one("stages"))["flow_set"]) == [flow["pk"]] * 2
    assert stages.send("destroy", first["pk"]).status == 204
    assert read(FLOW, flow)["stages"] == [second["stage"], other["stage"]]


def test_policies_are_evaluated_some_time(stages):
    created = stages.create()
    for body in ({}, {"evaluate_on_plan": False}):
        for verb, pk in (("create", None), ("update", created["pk"]), ("partial_update", created["pk"])):
            response = stages.send(verb, pk, stages.body(order=1) | body | {"re_evaluate_policies": False})
            assert (response.status, response.json()) == (400, {"non_field_errors": [NEVER]})
    both = {"re_evaluate_policies": False, "evaluate_on_plan": True}
    assert stages.send("partial_update", created["pk"], both).json() == created | both


def test_a_policy_is_bound_by_either_identity(policies, read):
    flow, binding = policies.examples.one(FLOW), Kind(policies.examples, STAGE_BINDING).create()
    for target in (flow, binding):
        for order, identity in enumerate((target["pk"], target["policybindingmodel_ptr_id"])):
            assert policies.create(target=identity, order=order)["target"] == target["pk"]
    assert read(FLOW, flow)["policies"] == [policies.examples.one("policies")["pk"]] * 2
    assert read("policies", policies.examples.one("policies"))["bound_to"] == 4


def test_a_policy_binding_binds_one_thing(policies):
    created = policies.create()
    for verb, pk in (("create", None), ("update", created["pk"]), ("partial_update", created["pk"])):
        for null in (None, ""):
            none = policies.send(verb, pk, policies.body(policy=null, order=1))
            assert (none.status, none.json()) == (
                400,
                {"non_field_errors": ["One of 'policy', 'group' or 'user' must be set."]},
            )
    assert policies.send("partial_update", created["pk"], {"order": 2}).status == 400


def test_a_blank_group_or_user_is_none_and_a_blank_target_is_missing(stages, policies):
    nobody = {"group": "", "user": ""}
    created = policies.create(**nobody)
    for verb in ("update", "partial_update"):
        response = policies.send(verb, created["pk"], policies.body(order=created["order"]) | nobody)
        assert (response.status, response.json()) == (200, created)
    assert (created["group"], created["user"]) == (None, None)
    for kind, property_name in ((policies, "target"), (stages, "target"), (stages, "stage")):
        rejected = kind.send("create", body=kind.body(**{property_name: ""}))
        assert (rejected.status, rejected.json()) == (400, {property_name: ["This field may not be null."]})


def test_disabled_policies_are_listed_too(policies, read):
    first = policies.create(order=1, enabled=False)
    second = policies.create(order=0, policy=policies.examples.another(POLICY)["pk"], negate=True)
    assert read(FLOW, policies.examples.one(FLOW))["policies"] == [second["policy"], first["policy"]]


@pytest.mark.parametrize("gone", ["flows", "stages", "policies", "stage_bindings", "policy_bindings"])
def test_bindings_go_with_what_they_bind(stages, policies, read, gone):
    made = {
        "flows": stages.examples.one("flows"),
        "stages": stages.examples.one("stages"),
        "policies": policies.examples.one("policies"),
        "stage_bindings": stages.create(),
    }
    made["policy_bindings"] = policies.create(target=made["stage_bindings"]["pk"])
    needs = {
        "stage_bindings": {"flows", "stages"},
        "policy_bindings": {"flows", "stages", "policies", "stage_bindings"},
    }
    client, path_of = stages.client, stages.examples.path_of
    assert client.delete(path_of(gone, made[gone])).status == 204
    for scope, found in made.items():
        missing = scope == gone or gone in needs.get(scope, ())
        assert client.get(path_of(scope, found)).status == (404 if missing else 200), scope
    if gone != "flows":
        left = [] if gone in ("stages", "stage_bindings") else [made["stages"]["pk"]]
        assert read("flows", made["flows"])["stages"] == left
    if gone != "policies":
        assert read("policies", made["policies"])["bound_to"] == 0


def test_policies_of_all_kinds(policies, examples):
    kinds = [model.name for model in examples.models.values() if model.collection == "policies"]
    bound, used, *free = (examples.another(model) for model in kinds)
    policies.create(policy=bound["pk"])
    examples.another("authentik_stages_prompt.promptstage", validation_policies=[used["pk"]])
    every = "/api/v3/policies/all/"

    def found(**query):
        response = examples.client.get(every, query="&".join(f"{name}={value}" for name, value in query.items()))
        return sorted(pks(response.json()["results"]))

    default = examples.one("policies")
    assert found() == sorted(pks([bound, used, *free, default]))
    assert found(bindings__isnull="false") == [bound["pk"]]
    assert found(promptstage__isnull="false") == [used["pk"]]
    assert found(bindings__isnull="true", promptstage__isnull="true") == sorted(pks([*free, default]))
    whole = examples.client.get(f"{every}{bound['pk']}/").json()
    assert whole == bound | {"bound_to": 1}
    assert examples.client.get(examples.path_of(kinds[1], used)).json()["bound_to"] == 1
    types = examples.client.get(f"{every}types/").json()
    assert [kind["name"] for kind in types] == sorted(examples.models[kind].verbose_name for kind in kinds)
    assert examples.client.delete(f"{every}{bound['pk']}/").status == 204
    assert policies.all() == []
