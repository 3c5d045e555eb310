"""What is found when stored objects are checked by a contract."""

from functools import partial

import pytest

from app.store.upkeep import scanning
from app.stored import check_store, summarize
from tests.asgi import FLOWS
from tests.conftest import application, client_of
from tests.contract.test_stored import BINDINGS, POLICIES, RECOVERY, STAGES, added, created, described, with_naps
from tests.contract_files import loaded, models_with_paths, shipped
from tests.kinds import Kind

MODELS = list(models_with_paths(shipped()))


@pytest.fixture
def contract_with(tmp_path):
    """Makes a contract with some texts replaced."""
    return partial(loaded, tmp_path / "checked")


def violations(contract, client):
    """What stored objects violate: name, property, rule and value."""
    found = [one for object_ in check_store(contract, client.store.database) for one in object_]
    return [(one.name, one.property, one.rule, one.value) for one in found]


@pytest.mark.parametrize("model", MODELS)
def test_whatever_the_contract_admits_violates_nothing(examples, model):
    kind = Kind(examples, model)
    objects = kind.variety()
    summary = summarize(check_store(shipped(), kind.client.store.database))
    assert summary.objects >= len(objects)
    assert (summary.violating, summary.kinds) == (0, {})


def test_bindings_and_objects_that_have_lost_what_they_led_to_violate_nothing(client_on_each, make_flow):
    client = client_on_each
    flow = created(client, FLOWS, **make_flow())
    stage = created(client, STAGES, name="stage")
    binding = created(client, BINDINGS, target=flow["pk"], stage=stage["pk"], order=0)
    policy = created(client, f"{POLICIES}dummy/", name="policy")
    created(client, f"{POLICIES}bindings/", policy=policy["pk"], target=binding["pk"], order=0)
    prompt = created(client, "/api/v3/stages/prompt/prompts/", name="p", field_key="key", label="Label", type="text")
    created(client, "/api/v3/stages/prompt/stages/", name="prompts", fields=[prompt["pk"]])
    assert client.delete(f"/api/v3/stages/prompt/prompts/{prompt['pk']}/").status == 204
    assert violations(shipped(), client) == []
    # The administrator and its group are among them.
    assert sum(1 for _ in check_store(shipped(), client.store.database)) == 6 + 2


def test_each_property_that_the_contract_does_not_admit_is_found_with_its_line(
    client_on_each, contract_with, make_flow
):
    client = client_on_each
    flow = created(client, FLOWS, **make_flow(slug="a", designation="recovery", name="A"))
    created(client, FLOWS, **make_flow(slug="b", name="B"))
    stage = created(client, STAGES, name="stage")
    # It is found once, and not again with each object that shows it.
    created(client, BINDINGS, target=flow["pk"], stage=stage["pk"], order=0)
    contract = contract_with(RECOVERY)
    assert violations(contract, client) == [("A", "designation", "enum", '"recovery"')]
    (example,) = summarize(check_store(contract, client.store.database)).kinds
    location = contract.locate(example.pointer)
    line = contract.files[0].read_text("utf-8").splitlines()[location.line - 1]
    assert line.strip() == "enum:"
    assert str(example).endswith(' "A": `designation` violates `enum`: "recovery".')


def test_what_only_requests_limit_is_found_as_well(client_on_each, contract_with, make_flow):
    client = client_on_each
    created(client, FLOWS, **make_flow(name="A", title="T" * 30))
    title = "        title: &title\n          type: string\n"
    contract = contract_with((title, f"{title}          maxLength: 25\n"))
    assert violations(contract, client) == [("A", "title", "maxLength", f'"{"T" * 30}"')]


def test_names_and_values_can_not_steer_a_terminal(client_on_each, contract_with, make_flow):
    client = client_on_each
    created(client, FLOWS, **make_flow(designation="recovery", name="A\u202e\x1b[2J" + "b" * 100))
    (example,) = summarize(check_store(contract_with(RECOVERY), client.store.database)).kinds
    assert str(example).isprintable()
    assert len(str(example)) < 250


def test_what_is_not_stored_violates_nothing_unless_it_is_required(client_on_each, contract_with):
    client = client_on_each
    created(client, STAGES, name="old")
    assert violations(contract_with(*added([])), client) == []


def test_a_kind_that_the_contract_does_not_have_is_found(database_url, tmp_path):
    with application(database_url, loaded(tmp_path / "naps", edit=with_naps)) as made:
        check_naps(client_of(*made))


def check_naps(client):
    created(client, "/api/v3/stages/nap/", name="nap")
    assert violations(shipped(), client) == [("nap", "", "x-model", "")]
    (example,) = summarize(check_store(shipped(), client.store.database)).kinds
    assert str(example).startswith("authentik_stages_nap.napstage ")
    assert str(example).endswith(' "nap": The contract has no such model.')


@pytest.mark.parametrize("keyword", ["format: password", "writeOnly: true"])
def test_secrets_are_not_shown(client_on_each, contract_with, keyword):
    client = client_on_each
    created(client, f"{POLICIES}expression/", name="policy", expression="secret" * 10)
    sent = "  expression:\n    type: words\n"
    contract = contract_with((sent, f"{sent}    maxLength: 40\n    {keyword}\n"))
    ((name, property_name, rule, value),) = violations(contract, client)
    assert (name, property_name, rule) == ("policy", "expression", "maxLength")
    assert "secret" not in value


OBJECT = ["type: object", "additionalProperties: false", "properties:"]


@pytest.mark.parametrize(
    ("admits", "limits", "value"),
    [
        (
            ["type: array", "items: {type: string}"],
            ["type: array", "items: {type: string, format: password, maxLength: 3}"],
            ["secret"],
        ),
        (
            ["type: array", "items: {type: array, items: {type: string}}"],
            ["type: array", "items: {type: array, maxItems: 1, items: {type: string, format: password}}"],
            [["secret", "secret"]],
        ),
        (
            ["type: object", "additionalProperties: {type: string}"],
            ["type: object", "maxProperties: 1", "additionalProperties: {type: string, format: password}"],
            {"a": "secret", "b": "secret"},
        ),
        (
            [*OBJECT, "  pin: {type: string}"],
            [*OBJECT, "  pin: {type: string, format: password, maxLength: 3}"],
            {"pin": "secret"},
        ),
        (
            [*OBJECT, "  pin: {type: string}"],
            [*OBJECT, "  pin: {type: string, writeOnly: true, maxLength: 3}"],
            {"pin": "secret"},
        ),
    ],
    ids=["items", "items of items", "values of a map", "a member within", "a member within that is write only"],
)
def test_secrets_within_a_property_are_not_shown(database_url, tmp_path, admits, limits, value):
    with application(database_url, loaded(tmp_path / "before", *described(admits))) as made:
        client = client_of(*made)
        created(client, STAGES, name="stage", loud=value)
        ((_, property_name, _, shown),) = violations(loaded(tmp_path / "after", *described(limits)), client)
    assert (property_name, "secret" in shown) == ("loud", False)


def test_a_store_is_read_some_objects_at_a_time(client_on_each, make_flow, monkeypatch):
    client = client_on_each
    for number in range(7):
        created(client, FLOWS, **make_flow())
        created(client, STAGES, name=f"stage {number}")
    for size in (1, 3, 7, 8):
        monkeypatch.setattr(scanning, "_BATCH", size)
        # The administrator and its group are among them.
        assert sum(1 for _ in check_store(shipped(), client.store.database)) == 14 + 2
