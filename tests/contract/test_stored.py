"""Stored objects outlive contracts: what is read of them when the contract has changed since they were stored."""

import contextlib
import functools
import itertools
import logging
from typing import NamedTuple

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from app.application import create_app, handlers_of, open_store
from app.contract.document.findings import ContractError
from app.domain import StoredObject
from app.execution import Statement
from app.representations.objects import flow as flow_shape
from app.settings import Settings
from tests.asgi import FLOWS, Client
from tests.contract_files import loaded, replaced, shipped, with_another_stage
from tests.forms import form

STAGES = "/api/v3/stages/dummy/"
ALL_STAGES = "/api/v3/stages/all/"
BINDINGS = "/api/v3/flows/bindings/"
POLICIES = "/api/v3/policies/"
IDENTIFICATIONS = "/api/v3/stages/identification/"

PROMPTS = "/api/v3/stages/prompt/stages/"

_numbers = itertools.count()

# Edits of the contract: the texts to replace.
IN_DUMMY = "\nfilters: [stage_uuid, name, throw_error]\n"
RECOVERY = ("        - recovery\n", "")


def added(keywords, *, required=False):
    """The edits that add a text `loud` to dummy stages. :param keywords: of its schema, a line each"""
    return described(["type: string", *keywords], required=required)


def described(keywords, *, required=False):
    """The edits that add a property `loud` of any type to dummy stages. :param keywords: of its schema, a line each"""
    lines = "".join(f"    {line}\n" for line in ("description: How loud.", *keywords))
    end = "required: [loud]\n" if required else ""
    return ((IN_DUMMY, f"  loud:\n{lines}{end}{IN_DUMMY}"),)


@pytest.fixture
def served(database_url, tmp_path):
    """Makes clients of applications on one database, each with a contract of its own: some texts replaced."""
    stores = []

    def serve(*replacements, edit=lambda path: None):
        contract = loaded(tmp_path / f"contract-{next(_numbers)}", *replacements, edit=edit)
        settings = Settings(database_url=database_url, token_cache=0.0, contract=contract.files[0])
        store = open_store(settings, contract)
        stores.append(store)
        store.migrate()
        if not store.tokens.any():
            store.tokens.add("root", superuser=True, secret="root")
        client = Client(create_app(settings, contract=contract, store=store), "root")
        client.store = store
        return client

    yield serve
    for store in stores:
        store.close()


@contextlib.contextmanager
def warnings():
    """What is logged at the level of warnings, by an application that is made within."""
    before = structlog.get_config()
    # The processors stay the same: loggers that are used here first keep them.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        with structlog.testing.capture_logs() as log:
            yield log
    finally:
        structlog.configure(**before)


def created(client, path, **properties):
    response = client.post(path, properties)
    assert response.status == 201, response.body
    return response.json()


def counted(client):
    """The violations by stored values that the metrics count, by operation and rule."""
    text = client.get("/-/metrics/", token="").body.decode()
    (family,) = (one for one in text_string_to_metric_families(text) if one.name == "flows_stored_violations")
    return {(sample.labels["operation"], sample.labels["rule"]): sample.value for sample in family.samples}


@pytest.mark.parametrize(
    ("keywords", "value"),
    [
        (["x-create-default: quiet"], "quiet"),
        (["default: quiet"], "quiet"),
        (["default: quiet", "x-create-default: shrill"], "quiet"),
    ],
    ids=["x-create-default", "default", "both"],
)
def test_a_property_that_is_not_stored_is_answered_by_its_default(served, keywords, value):
    old = created(served(), STAGES, name="old")
    client = served(*added(keywords))
    expected = old | {"loud": value}
    assert client.get(f"{STAGES}{old['pk']}/").json() == expected
    assert client.get(STAGES).json()["results"] == [expected]
    assert client.patch(f"{STAGES}{old['pk']}/", {"throw_error": True}).json() == expected | {"throw_error": True}
    assert client.patch(f"{STAGES}{old['pk']}/", {"loud": "very"}).json()["loud"] == "very"
    assert client.get(STAGES).json()["results"][0]["loud"] == "very"
    assert counted(client) == {}


def test_an_optional_property_without_default_that_is_not_stored_is_left_out(served):
    old = created(served(), STAGES, name="old")
    client = served(*added([]))
    new = created(client, STAGES, name="new")
    assert "loud" not in new
    assert client.get(STAGES).json()["results"] == [new, old]
    assert created(client, STAGES, name="third", loud="yes")["loud"] == "yes"
    assert counted(client) == {}


def test_a_required_property_that_is_not_stored_is_left_out_logged_once_and_counted(served):
    old = created(served(), STAGES, name="old")
    example = ("example:\n  name: pause\n", "example:\n  name: pause\n  loud: a\n")
    with warnings() as log:
        client = served(*added([], required=True), example)
        new = created(client, STAGES, name="new", loud="a")
        for _ in range(3):
            assert client.get(STAGES).json()["results"] == [new, old]
        assert client.get(f"{STAGES}{old['pk']}/").json() == old
        assert client.patch(f"{STAGES}{old['pk']}/", {"throw_error": True}).json() == old | {"throw_error": True}
    told = [entry for entry in log if entry["event"] == "stored value violates the contract"]
    assert [(entry["operation"], entry["property"], entry["rule"], entry["pk"]) for entry in told] == [
        (operation, "loud", "required", old["pk"])
        for operation in ("stages_dummy_list", "stages_dummy_retrieve", "stages_dummy_partial_update")
    ]
    assert counted(client) == {
        ("stages_dummy_list", "required"): 3,
        ("stages_dummy_retrieve", "required"): 1,
        ("stages_dummy_partial_update", "required"): 1,
    }


def test_a_value_that_an_enum_no_longer_has_is_answered_as_it_is_stored(served, make_flow):
    client = served()
    old = created(client, FLOWS, **make_flow(slug="old", designation="recovery"))
    others = [created(client, FLOWS, **make_flow()) for _ in range(5)]
    stage = created(client, STAGES, name="stage")
    binding = created(client, BINDINGS, target=old["pk"], stage=stage["pk"], order=0)
    stage, old = client.get(f"{STAGES}{stage['pk']}/").json(), client.get(f"{FLOWS}old/").json()
    client = served(RECOVERY)
    assert client.get(f"{FLOWS}old/").json() == old
    assert sorted(client.get(FLOWS).json()["results"], key=lambda flow: flow["pk"]) == sorted(
        [old, *others], key=lambda flow: flow["pk"]
    )
    # It is shown with others as well.
    assert client.get(f"{STAGES}{stage['pk']}/").json() == stage
    common = {name: value for name, value in stage.items() if name != "throw_error"}
    assert client.get(f"{ALL_STAGES}{stage['pk']}/").json() == common
    assert client.get(f"{BINDINGS}{binding['pk']}/").json()["stage_obj"]["flow_set"] == stage["flow_set"]
    for path in (STAGES, ALL_STAGES, BINDINGS):
        assert (client.get(path).status, client.get(path).json()["pagination"]["count"]) == (200, 1)
    assert counted(client)["flows_instances_retrieve", "enum"] == 1
    # Other properties can be changed; who sends the value is refused.
    assert client.patch(f"{FLOWS}old/", {"title": "New"}).json() == old | {"title": "New"}
    assert client.patch(f"{FLOWS}old/", {"designation": "recovery"}).status == 400
    assert client.post(BINDINGS, {"target": old["pk"], "stage": stage["pk"], "order": 1}).status == 201
    assert client.patch(f"{FLOWS}old/", {"designation": "enrollment"}).status == 200
    assert client.get(FLOWS).status == 200


def with_naps(path):
    """Add a kind of stage that other contracts do not have."""
    with_another_stage(path, "dummy", "nap")


def with_naps_in_identifications(path):
    """Let identification stages lead to stages of a kind that other contracts do not have."""
    with_naps(path)
    file = path.parent / "stages" / "identification.yaml"
    text = file.read_text("utf-8").replace("authentik_stages_password.passwordstage", "authentik_stages_nap.napstage")
    file.write_text(text, "utf-8")


def without_dummy_policies(path):
    """Remove a kind of policy."""
    (path.parent / "policies" / "dummy.yaml").unlink()
    replaced(path, "    - policies/dummy.yaml\n", "")


def test_a_stage_of_a_kind_that_the_contract_no_longer_has_shows_what_all_stages_share(served, make_flow):
    client = served(edit=with_naps)
    flow = created(client, FLOWS, **make_flow(slug="flow"))
    nap = created(client, "/api/v3/stages/nap/", name="nap")
    stage = created(client, STAGES, name="stage")
    for order, pk in enumerate((nap["pk"], stage["pk"])):
        created(client, BINDINGS, target=flow["pk"], stage=pk, order=order)
    flow_set = client.get(f"{ALL_STAGES}{nap['pk']}/").json()["flow_set"]
    client = served()
    kind = "authentik_stages_nap.napstage"
    names = {"component": "", "verbose_name": kind, "verbose_name_plural": kind, "meta_model_name": kind}
    expected = {"pk": nap["pk"], "name": "nap", "flow_set": flow_set} | names
    assert client.get(f"{ALL_STAGES}{nap['pk']}/").json() == expected
    found = client.get(ALL_STAGES).json()["results"]
    assert [one["name"] for one in found] == ["nap", "stage"]
    assert found[0] == expected
    assert [one["stage_obj"]["name"] for one in client.get(BINDINGS).json()["results"]] == ["nap", "stage"]
    assert client.get(f"{FLOWS}flow/").json()["stages"] == [nap["pk"], stage["pk"]]
    assert f"Stage ({kind})" in client.get(f"{FLOWS}flow/diagram/").json()["diagram"]
    assert client.get(f"{FLOWS}flow/execute/").status == 200
    assert client.get(f"{FLOWS}flow/used_by/").status == 200
    assert client.get(f"{ALL_STAGES}{nap['pk']}/used_by/").status == 200
    # What can't be described is left out of a blueprint, with its binding, and the rest can be imported.
    blueprint = client.get(f"{FLOWS}flow/export/")
    assert (blueprint.status, b"nap" in blueprint.body, b"name: stage" in blueprint.body) == (200, False, True)
    imported = imported_by(client, blueprint.body)
    assert (imported.status, imported.json()["success"]) == (200, True)
    assert client.delete(f"{ALL_STAGES}{nap['pk']}/").status == 204
    assert [one["name"] for one in client.get(ALL_STAGES).json()["results"]] == ["stage"]
    assert client.get(f"{FLOWS}flow/").json()["stages"] == [stage["pk"]]


def test_a_policy_of_a_kind_that_the_contract_no_longer_has_shows_what_all_policies_share(served, make_flow):
    client = served()
    flow = created(client, FLOWS, **make_flow(slug="flow"))
    policy = created(client, f"{POLICIES}dummy/", name="policy", result=True, execution_logging=True)
    others = [created(client, f"{POLICIES}expression/", name="other", expression="return True")]
    binding = created(
        client, f"{POLICIES}bindings/", policy=policy["pk"], target=flow["policybindingmodel_ptr_id"], order=0
    )
    prompt = {"name": "prompt", "field_key": "key", "label": "Label", "type": "text"}
    fields = [created(client, "/api/v3/stages/prompt/prompts/", **prompt)["pk"]]
    policies = [policy["pk"], others[0]["pk"]]
    prompts = created(client, PROMPTS, name="prompts", fields=fields, validation_policies=policies)
    client = served(edit=without_dummy_policies)
    kind = "authentik_policies_dummy.dummypolicy"
    names = {"component": "", "verbose_name": kind, "verbose_name_plural": kind, "meta_model_name": kind}
    expected = {"pk": policy["pk"], "name": "policy", "execution_logging": True, "bound_to": 2} | names
    assert client.get(f"{POLICIES}all/{policy['pk']}/").json() == expected
    assert [one["name"] for one in client.get(f"{POLICIES}all/").json()["results"]] == ["other", "policy"]
    assert client.get(f"{POLICIES}bindings/{binding['pk']}/").json()["policy_obj"] == expected
    assert client.get(f"{FLOWS}flow/diagram/").status == 200
    assert client.get(f"{FLOWS}flow/execute/").status == 400
    assert client.get(f"{PROMPTS}{prompts['pk']}/").json() == prompts
    created(client, BINDINGS, target=flow["pk"], stage=prompts["pk"], order=0)
    blueprint = client.get(f"{FLOWS}flow/export/")
    assert (blueprint.status, b"name: policy\n" in blueprint.body, b"name: other\n" in blueprint.body) == (
        200,
        False,
        True,
    )
    assert imported_by(client, blueprint.body).json()["success"] is True
    assert client.delete(f"{POLICIES}all/{policy['pk']}/").status == 204


def test_an_export_leaves_out_what_leads_to_a_kind_that_the_contract_no_longer_has_only_if_it_must(served, make_flow):
    client = served(edit=with_naps_in_identifications)
    flow = created(client, FLOWS, **make_flow(slug="flow"))
    nap = created(client, "/api/v3/stages/nap/", name="nap")
    policy = created(client, f"{POLICIES}expression/", name="policy", expression="return True")
    identification = created(client, IDENTIFICATIONS, name="kept", password_stage=nap["pk"], user_fields=["email"])
    bindings = [
        created(client, BINDINGS, target=flow["pk"], stage=stage["pk"], order=order)
        for order, stage in enumerate((nap, identification))
    ]
    for binding in bindings:
        created(client, f"{POLICIES}bindings/", policy=policy["pk"], target=binding["pk"], order=0)
    client = served()
    blueprint = client.get(f"{FLOWS}flow/export/").body
    for path in (f"{POLICIES}all/{policy['pk']}/", f"{ALL_STAGES}{identification['pk']}/", f"{FLOWS}flow/"):
        assert client.delete(path).status == 204
    assert imported_by(client, blueprint).json()["success"] is True
    (binding,) = client.get(BINDINGS).json()["results"]
    assert binding["pk"] == bindings[1]["pk"]
    assert [one["target"] for one in client.get(f"{POLICIES}bindings/").json()["results"]] == [binding["pk"]]
    assert client.get(IDENTIFICATIONS).json()["results"][0]["password_stage"] is None


def imported_by(client, blueprint):
    body, headers = form(file=("a.yaml", "application/yaml", blueprint))
    return client.post(f"{FLOWS}import/", body=body, headers=headers)


def shorter_slugs(path):
    """Let slugs be shorter, and of small letters only, wherever they stand."""
    for file in path.parent.rglob("*.yaml"):
        text = (
            file.read_text("utf-8").replace("maxLength: 50", "maxLength: 20").replace("^[-a-zA-Z0-9_]+$", "^[a-z-]+$")
        )
        file.write_text(text, "utf-8")


def test_a_value_beyond_a_new_limit_or_pattern_is_answered_as_it_is_stored(served, make_flow):
    client = served()
    old = [created(client, FLOWS, **make_flow(slug=slug)) for slug in ("a" * 30, "B-" * 12)]
    client = served(edit=shorter_slugs)
    for flow in old:
        assert client.get(f"{FLOWS}{flow['slug']}/").json() == flow
        assert client.patch(f"{FLOWS}{flow['slug']}/", {"title": "New"}).status == 200
    assert client.get(FLOWS).json()["results"] == [one | {"title": "New"} for one in old[::-1]]
    assert counted(client) == {
        (f"flows_instances_{operation}", rule): count
        for operation in ("retrieve", "partial_update", "list")
        for rule, count in (("maxLength", 2), ("pattern", 1))
    }
    assert client.post(FLOWS, make_flow(slug="b" * 21)).status == 400


def test_a_list_with_one_bad_object_of_many_is_answered_and_each_response_counted(served, make_flow):
    client = served()
    flows = [created(client, FLOWS, **make_flow(slug=f"flow-{number:03}")) for number in range(60)]
    flows[17] = client.patch(f"{FLOWS}flow-017/", {"designation": "recovery"}).json()
    client = served(RECOVERY)
    for number in range(1, 4):
        assert client.get(FLOWS, query="page_size=100").json()["results"] == flows
        assert counted(client) == {("flows_instances_list", "enum"): number}


def test_an_export_of_values_that_the_contract_no_longer_has_does_not_fail(served, make_flow):
    client = served()
    created(client, FLOWS, **make_flow(slug="old", designation="recovery"))
    client = served(RECOVERY)
    blueprint = client.get(f"{FLOWS}old/export/")
    assert (blueprint.status, b"designation: recovery" in blueprint.body) == (200, True)
    imported = imported_by(client, blueprint.body)
    assert (imported.status, imported.json()["success"]) == (200, False)


def test_an_export_has_the_defaults_of_what_is_not_stored(served, make_flow):
    client = served()
    flow = created(client, FLOWS, **make_flow(slug="flow"))
    stage = created(client, STAGES, name="stage")
    created(client, BINDINGS, target=flow["pk"], stage=stage["pk"], order=0)
    client = served(*added(["default: quiet", "x-create-default: shrill"]))
    blueprint = client.get(f"{FLOWS}flow/export/")
    assert b"loud: quiet" in blueprint.body
    assert client.delete(f"{ALL_STAGES}{stage['pk']}/").status == 204
    assert imported_by(client, blueprint.body).json()["success"] is True
    assert client.get(STAGES).json()["results"][0]["loud"] == "quiet"


def test_values_of_a_newer_contract_are_answered_by_an_older_one(served, make_flow):
    newer = ("        - require_authenticated\n", "        - require_authenticated\n        - require_badge\n")

    def longer(path):
        for file in path.parent.rglob("*.yaml"):
            file.write_text(file.read_text("utf-8").replace("maxLength: 50", "maxLength: 100"), "utf-8")

    client = served(newer, edit=longer)
    flows = [
        created(client, FLOWS, **make_flow(slug="a", authentication="require_badge")),
        created(client, FLOWS, **make_flow(slug="b" * 70)),
        created(client, FLOWS, **make_flow(slug="c")),
    ]
    client = served()
    assert client.get(FLOWS).json()["results"] == flows
    assert [client.get(f"{FLOWS}{flow['slug']}/").json() for flow in flows] == flows


@pytest.mark.parametrize("default", ["    x-create-default: false\n", ""], ids=["with default", "without"])
def test_a_property_that_a_newer_contract_adds_to_a_kind(served, default):
    old = created(served(), IDENTIFICATIONS, name="i3", user_fields=["email"])
    remember = f"  enable_remember_me:\n    type: boolean\n    description: Whether to.\n{default}"
    client = served(("  show_source_labels:\n", f"{remember}  show_source_labels:\n"))
    added = {"enable_remember_me": False} if default else {}
    assert client.get(IDENTIFICATIONS, query="name=i3").json()["results"] == [old | added]
    new = created(client, IDENTIFICATIONS, name="i4", user_fields=["email"])
    assert new == old | added | {"name": "i4", "pk": new["pk"]}
    assert client.get(IDENTIFICATIONS).status == 200
    assert counted(client) == {}


def test_a_read_only_property_that_a_newer_contract_adds_to_flows_is_answered_by_its_default(served, make_flow):
    old = created(served(), FLOWS, **make_flow(slug="flow"))
    themed = "background_themed_urls:\n          type: string\n          nullable: true\n          readOnly: true\n"
    default = "          description: None.\n          default: null\n"
    stages = "        stages:\n          type: array\n"
    client = served((stages, f"        {themed}{default}{stages}"))
    assert client.get(f"{FLOWS}flow/").json() == old | {"background_themed_urls": None}
    assert client.get(FLOWS).json()["results"] == [old | {"background_themed_urls": None}]
    assert counted(client) == {}


class _Row(NamedTuple):
    values: str


def stored_as(**values):
    """A shape that answers these values in place of those that are stored."""
    return lambda result: StoredObject(_Row(str(values)), lambda _: flow_shape(result.row) | values)


def answering(written, name, change):
    """Handlers, one of which answers something else."""
    real = written[name]

    @functools.wraps(real)
    def handle(store, *given, **arguments):
        result = real(store, *given, **arguments)
        if isinstance(result, Statement):
            return result._replace(finish=lambda row: change(result.finish(row)))
        return change(result)

    return {**written, name: handle}


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"designation": "holiday"}, 200),
        ({"background": 1}, 200),
        ({"pk": "no-uuid"}, 500),
        ({"stages": [1]}, 500),
        ({"cache_count": None}, 500),
        ({"designation": "holiday", "pk": "no-uuid"}, 500),
    ],
    ids=str,
)
def test_only_stored_properties_are_answered_against_the_contract(settings, contract, store, make_flow, values, status):
    written = answering(handlers_of(shipped()), "flows_instances_retrieve", stored_as(**values))
    store.tokens.add("root", superuser=True, secret="root")
    client = Client(create_app(settings, contract=contract, store=store, served_by=written), "root")
    client.post(FLOWS, make_flow(slug="flow"))
    response = client.get(f"{FLOWS}flow/")
    assert response.status == status
    if status == 200:
        assert values.items() <= response.json().items()


@pytest.mark.parametrize(("body", "status"), [({"title": "New"}, 200), ({"designation": "recovery"}, 500)], ids=str)
def test_a_change_may_leave_a_wrong_value_but_not_make_one(settings, contract, store, make_flow, body, status):
    wrong = stored_as(designation="holiday")
    written = answering(handlers_of(shipped()), "flows_instances_partial_update", wrong)
    store.tokens.add("root", superuser=True, secret="root")
    client = Client(create_app(settings, contract=contract, store=store, served_by=written), "root")
    flow = created(client, FLOWS, **make_flow(slug="flow"))
    assert client.patch(f"{FLOWS}flow/", body).status == status
    assert client.get(f"{FLOWS}flow/").json() == (flow | body if status == 200 else flow)


def test_a_value_that_is_write_only_by_now_is_not_answered(served):
    old = created(served(*added([])), STAGES, name="old", loud="secret")
    client = served(*added(["writeOnly: true"]))
    response = client.get(f"{STAGES}{old['pk']}/")
    assert (response.status, "loud" in response.json()) == (200, False)


HOLDER = ["type: object", "additionalProperties: false", "properties:", "  shown: {type: string}"]
SECRET = "pin: {type: string, writeOnly: true}"


@pytest.mark.parametrize(
    ("keywords", "sent", "answered"),
    [
        ([*HOLDER, f"  {SECRET}", "required: [pin]"], {"shown": "a", "pin": "TOP"}, {"shown": "a"}),
        (["type: array", f"items: {{type: object, properties: {{{SECRET}}}}}"], [{"pin": "TOP"}, {}], [{}, {}]),
        (
            ["type: array", f"items: {{type: array, items: {{properties: {{{SECRET}}}}}}}", "uniqueItems: true"],
            [[{"pin": "TOP", "a": 1}]],
            [[{"a": 1}]],
        ),
        (
            ["type: object", f"additionalProperties: {{type: object, properties: {{{SECRET}}}}}"],
            {"a": {"pin": "TOP"}, "pin": {}},
            {"a": {}, "pin": {}},
        ),
        (
            [
                "allOf:",
                f"  - {{type: object, properties: {{{SECRET}}}}}",
                "  - {type: object, properties: {shown: {}}}",
                "nullable: true",
            ],
            {"pin": "TOP", "shown": 1},
            {"shown": 1},
        ),
    ],
    ids=["object", "array", "array of arrays", "map", "parts"],
)
def test_what_is_write_only_within_a_property_is_stored_and_not_answered(served, keywords, sent, answered):
    client = served(*described(keywords))
    new = created(client, STAGES, name="stage", loud=sent)
    expected = new | {"loud": answered}
    assert new == expected
    path = f"{STAGES}{new['pk']}/"
    assert client.get(path).json() == expected
    assert client.get(STAGES).json()["results"] == [expected]
    assert client.patch(path, {"throw_error": True}).json() == expected | {"throw_error": True}
    assert client.put(path, {"name": "stage", "loud": sent}).json()["loud"] == answered
    with client.store.database.snapshot() as session:
        assert client.store.repository("authentik_stages_dummy.dummystage").read(session, new["pk"])["loud"] == sent


def test_a_default_keeps_what_is_write_only_within_it(served):
    served_default = [*HOLDER, f"  {SECRET}", "x-create-default: {shown: a, pin: TOP}", "example: {shown: a}"]
    client = served(*described(served_default))
    for name in ("a", "b"):
        new = created(client, STAGES, name=name)
        assert new["loud"] == {"shown": "a"}
        with client.store.database.snapshot() as session:
            stored = client.store.repository("authentik_stages_dummy.dummystage").read(session, new["pk"])
        assert stored["loud"] == {"shown": "a", "pin": "TOP"}


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
def test_a_property_that_only_some_values_have_write_only_is_a_finding(served, keyword):
    with pytest.raises(ContractError) as caught:
        served(
            *described([f"{keyword}:", "  - type: object", "    properties:", f"      {SECRET}", "  - type: string"])
        )
    found = [str(finding) for finding in caught.value.findings]
    assert any(
        "dummy.yaml" in one and "Whether this property is `writeOnly` depends on the value" in one for one in found
    ), found


def test_a_new_reference_leads_nowhere_or_is_left_out_if_it_may_not_be_null(served, make_flow):
    old = created(served(), STAGES, name="old")
    lead = ["format: uuid", "x-references: {to: flows, on_delete: set_default}"]
    client = served(*added([*lead, "nullable: true"]))
    assert client.get(STAGES).json()["results"] == [old | {"loud": None}]
    client = served(*added(lead))
    flow = created(client, FLOWS, **make_flow())
    assert client.get(STAGES).json()["results"] == [old]
    assert client.patch(f"{STAGES}{old['pk']}/", {"loud": flow["pk"]}).json() == old | {"loud": flow["pk"]}
    assert counted(client) == {}


def test_a_default_is_filled_in_whatever_else_an_object_shows(served, make_flow):
    old = created(served(), FLOWS, **make_flow(slug="flow"))
    after = "        denied_action:\n          allOf"
    layout = "        layout:\n          $ref: '#/components/schemas/FlowLayoutEnum'\n"
    themed = "        themed:\n          type: string\n          nullable: true\n          readOnly: true\n"
    default = "          description: None.\n          default: null\n"
    client = served((layout + after, themed + default + after))
    assert client.get(f"{FLOWS}flow/").json() == old | {"themed": None}


def test_an_application_whose_contract_gives_no_default_launch_url_has_none(served):
    messages = "      x-messages: {pattern: Enter a valid URL.}\n"
    client = served((f"{messages}      x-create-default: ''\n", messages))
    answer = client.post("/api/v3/core/applications/", {"name": "Wiki", "slug": "wiki"})
    assert (answer.status, answer.json()["launch_url"]) == (201, None)
