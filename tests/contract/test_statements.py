"""However much is stored and bound, a request takes as many statements as when there is little."""

import pytest

from tests.contract_files import shipped
from tests.examples import Examples, operations

BINDING, GUARD = "authentik_flows.flowstagebinding", "authentik_policies.policybinding"
READING = [name for name, operation in operations(shipped()).items() if operation.method == "GET"]


@pytest.fixture
def examples(client):
    """Objects in an application on SQLite, which tells what it executes."""
    return Examples(shipped(), client)


def statements(examples):
    """How many statements each reading operation takes."""
    counts = {}
    for name in READING:
        url, seen = examples.url(name), []
        # On an embedded database requests are carried out on this thread, by its connection.
        with examples.client.store.database.read() as session:
            connection = session._connection
        connection.set_trace_callback(lambda sql, seen=seen: None if sql.startswith("--") else seen.append(sql))
        response = examples.client.get(url, query="page_size=1000")
        connection.set_trace_callback(None)
        # A key is stored as a digest, so that none can be shown.
        assert response.status == (
            400 if name == "core_tokens_view_key_retrieve" else examples.operations[name].success
        )
        counts[name] = len(seen)
    return counts


def bind(examples, flow, numbers):
    """Store flows, stages and policies, and bind them to one of the flows, and some to each other."""
    store, models = examples.client.store, examples.models
    with store.database.write() as session:

        def add(model, **properties):
            body = examples.body(examples.creators[model].id) | properties
            return store.repository(model).add(session, models[model].read_new(body))

        stages = [add("authentik_stages_dummy.dummystage", name=f"stage {number}") for number in numbers]
        policies = [add("authentik_policies_dummy.dummypolicy", name=f"policy {number}") for number in numbers]
        flows = [add("authentik_flows.flow", slug=f"flow-{number}") for number in numbers]
        for number, stage, policy in zip(numbers, stages, policies, strict=True):
            binding = add(BINDING, target=flow["pk"], stage=stage, order=number)
            add(GUARD, target=binding, policy=policy, order=0)
            add(GUARD, target=flow["pk"], policy=policy, order=number + 1)
        for flow in flows:
            add(BINDING, target=flow, stage=stages[0], order=0)
            add(GUARD, target=flow, policy=policies[0], order=0)


def test_no_statement_for_each_object(examples):
    # What the paths name is made, and statements are compiled.
    statements(examples)
    flow = examples.one("flows")
    bind(examples, flow, range(2))
    before = statements(examples)
    # Beside the token and the version of the data.
    assert before["flows_instances_list"] > 2
    bind(examples, flow, range(2, 200))
    assert statements(examples) == before
    assert len(examples.send("flows_instances_retrieve").json()["stages"]) == 201
