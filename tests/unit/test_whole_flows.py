"""Stages, policies, prompts and what binds them to flows, on each engine, without HTTP."""

import random
import sqlite3
import threading

import pytest

from app import errors
from app.contract.compile.models import collections
from app.domain import Model, Reference, SortKey
from app.store import Store
from app.store.queries.listing import PageRequest
from tests.contract_files import shipped

from .test_store import SEARCHED, properties

BY_NAME = (SortKey("name", descending=False),)
BINDING = {
    "evaluate_on_plan": False,
    "re_evaluate_policies": True,
    "policy_engine_mode": "any",
    "invalid_response_action": "retry",
}
GUARD = {"negate": False, "enabled": True, "timeout": 30, "failure_result": False}


def model(name, collection, references=None, **types):
    return Model(
        name=name,
        collection=collection,
        component="",
        verbose_name=name,
        verbose_name_plural=name,
        description="",
        in_responses=(),
        properties={"name": "string", **types},
        references=references or {},
        defaults={},
        read_new=dict,
        read_change=dict,
        messages_of=dict,
    )


FLOW = {"flow": Reference(("flows",), "set_null", many=False)}
LISTS = {
    "fields": Reference(("prompts",), "cascade_many", many=True),
    "checks": Reference(("a.policy", "policies"), "cascade_many", many=True),
}
COLLECTIONS = collections(shipped())
MODELS = {
    known.name: known
    for known in (
        model("s.pause", "stages", seconds="integer", loud="boolean"),
        model("s.ask", "stages", references=LISTS, fields="array", checks="array"),
        model("s.lead", "stages", references=FLOW, flow="string"),
        model("p.dummy", "policies", result="boolean"),
        model("p.prompt", "prompts", label="string"),
        model(
            "f.binding",
            "stage_bindings",
            references={
                "target": Reference(("flows",), "cascade", many=False),
                "stage": Reference(("stages",), "cascade", many=False),
            },
        ),
        model(
            "p.binding",
            "policy_bindings",
            references={
                "policy": Reference(("policies",), "cascade", many=False),
                "group": Reference((), "cascade", many=False),
                "target": Reference(
                    ("flows", "stage_bindings"), "cascade", many=False, identity=("pk", "policybindingmodel_ptr_id")
                ),
            },
        ),
    )
}


@pytest.fixture
def kept(database_url):
    """A migrated, empty store on each engine."""
    store = Store(
        database_url,
        searched={**SEARCHED, "prompts": ("name", "label"), "stage_bindings": ("stage__name",)},
        models=MODELS,
        collections=COLLECTIONS,
    )
    store.migrate()
    yield store
    store.close()


def pause(store, name, **given):
    return store.objects.add("s.pause", {"name": name, "seconds": 1, "loud": False, **given}).pk


def bind(store, flow, stage, order):
    return store.stage_bindings.add({"target": flow.pk, "stage": stage, "order": order, **BINDING})


def guard(store, target, policy, order):
    return store.policy_bindings.add({"target": target, "policy": policy, "order": order, **GUARD})


def names(store, scope, filters=None, terms=(), ordering=BY_NAME):
    return [row.name for row in store.objects.page(scope, PageRequest(filters or {}, terms, ordering, 1, 100)).rows]


def test_what_a_flow_has_follows_its_bindings(kept):
    chance = random.Random(11)
    flows = [kept.flows.add(properties()) for _ in range(3)]
    stages = [pause(kept, f"stage {number}") for number in range(4)]
    policies = [kept.objects.add("p.dummy", {"name": f"policy {n}", "result": True}).pk for n in range(3)]
    bound, guarded, taken = {}, {}, set()
    for _ in range(150):
        flow, order = chance.choice(flows), chance.randrange(-3, 4)
        try:
            match chance.randrange(7):
                case 0 | 1:
                    row = bind(kept, flow, chance.choice(stages), order)
                    bound[row.pk] = row
                case 2:
                    row = guard(kept, flow.pk, chance.choice(policies), order)
                    guarded[row.pk] = row
                case 3 if bound:
                    pk = chance.choice(list(bound))
                    new = {"order": order, "target": flow.pk, "stage": chance.choice(stages)}
                    bound[pk] = kept.stage_bindings.change(pk, new)
                case 4 if guarded:
                    pk = chance.choice(list(guarded))
                    guarded[pk] = kept.policy_bindings.change(pk, {"order": order, "target": flow.pk})
                case 5 if bound:
                    pk = chance.choice(list(bound))
                    kept.stage_bindings.remove(pk)
                    del bound[pk]
                case 6 if guarded:
                    pk = chance.choice(list(guarded))
                    kept.policy_bindings.remove(pk)
                    del guarded[pk]
        except errors.NotUnique as error:
            taken.add(error.property_name)
        for each in flows:
            stored = kept.flows.get(each.slug)
            in_order = sorted((row for row in bound.values() if row.target == each.pk), key=lambda r: (r.order, r.pk))
            assert stored.stages.split() == [row.stage for row in in_order]
            in_order = sorted((row for row in guarded.values() if row.target == each.pk), key=lambda r: (r.order, r.pk))
            assert stored.policies.split() == [row.policy for row in in_order]
    assert taken == {("target", "stage", "order"), ("policy", "target", "order")}


def test_a_stage_takes_its_bindings_and_the_policies_on_them(kept):
    flow, stage, other = kept.flows.add(properties()), pause(kept, "a"), pause(kept, "b")
    policy = kept.objects.add("p.dummy", {"name": "p", "result": True}).pk
    binding = bind(kept, flow, stage, 0)
    bind(kept, flow, other, 1)
    guard(kept, binding.policybindingmodel_ptr_id, policy, 0)
    assert kept.objects.get("policies", policy).related == 1
    kept.objects.remove("stages", stage)
    assert kept.flows.get(flow.slug).stages == other
    assert kept.policy_bindings.page(PageRequest({}, (), (), 1, 10)).count == 0
    assert kept.objects.get("p.dummy", policy).related == 0
    kept.flows.remove(flow.slug)
    assert kept.stage_bindings.page(PageRequest({}, (), (), 1, 10)).count == 0
    assert names(kept, "stages") == ["b"]


def test_references_go_with_what_they_lead_to(kept):
    flow = kept.flows.add(properties())
    prompts = [kept.objects.add("p.prompt", {"name": f"p{n}", "label": "L"}).pk for n in range(3)]
    check = kept.objects.add("p.dummy", {"name": "check", "result": True}).pk
    asking = {"name": "ask", "fields": [prompts[2], prompts[0], prompts[2]], "checks": [check]}
    ask = kept.objects.add("s.ask", asking).pk
    lead = kept.objects.add("s.lead", {"name": "lead", "flow": flow.pk.upper()}).pk
    repository = kept.repository("s.ask")

    def stored(model, pk):
        with kept.database.write() as session:
            return kept.repository(model).read(session, pk)

    assert stored("s.ask", ask)["fields"] == [prompts[2], prompts[0]]
    assert stored("s.lead", lead)["flow"] == flow.pk
    with pytest.raises(errors.DanglingReference) as missing, kept.database.write() as session:
        repository.change(session, ask, {"fields": [prompts[1], ask], "checks": ["x"], "name": "new"})
    assert missing.value.values == {"fields": ask, "checks": "x"}
    assert names(kept, "s.ask") == ["ask"]
    assert names(kept, "s.ask", {"fields": [prompts[0]]}) == ["ask"]
    assert names(kept, "s.ask", {"fields": [prompts[1]]}) == []
    with pytest.raises(errors.InvalidChoice):
        names(kept, "s.ask", {"fields": [check]})
    kept.objects.change("s.ask", ask, {"fields": [prompts[1]]})
    kept.objects.remove("prompts", prompts[1])
    kept.objects.remove("policies", check)
    kept.flows.remove(flow.slug)
    assert stored("s.ask", ask) == {"pk": ask, "name": "ask", "fields": [], "checks": []}
    assert stored("s.lead", lead) == {"pk": lead, "name": "lead", "flow": None}


def test_objects_are_filtered_searched_and_sorted_by_any_member(kept):
    pause(kept, "b", seconds=10)
    pause(kept, "a", seconds=9, loud=True)
    pause(kept, "Å", seconds=-1)
    kept.objects.add("s.lead", {"name": "c", "flow": None})
    kept.objects.add("p.prompt", {"name": "b", "label": "ångström"})
    assert names(kept, "stages") == ["a", "b", "c", "Å"]
    assert names(kept, "s.pause", ordering=(SortKey("seconds", descending=False),)) == ["Å", "a", "b"]
    loud_first = (SortKey("loud", descending=True), SortKey("name", descending=True))
    assert names(kept, "s.pause", ordering=loud_first) == ["a", "Å", "b"]
    assert names(kept, "s.pause", {"seconds": 9}) == ["a"]
    assert names(kept, "s.pause", {"loud": False, "name": "b"}) == ["b"]
    assert names(kept, "stages", terms=("å",)) == ["Å"]
    assert names(kept, "prompts", terms=("STRÖM", "b")) == ["b"]
    with pytest.raises(errors.NotUnique) as taken:
        pause(kept, "c")
    assert taken.value.property_name == "name"
    with pytest.raises(errors.NotFound):
        kept.objects.get("s.lead", kept.objects.page("s.pause", PageRequest({}, (), BY_NAME, 1, 1)).rows[0].pk)


def test_bindings_can_be_found_by_what_is_bound(kept):
    flow, stage = kept.flows.add(properties()), pause(kept, "a")
    policy = kept.objects.add("p.dummy", {"name": "p", "result": True}).pk
    first, second = bind(kept, flow, stage, 0), bind(kept, flow, stage, 1)
    guard(kept, first.pk, policy, 0)
    page = kept.stage_bindings.page

    def found(filters, terms=()):
        return [row.pk for row in page(PageRequest(filters, terms, (SortKey("order", descending=False),), 1, 10)).rows]

    assert found({"policies": [policy]}) == [first.pk]
    assert found({"target": flow.pk, "order": 1}) == [second.pk]
    assert found({"stage": stage}, ("A",)) == [first.pk, second.pk]
    with pytest.raises(errors.InvalidChoice):
        found({"target": stage})
    guards = kept.policy_bindings.page(PageRequest({"target": first.policybindingmodel_ptr_id}, (), (), 1, 10))
    assert [row.target for row in guards.rows] == [first.pk]
    with pytest.raises(errors.DanglingReference):
        kept.policy_bindings.change(guards.rows[0].pk, {"group": flow.pk})


def test_those_who_bind_at_once_lose_nothing(kept):
    flow = kept.flows.add(properties())
    stages = [pause(kept, f"stage {number}") for number in range(6)]
    problems = []

    def work(number):
        try:
            for order in range(10):
                bind(kept, flow, stages[number], order)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert len(kept.flows.get(flow.slug).stages.split()) == 60


def test_no_statement_for_each_row(tmp_path, monkeypatch):
    """However much is bound, a page takes as many statements as an empty one."""
    store = Store(f"sqlite:///{tmp_path}/flows.sqlite3", searched=SEARCHED, models=MODELS, collections=COLLECTIONS)
    store.migrate()
    flow = store.flows.add(properties())
    stages = [pause(store, f"stage {number}") for number in range(20)]
    policy = store.objects.add("p.dummy", {"name": "p", "result": True}).pk

    def statements():
        seen = []
        with store.database.read() as session:
            connection: sqlite3.Connection = session._connection
            connection.set_trace_callback(lambda sql: seen.append(sql) if not sql.startswith("--") else None)
        store.flows.page(PageRequest({}, (), (), 1, 100))
        store.objects.page("stages", PageRequest({}, (), BY_NAME, 1, 100))
        store.stage_bindings.page(PageRequest({}, (), (), 1, 100))
        store.policy_bindings.page(PageRequest({}, (), (), 1, 100))
        store.structures.get(flow.slug)
        connection.set_trace_callback(None)
        return len(seen)

    statements()
    before = statements()
    for order in range(10):
        for stage in stages:
            binding = bind(store, flow, stage, order)
        guard(store, binding.pk, policy, order)
        guard(store, flow.pk, policy, order)
    assert len(store.structures.get(flow.slug).stages) == 200
    assert statements() == before
    store.close()
