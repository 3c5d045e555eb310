"""Kind files of kinds, and what their template makes of them."""

import shutil
from pathlib import Path

import pytest
import yaml

from app.contract.checks.drafts import Draft
from app.contract.document.bundling import read
from app.settings import Settings
from tests.contract_files import copied, replaced, shipped

ROOT = Settings().contract
KINDS = [name for names in yaml.safe_load(ROOT.read_text("utf-8"))["x-kinds"].values() for name in names]
STAGES = "/api/v3/stages/"
VERBS = ("list", "create", "retrieve", "update", "partial_update", "destroy", "used_by_list")


def text_of(name):
    return (ROOT.parent / name).read_text("utf-8")


def line_of(name, text):
    """The number of the first line of a file that has a text."""
    return next(number for number, line in enumerate(text_of(name).splitlines(), 1) if text in line)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_a_short_file_of_seven_operations_but_for_those_that_it_leaves_out(name):
    kind = yaml.safe_load(text_of(name))
    # A collection of one kind has all about the collection in its file.
    assert len(text_of(name).splitlines()) <= 100 or "objects" in kind
    left_out = {"create", "update", "partial_update"} if kind.get("read_only") else set()
    left_out |= {"destroy", "used_by_list"} if kind.get("permanent") else set()
    made = {spec["operationId"] for *_, spec in shipped().operations()}
    assert {verb for verb in VERBS if f"{kind['operations']}_{verb}" in made} == {*VERBS} - left_out


def test_the_bundled_contract_is_plain_openapi():
    text = shipped().text.decode()
    assert not [word for word in ("x-kinds", "${", "$for", "$unless", "$merge") if word in text]


def test_a_broken_rule_is_at_the_line_of_the_short_file_that_asked_for_it(client):
    rejected = client.post(f"{STAGES}captcha/", {"name": "a", "public_key": " ", "private_key": "b"})
    assert rejected.json() == {"public_key": ["This field may not be blank."]}
    line = line_of("stages/captcha.yaml", "  public_key:") + 1
    assert rejected.headers["x-contract-rule"].startswith(f"openapi/stages/captcha.yaml:{line}:")


def test_a_broken_rule_that_all_kinds_have_is_at_the_line_of_the_template(client):
    missing = client.get(f"{STAGES}deny/00000000-0000-4000-8000-000000000000/")
    assert missing.status == 404
    assert missing.headers["x-contract-rule"].startswith("openapi/kind.yaml:")


def test_a_broken_rule_of_a_collection_is_at_the_line_of_the_short_file_that_chose_it(client):
    rejected = client.post(f"{STAGES}deny/", {})
    assert rejected.json() == {"name": ["This field is required."]}
    line = line_of("stages/deny.yaml", "collection:")
    assert rejected.headers["x-contract-rule"].startswith(f"openapi/stages/deny.yaml:{line}:")


def test_a_broken_rule_of_requests_only_is_at_its_line_of_the_collection(client):
    rejected = client.post("/api/v3/core/users/", {"username": "", "name": "a"})
    assert rejected.json() == {"username": ["This field may not be blank."]}
    assert rejected.headers["x-contract-rule"].startswith(
        f"openapi/core/users.yaml:{line_of('core/users.yaml', 'minLength: 1')}:"
    )


def test_an_operation_beside_the_seven_has_the_responses_of_all():
    paths = shipped().document["paths"]
    common = {"403", "405", "406", "503"}
    put, me = paths["/core/groups/{group_uuid}/add_user/"]["post"], paths["/core/users/me/"]["get"]
    assert put["responses"].keys() == {"204", "400", "404", "413", "415"} | common
    assert me["responses"].keys() == {"200", "404"} | common
    view = paths["/core/tokens/{identifier}/view_key/"]["get"]
    assert view["responses"].keys() == {"200", "400", "404"} | common
    assert view["security"] == put["security"] == me["security"] == [{"authentik": []}]


def test_a_rule_across_properties_may_name_the_property_of_its_message(client):
    body = {"name": "a", "not_configured_action": "configure"}
    rejected = client.post(f"{STAGES}authenticator/validate/", body)
    message = 'When "Not configured action" is set to "Configure", you must set a configuration stage.'
    assert (rejected.status, rejected.json()) == (400, {"not_configured_action": [message]})


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("No entry.", "Nobody enters.", ("paths", "/stages/deny/", "post", "requestBody")),
        ("creating: Create ${names.one}", "creating: Make ${names.one}", ("paths", "/stages/deny/", "post", "summary")),
    ],
    ids=["kind file", "template"],
)
def test_an_edit_of_a_short_file_or_of_the_template_is_followed(tmp_path, old, new, place):
    contract = copied(tmp_path / "openapi")
    draft = Draft()
    before = draft.read(contract, None).at(place)
    assert not draft.files.outdated()
    replaced(contract, old, new)
    assert draft.files.outdated()
    after = draft.read(contract, None).at(place)
    assert after != before
    assert after == read(contract).at(place)


def test_a_contract_without_kinds_needs_no_template(tmp_path):
    folder = shutil.copytree(Path(__file__).parent / "parted", tmp_path / "parted")
    assert len(read(folder / "small.yaml").files) == 3


def test_stages_that_are_in_no_flow_are_found(client, make_flow):
    flow = client.post("/api/v3/flows/instances/", make_flow()).json()
    free, bound = (client.post(f"{STAGES}invitation/stages/", {"name": name}).json() for name in ("free", "bound"))
    body = {"target": flow["pk"], "stage": bound["pk"], "order": 0}
    assert client.post("/api/v3/flows/bindings/", body).status == 201
    for wanted, expected in (("true", free), ("false", bound)):
        found = client.get(f"{STAGES}invitation/stages/", query=f"no_flows={wanted}").json()["results"]
        assert [each["pk"] for each in found] == [expected["pk"]]
