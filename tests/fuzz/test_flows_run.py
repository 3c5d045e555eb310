"""Random flows of random stages, bindings and policies, run by several clients, and a small model of the rules.

`make test` runs the same few flows each time; `make fuzz-flows` goes on with other ones for minutes.
"""

import itertools
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.executor import API, Browser, flow_of

DONE = {"component": "xak-flow-redirect", "to": "/"}
# Flows between two looks at the clock.
FEW = 40
RETRY, RESTART = "retry", "restart"
DUMMY, PROMPT, DENY = "dummy", "prompt", "deny"


@dataclass
class Bound:
    """A stage of a flow.

    :param kind: its kind
    :param on_plan: whether its policies decide when the flow is planned
    :param again: whether they decide again before it
    :param invalid: what a wrong response does
    :param policies: the results of its policies, by their keys
    :param needs_all: whether all policies have to pass
    """

    kind: str
    on_plan: bool
    again: bool
    invalid: str
    needs_all: bool
    policies: dict[str, bool] = field(default_factory=dict)

    @property
    def passes(self):
        results = list(self.policies.values())
        return not results or (all if self.needs_all else any)(results)


class Flows(RuleBasedStateMachine):
    """A server, and what the rules say of its flow."""

    client = None
    numbers = itertools.count()
    begun = 0

    @initialize(
        kinds=st.lists(st.sampled_from([PROMPT, DUMMY, PROMPT, DUMMY, DENY]), max_size=4),
        data=st.data(),
    )
    def make(self, kinds, data):
        type(self).begun += 1
        self.slug = f"random-{next(self.numbers)}"
        self.denied = {}
        self.browsers, self.plans = [Browser(self.client), Browser(self.client)], [None, None]
        self.stages = []
        made = flow_of(self.client, self.slug, *(self._stage(kind) for kind in kinds))
        self.flow = self.client.get(f"{API}/flows/instances/{self.slug}/").json()["policybindingmodel_ptr_id"]
        for kind, (_, binding) in zip(kinds, made, strict=True):
            on_plan, again = data.draw(st.sampled_from([(True, False), (False, True), (True, True)]))
            invalid, needs_all = data.draw(st.sampled_from([RETRY, RESTART])), data.draw(st.booleans())
            changes = {
                "evaluate_on_plan": on_plan,
                "re_evaluate_policies": again,
                # A stage that denies and begins anew has no end.
                "invalid_response_action": RETRY if kind == DENY else invalid,
                "policy_engine_mode": "all" if needs_all else "any",
            }
            found = self.client.patch(f"{API}/flows/bindings/{binding}/", changes)
            assert found.status == 200, found.body
            bound = Bound(kind, on_plan, again, changes["invalid_response_action"], needs_all)
            for result in data.draw(st.lists(st.booleans(), max_size=2)):
                bound.policies[self._bind(found.json()["policybindingmodel_ptr_id"], len(bound.policies), result)] = (
                    result
                )
            self.stages.append(bound)

    def _stage(self, kind):
        if kind != PROMPT:
            return kind, {}
        name = f"prompt-{next(self.numbers)}"
        body = {"name": name, "field_key": "answer", "label": "x", "type": "number", "required": True, "order": 0}
        prompt = self.client.post(f"{API}/stages/prompt/prompts/", body)
        assert prompt.status == 201, prompt.body
        return "prompt/stages", {"fields": [prompt.json()["pk"]]}

    def _bind(self, target, order, result):
        body = {"name": f"policy-{next(self.numbers)}", "result": result, "wait_min": 0, "wait_max": 1}
        policy = self.client.post(f"{API}/policies/dummy/", body).json()["pk"]
        bound = self.client.post(f"{API}/policies/bindings/", {"target": target, "policy": policy, "order": order})
        assert bound.status == 201, bound.body
        return policy

    def _begun(self):
        """The stages of a new plan; None if the flow is denied."""
        if self.denied and not any(self.denied.values()):
            return None
        return [stage for stage in self.stages if not stage.on_plan or stage.passes]

    def _reached(self, who):
        """The stage that a request of a client reaches: `denied`, `done`, or the stage."""
        if self.plans[who] is None:
            begun = self._begun()
            if begun is None:
                return "denied"
            self.plans[who] = begun
        plan = self.plans[who]
        while plan and plan[0].again and not plan[0].passes:
            plan.pop(0)
        if not plan:
            self.plans[who] = None
            return "done"
        return plan[0]

    def _check(self, who, answer):
        """The response to a request for the next challenge."""
        reached = self._reached(who)
        assert answer.status == 200
        found = answer.json()
        if reached == "done":
            assert found == DONE
        elif reached == "denied" or reached.kind == DENY:
            assert found["component"] == "ak-stage-access-denied"
            self.plans[who] = None
        else:
            assert found["component"] == f"ak-stage-{reached.kind}"
            assert "response_errors" not in found

    @rule(who=st.sampled_from([0, 1]))
    def ask(self, who):
        self._check(who, self.browsers[who].get(self.slug))

    @rule(who=st.sampled_from([0, 1]), right=st.booleans())
    def respond(self, who, right):
        browser = self.browsers[who]
        before = self._reached(who)
        answer = browser.post(self.slug, **({"answer": 7} if right else {"answer": "x"}))
        if isinstance(before, str) or before.kind == DENY:
            assert answer.json()["component"] == (DONE["component"] if before == "done" else "ak-stage-access-denied")
            self.plans[who] = None
        elif before.kind == PROMPT and not right:
            self._wrong(who, before, answer)
        else:
            self.plans[who].pop(0)
            if self.plans[who]:
                assert answer.status == 302
            else:
                assert answer.json() == DONE
                self.plans[who] = None

    def _wrong(self, who, stage, answer):
        if stage.invalid == RETRY:
            assert answer.json()["response_errors"]["answer"][0]["code"] == "invalid"
            return
        self.plans[who] = self._begun()
        if self.plans[who] is None:
            assert answer.json()["component"] == "ak-stage-access-denied"
        else:
            assert answer.status == 302

    @rule(who=st.sampled_from([0, 1]))
    def cancel(self, who):
        self.browsers[who].send("GET", "/flows/-/cancel/")
        self.plans[who] = None

    @precondition(lambda self: any(stage.policies for stage in self.stages))
    @rule(data=st.data(), result=st.booleans())
    def change_policy_of_stage(self, data, result):
        stage = data.draw(st.sampled_from([stage for stage in self.stages if stage.policies]))
        policy = data.draw(st.sampled_from(sorted(stage.policies)))
        assert self.client.patch(f"{API}/policies/dummy/{policy}/", {"result": result}).status == 200
        stage.policies[policy] = result

    @rule(result=st.booleans())
    def bind_policy_to_flow(self, result):
        if len(self.denied) < 3:
            self.denied[self._bind(self.flow, len(self.denied), result)] = result

    @invariant()
    def no_server_error_has_happened(self):
        assert self.client.get(f"{API}/flows/instances/{self.slug}/").status == 200


@pytest.fixture
def machine(client):
    """The state machine on an empty store."""
    return type("Machine", (Flows,), {"client": client})


def test_random_flows_run_as_the_rules_say(machine, request):
    minutes = request.config.getoption("--minutes")
    chosen = settings(
        max_examples=FEW,
        stateful_step_count=25,
        deadline=None,
        database=None,
        derandomize=not minutes,
        suppress_health_check=list(HealthCheck),
    )
    end = time.monotonic() + 60 * minutes
    run_state_machine_as_test(machine, settings=chosen)
    while time.monotonic() < end:
        run_state_machine_as_test(machine, settings=chosen)
    print(f"{machine.begun} flows run as the rules say.")
