"""An import reads objects by their key, however many there are: shown by the plan of each statement, on each engine."""

import re
from types import SimpleNamespace

import pytest

from tests.conftest import client_of
from tests.contract_files import shipped
from tests.examples import Examples

COLLECTIONS = {
    "flows": ("flows", "authentik_flows.flow"),
    "stages": ("objects", "authentik_stages_dummy.dummystage"),
    "policies": ("objects", "authentik_policies_dummy.dummypolicy"),
    "prompts": ("objects", "authentik_stages_prompt.prompt"),
    "stage_bindings": ("stage_bindings", "authentik_flows.flowstagebinding"),
    "policy_bindings": ("policy_bindings", "authentik_policies.policybinding"),
}
MANY = 200


class Explaining:
    """A session that keeps the plan of each statement.

    :param session: executes them
    :param explain: what to say before a statement to be told its plan
    """

    def __init__(self, session, explain):
        self._session = session
        self._explain = explain
        self.plan = []

    def row(self, query, parameters):
        return next(iter(self.rows(query, parameters)), None)

    def rows(self, query, parameters):
        explained = SimpleNamespace(sql=f"{self._explain} {query.sql}", bind=query.bind)
        self.plan += [row[-1].strip() for row in self._session.rows(explained, parameters)]
        return self._session.rows(query, parameters)


@pytest.fixture(scope="module")
def stored(shared_on_each):
    """Many objects of each collection: the store, and members of each, by collection."""
    store, app = shared_on_each
    examples, made = Examples(shipped(), client_of(store, app)), {}
    bodies = {model: examples.body(examples.creators[model].id) for _, model in COLLECTIONS.values()}
    with store.database.write() as session:
        for collection, (_, model) in COLLECTIONS.items():
            body, made[collection] = store.models[model].read_new(bodies[model]), []
            for number in range(MANY):
                properties = body | {"name": f"Name {number}", "slug": f"slug-{number}", "order": 0}
                for property_name in {"target", "stage", "policy"} & body.keys():
                    scope = {"target": "flows", "stage": "stages", "policy": "policies"}[property_name]
                    properties[property_name] = made[scope][number]["pk"]
                known = {name: value for name, value in properties.items() if name in body}
                made[collection].append(known | {"pk": store.repository(model).add(session, known)})
        if store.database.is_remote:
            # It happens by itself sooner or later.
            session.script("ANALYZE")
    return store, made


def looked_at(plan, table):
    """The lines of a plan that say how the rows of a table are found."""
    return [line for line in plan if re.search(rf"^(SEARCH|SCAN) {table}\b|Scan .*on {table} ", line)]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_an_object_is_read_by_its_key_however_many_there_are(stored, collection):
    store, made = stored
    table, model = COLLECTIONS[collection]
    repository, (one, *others) = store.repository(model), made[collection]
    explain = "EXPLAIN" if store.database.is_remote else "EXPLAIN QUERY PLAN"
    with store.database.write() as session:
        if store.database.is_remote:
            # For so few rows it would be better than an index.
            session.script("SET LOCAL enable_seqscan = off")

        def plan_of(method, *arguments):
            explaining = Explaining(session, explain)
            assert getattr(repository, method)(explaining, *arguments)
            return looked_at(explaining.plan, table)

        plans = {
            "read": plan_of("read", one["pk"]),
            "find": plan_of("find", {"pk": one["pk"]}),
        }
        if not store.database.is_remote:
            # PostgreSQL weighs the number of keys against that of rows.
            plans["read_many"] = plan_of("read_many", [one["pk"], others[0]["pk"]])
    by_key = f"using pk_{table} " if store.database.is_remote else "(pk=?)"
    assert [line for lines in plans.values() for line in lines if by_key not in line] == []
    assert all(plans.values())


@pytest.mark.parametrize(
    ("collection", "identifiers", "index"),
    [
        ("flows", ("slug",), "(slug=?)"),
        ("stages", ("name",), "(collection=? AND name=?)"),
        ("policies", ("name",), "(collection=? AND name=?)"),
        ("prompts", ("name",), "(collection=? AND name=?)"),
        ("stage_bindings", ("target", "stage", "order"), "(target=? AND stage=? AND order=?)"),
    ],
)
def test_an_object_is_found_by_what_it_is_known_by_without_a_scan(stored, collection, identifiers, index):
    store, made = stored
    table, model = COLLECTIONS[collection]
    with store.database.write() as session:
        if store.database.is_remote:
            session.script("SET LOCAL enable_seqscan = off")
        explaining = Explaining(session, "EXPLAIN" if store.database.is_remote else "EXPLAIN QUERY PLAN")
        wanted = {name: made[collection][0][name] for name in identifiers}
        assert store.repository(model).find(explaining, wanted) == made[collection][0]["pk"]
    lines = looked_at(explaining.plan, table)
    assert lines
    assert all("Seq Scan" not in line if store.database.is_remote else index in line for line in lines), lines
