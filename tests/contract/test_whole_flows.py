"""What shows of a flow with all that is bound to it: what uses what, the diagram, the plan. On each engine."""

import pytest

from tests.asgi import FLOWS

FLOW, STAGE_BINDING, POLICY_BINDING = (
    "authentik_flows.flow",
    "authentik_flows.flowstagebinding",
    "authentik_policies.policybinding",
)
DUMMY, DENY = "authentik_stages_dummy.dummystage", "authentik_stages_deny.denystage"
RESULT, EXPRESSION, PASSWORD = (
    "authentik_policies_dummy.dummypolicy",
    "authentik_policies_expression.expressionpolicy",
    "authentik_policies_password.passwordpolicy",
)
GUARDED = "authentik_policies.policybindingmodel"
PROMPT_STAGE, PROMPT = "authentik_stages_prompt.promptstage", "authentik_stages_prompt.prompt"


class Whole:
    """A flow, and what is bound to it.

    :param examples: makes the objects
    """

    def __init__(self, examples, **properties):
        self.examples = examples
        self.flow = examples.another(FLOW, **{"slug": "welcome", **properties})

    def stage(self, order, name="pause", model=DUMMY, **properties):
        """Bind a new stage. :returns: the binding"""
        stage = self.examples.another(model, name=name)
        return self.examples.another(
            STAGE_BINDING, target=self.flow["pk"], stage=stage["pk"], order=order, **properties
        )

    def policy(self, target, order=0, model=RESULT, bound=None, **properties):
        """Bind a new policy to the flow or to the binding of a stage. :returns: the policy"""
        policy = self.examples.another(model, **properties)
        self.examples.another(POLICY_BINDING, target=target["pk"], policy=policy["pk"], order=order, **bound or {})
        return policy

    def get(self, action, permissions=None):
        """Ask something of the flow, with some permissions beside the one to see flows, or with all."""
        token = None
        if permissions is not None:
            store = self.examples.client.store
            token = store.tokens.add(",".join(permissions), permissions=["authentik_flows.view_flow", *permissions])
        return self.examples.client.get(f"{FLOWS}{self.flow['slug']}/{action}/", token=token)


@pytest.fixture
def whole(examples):
    return Whole(examples)


def uses(*found):
    """What is connected, as it is answered."""
    return [
        dict(zip(("app", "model_name", "pk", "name", "action"), (*model.split("."), pk, name, action), strict=True))
        for model, pk, name, action in found
    ]


def test_what_is_connected_with_what(whole, examples):
    first, second = whole.stage(20, "first"), whole.stage(-10, "second")
    on_flow, on_stage = whole.policy(whole.flow, name="on the flow"), whole.policy(first, name="on a stage")
    login = examples.another("authentik_stages_identification.identificationstage", recovery_flow=whole.flow["pk"])
    flow = whole.flow["pk"]
    bound = {
        binding["pk"]: (STAGE_BINDING, binding["pk"], f"Flow-stage binding #{binding['order']} to {flow}", "cascade")
        for binding in (first, second)
    }
    assert whole.get("used_by").json() == uses(
        bound[second["pk"]],
        bound[first["pk"]],
        ("authentik_stages_identification.identificationstage", login["pk"], f"Stage {login['name']}", "set_default"),
        ("authentik_policies.policy", on_flow["pk"], "on the flow", "cascade_many"),
        ("authentik_flows.stage", second["stage"], "Stage second", "cascade_many"),
        ("authentik_flows.stage", first["stage"], "Stage first", "cascade_many"),
    )

    def used_by(model, found):
        return examples.client.get(examples.path_of(model, found) + "used_by/").json()

    assert used_by(STAGE_BINDING, first) == uses(
        ("authentik_policies.policy", on_stage["pk"], "on a stage", "cascade_many")
    )
    assert used_by(DUMMY, first["stage_obj"]) == uses(
        (FLOW, flow, "Flow Welcome (welcome)", "cascade_many"), bound[first["pk"]]
    )
    for policy, target in ((on_flow, whole.flow), (on_stage, first)):
        identity = target["policybindingmodel_ptr_id"]
        assert used_by(RESULT, policy) == uses((GUARDED, identity, f"PolicyBindingModel {identity}", "cascade_many"))


def test_what_is_connected_with_prompts(examples):
    policy, prompt = examples.another(RESULT, name="check"), examples.another(PROMPT, field_key="mail")
    stage = examples.another(PROMPT_STAGE, name="ask", fields=[prompt["pk"]], validation_policies=[policy["pk"]])
    asking = (PROMPT_STAGE, stage["pk"], "Stage ask", "cascade_many")
    told = {
        PROMPT: (prompt, [asking]),
        RESULT: (policy, [asking]),
        PROMPT_STAGE: (
            stage,
            [
                (PROMPT, prompt["pk"], "Prompt field 'mail' type text", "cascade_many"),
                ("authentik_policies.policy", policy["pk"], "check", "cascade_many"),
            ],
        ),
    }
    for model, (found, connected) in told.items():
        assert examples.client.get(examples.path_of(model, found) + "used_by/").json() == uses(*connected)
    (shown,) = examples.client.get(examples.path_of(PROMPT, prompt)).json()["promptstage_set"]
    assert shown == {name: value for name, value in stage.items() if name not in ("fields", "validation_policies")}


def test_connections_are_told_to_those_who_may_see_them_only(whole, examples, contract):
    whole.policy(whole.stage(0))
    whole.policy(whole.flow)
    prompts = examples.another(PROMPT_STAGE, validation_policies=[examples.one(RESULT)["pk"]])
    examples.another("authentik_stages_password.passwordstage", configure_flow=whole.flow["pk"])
    tokens = examples.client.store.tokens
    seen = set()
    for name, operation in examples.operations.items():
        if not name.endswith("_used_by_list") or not operation.parameters or operation.success == 404:
            continue
        known = {PROMPT_STAGE: prompts, FLOW: whole.flow}
        model = examples.model_of(operation)
        url = operation.path_to(known.get(model) or examples.one(model))
        everything = examples.client.get(url).json()
        for kind in {(use["app"], use["model_name"]) for use in everything}:
            permission = "{}.view_{}".format(*kind)
            assert permission in contract.document["x-permissions"]
            others = {*contract.document["x-permissions"]} - {permission}
            if {*operation.spec["x-required-permissions"]} <= others:
                token = tokens.add(f"{name} {permission}", permissions=others)
                left = [use for use in everything if (use["app"], use["model_name"]) != kind]
                assert examples.client.get(url, token=token).json() == left
                seen.add(permission)
    assert len(seen) >= 6


DRAWN = """graph TD
flow_auth_requirement["Flow authentication requirement
require_authenticated"]
flow_auth_requirement --Requirement not fulfilled--> done[["End of the flow"]]
flow_auth_requirement --Requirement fulfilled--> flow_start["placeholder"]
flow_pre[["Pre-flow policies"]]
flow_pre --Binding 5--> flow_policy_0{{"Policy (Expression Policy)
#quot;may#quot; enter"}}
flow_pre --Binding 7--> flow_policy_1{{"Policy (Dummy Policy)
enter"}}
flow_policy_0 --Policy denied--> done[["End of the flow"]]
flow_policy_1 --Policy denied--> done[["End of the flow"]]
flow_policy_0 --> flow_start[["Flow
The #quot;flow#quot;"]]
flow_policy_1 --> flow_start[["Flow
The #quot;flow#quot;"]]
stage_0_policy_0 --Policy passed--> stage_0(["Stage (Dummy Stage)
the #quot;first#quot;"])
stage_0_policy_1 --Policy passed--> stage_0(["Stage (Dummy Stage)
the #quot;first#quot;"])
--> stage_1(["Stage (Deny Stage)
free"])
stage_2_policy_0 --Policy passed--> stage_2(["Stage (Dummy Stage)
last"])
flow_start --> stage_0_policy_0{{"Policy (Dummy Policy)
a"}}
flow_start --> stage_0_policy_1{{"Policy (Password Policy)
b"}}
stage_0_policy_0 --Policy denied--> stage_1(["Stage (Deny Stage)
free"])
stage_0_policy_1 --Policy denied--> stage_1(["Stage (Deny Stage)
free"])
stage_1 --> stage_2_policy_0{{"Policy (Dummy Policy)
c"}}
stage_2 --> done[["End of the flow"]]"""


def test_the_diagram(examples):
    whole = Whole(examples, name='The "flow"', authentication="require_authenticated")
    whole.policy(whole.flow, 7, name="enter", bound={"enabled": False})
    whole.policy(whole.flow, 5, EXPRESSION, name='"may" enter')
    last, first = whole.stage(2, "last"), whole.stage(-1, 'the "first"')
    whole.stage(0, "free", DENY)
    whole.policy(first, 1, PASSWORD, name="b")
    whole.policy(first, 0, name="a")
    whole.policy(last, 0, name="c")
    assert whole.get("diagram").json() == {"diagram": DRAWN}


def test_the_diagram_hides_what_may_not_be_seen(whole):
    guarded = whole.stage(0, "guarded")
    whole.policy(guarded, name="a")
    whole.policy(whole.flow, name="b")
    entrance = """graph TD
flow_pre[["Pre-flow policies"]]
flow_pre --Binding 0--> flow_policy_0{{"Policy (Dummy Policy)
b"}}
flow_policy_0 --Policy denied--> done[["End of the flow"]]
flow_policy_0 --> flow_start[["Flow
Welcome"]]
"""
    plain = 'graph TD\nflow_start[["Flow\nWelcome"]]\n'
    stages = '--> stage_0(["Stage (Dummy Stage)\nguarded"])\nstage_0 --> done[["End of the flow"]]'
    nothing = 'flow_start --> done[["End of the flow"]]'
    see_stages, see_policies = "authentik_flows.view_flowstagebinding", "authentik_policies.view_policybinding"
    assert whole.get("diagram", []).json() == {"diagram": plain + nothing}
    assert whole.get("diagram", [see_stages]).json() == {"diagram": plain + stages}
    assert whole.get("diagram", [see_policies]).json() == {"diagram": entrance + nothing}
    assert whole.get("diagram", [see_stages, see_policies]).json() == whole.get("diagram").json()


PASSES, DENIES = {"result": True}, {"result": False}
TRUE, FALSE = ({"model": EXPRESSION, "expression": f"return {value}"} for value in (True, False))
NEGATED, DISABLED = {"negate": True}, {"enabled": False}
NO_STAGE = "Flow not applicable to current user/request: The flow has no stage for the current user."


@pytest.mark.parametrize(
    ("mode", "policies", "passes"),
    [
        ("any", [], True),
        ("all", [], True),
        ("any", [(PASSES, {})], True),
        ("any", [(DENIES, {})], False),
        ("any", [(DENIES, {}), (PASSES, {})], True),
        ("all", [(DENIES, {}), (PASSES, {})], False),
        ("all", [(PASSES, {}), (PASSES, {})], True),
        ("any", [(DENIES, {}), (DENIES, {})], False),
        ("all", [(DENIES, NEGATED), (PASSES, {})], True),
        ("any", [(PASSES, NEGATED)], False),
        ("any", [(DENIES, DISABLED)], True),
        ("all", [(DENIES, DISABLED), (PASSES, {})], True),
        ("any", [(DENIES, {}), (PASSES, DISABLED)], False),
        ("any", [(TRUE, {})], True),
        ("all", [(TRUE, NEGATED), (PASSES, {})], False),
        ("any", [(FALSE, {}), (DENIES, {})], False),
        # No password is entered before a flow begins.
        ("any", [({"model": PASSWORD}, {})], False),
    ],
)
@pytest.mark.parametrize("on", ["the flow", "a stage"])
def test_policies_decide(examples, on, mode, policies, passes):
    whole = Whole(examples, policy_engine_mode=mode if on == "the flow" else "any")
    stage = whole.stage(0, evaluate_on_plan=True, policy_engine_mode=mode if on == "a stage" else "any")
    for order, (properties, bound) in enumerate(policies):
        whole.policy(whole.flow if on == "the flow" else stage, order, bound=bound, **properties)
    response = whole.get("execute")
    assert response.status == (200 if passes else 400), response.body
    if passes:
        assert response.json() == {"link": "http://127.0.0.1:80/if/flow/welcome/"}
    elif on == "a stage":
        assert response.json() == {"detail": NO_STAGE}
    else:
        assert response.json()["detail"].startswith("Flow not applicable to current user/request: ")


def test_a_stage_that_is_decided_on_later_is_planned(whole):
    whole.policy(whole.stage(0, evaluate_on_plan=False), **DENIES)
    assert whole.get("execute").status == 200


def test_a_flow_without_stages_can_not_be_entered(whole):
    response = whole.get("execute")
    assert (response.status, response.json()) == (400, {"detail": NO_STAGE})


def test_one_stage_that_is_left_is_enough(whole):
    whole.policy(whole.stage(0, "denied", evaluate_on_plan=True), **DENIES)
    assert whole.get("execute").status == 400
    whole.stage(1, "free")
    assert whole.get("execute").status == 200
    assert whole.get("execute", []).status == 200
