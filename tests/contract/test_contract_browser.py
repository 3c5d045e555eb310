"""The pages of the contract: what they show of its parts, and that nothing in it counts as markup."""

import html
import re

import pytest

from app import pages
from app.contract.document.bundling import read
from app.contract.document.code_frames import CodeFrame
from app.contract.document.findings import Finding, Location
from app.contract.serve.compiled_contract import ActiveContract
from app.settings import Settings
from tests.asgi import Client
from tests.contract.widgets import CONTRACT

LINE = re.compile(r'class="place" href="/contract/files/([\w/.-]+)#L(\d+)">([\w/.-]+):(\d+):\d+</a>')


def page_of(client, path):
    response = client.get(f"/contract/{path}")
    assert (response.status, response.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
    return whole_words(response.body.decode())


def whole_words(page):
    """A page without the places where a name may be broken."""
    return page.replace("<wbr>", "")


def text_of(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_every_part_has_a_page_with_all_that_the_contract_says(client, contract):
    overview = page_of(client, "")
    for _, path, method, operation in contract.operations():
        address = f"operations/{operation['operationId']}/"
        assert f'href="/contract/{address}"' in overview
        page = text_of(page_of(client, address))
        shown = [f"{method.upper()} /api/v3{path}", operation["summary"], *operation.get("x-required-permissions", ())]
        shown += [contract.resolve((), parameter)[1]["name"] for parameter in operation.get("parameters", ())]
        shown += operation["responses"]
        assert all(part in page for part in shown), operation["operationId"]
    for name, schema in contract.document["components"]["schemas"].items():
        assert f'href="/contract/schemas/{name}/"' in overview
        page = text_of(page_of(client, f"schemas/{name}/"))
        assert all(property_name in page for property_name in schema.get("properties", ())), name
        assert all(f" {value} " in page for value in schema.get("enum", ())), name


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("operations/stages_dummy_create/", "name string required Name shown to administrators, unique among"),
        (
            "operations/flows_instances_list/",
            "designation query FlowDesignationEnum Only flows of this designation. authentication authorization",
        ),
        (
            "operations/flows_instances_create/",
            "required Purpose of the flow. authentication authorization invalidation enrollment unenrollment recovery",
        ),
        ("operations/stages_dummy_used_by_list/", "stage_uuid path string (uuid) required"),
        ("operations/stages_dummy_used_by_list/", "application/json : array of UsedBy"),
        ("operations/stages_dummy_update/", "authentik_stages_dummy.change_dummystage : Change dummy stages."),
        ("schemas/DummyStage/", "It has all properties of Stage ."),
        ("schemas/DummyStage/", "Operations stages_dummy_create stages_dummy_retrieve stages_dummy_update"),
        ("schemas/DummyStage/", "Schemas PaginatedDummyStageList"),
        ("schemas/DummyStageRequest/", "throw_error boolean Whether the stage fails on purpose."),
        ("schemas/GenericError/", " flows_instances_list "),
        ("schemas/FlowRequest/", "maxLength: 50"),
    ],
)
def test_a_part_as_it_is_shown(client, path, shown):
    assert shown in text_of(page_of(client, path))


def test_each_place_is_a_line_of_a_file_that_is_shown(client, contract):
    page = page_of(client, "operations/stages_dummy_create/")
    places = LINE.findall(page)
    assert {path for path, *_ in places} == {
        "kind.yaml",
        "stages/dummy.yaml",
        "stages/all.yaml",
        "authentik-flows.yaml",
    }
    for path, anchor, name, line in places:
        assert (f"openapi/{path}", anchor) == (name, line)
        lines = re.findall(
            r'<li id="L(\d+)"><a href="#L\d+">\d+</a><code>(.*)</code></li>', page_of(client, f"files/{path}")
        )
        lines = [(anchor, re.sub(r"</?span[^>]*>", "", code)) for anchor, code in lines]
        text = client.get(f"/contract/raw/{path}").body
        assert text == contract.texts[name]
        assert [html.unescape(code) for _, code in lines] == text.decode().splitlines()
        assert lines[int(line) - 1][0] == line
    place = contract.locate(("paths", "/stages/dummy/", "post"))
    assert ("kind.yaml", str(place.line)) in {(path, anchor) for path, anchor, *_ in places}


@pytest.mark.parametrize(
    "path",
    [
        "operations/nope/",
        "schemas/nope/",
        "files/nope.yaml",
        "files/authentik-flows.allow",
        "files/../pyproject.toml",
        "raw/%2e%2e/pyproject.toml",
        "raw//etc/passwd",
    ],
)
def test_what_the_contract_does_not_have_is_not_found(client, path):
    response = client.get(f"/contract/{path}")
    assert response.status == 404
    assert response.json().keys() == {"detail"}


PLANTED = "<script>alert(1)</script>"


def test_nothing_in_the_contract_counts_as_markup(edited):
    client = edited(
        ("summary: List flows", f"summary: '{PLANTED} \"onload=alert(2)'"),
        ("Returns a page of the flows that", f"`{PLANTED}` **<img src=x onerror=alert(3)>** <b onclick=alert(4)>"),
        ("description: Only flows of this designation.", f"description: '{PLANTED}'"),
        ("authentik_flows.view_flow: View flows.", f"authentik_flows.view_flow: '{PLANTED}'"),
        ("A stage that does nothing, to try flows with.\n\nproperties", f"{PLANTED}\n\nproperties"),
        ("description: 'Flows: ordered sequences", f"description: '{PLANTED}: ordered sequences"),
    )
    operation = page_of(client, "operations/flows_instances_list/")
    assert f"<code>{html.escape(PLANTED)}</code> <strong>&lt;img src=x onerror=alert(3)&gt;</strong>" in operation
    shown = [page_of(client, path) for path in ("", "schemas/DummyStage/", "files/authentik-flows.yaml")]
    for page in (operation, *shown, client.get("/").body.decode()):
        assert html.escape(PLANTED) in page
        assert not re.search(r"<(script|img|b)\b|<[^>]*\son\w+=", page)


def pages_of(contract, findings=()):
    """A client of the pages alone. :param findings: what keeps the contract that was saved last from being served"""
    active_contract = ActiveContract(contract, None, None)
    active_contract.findings = findings
    return Client(pages.create_app(active_contract, None, Settings(), None, None))


def test_another_contract_is_shown():
    contract = read(CONTRACT)
    client = pages_of(contract)
    for _, _, _, operation in contract.operations():
        assert operation["operationId"] in text_of(page_of(client, f"operations/{operation['operationId']}/"))
    for name in contract.document["components"]["schemas"]:
        assert name in text_of(page_of(client, f"schemas/{name}/"))
    assert client.get("/").status == 200
    assert client.get("/contract/files/widgets.yaml").status == 200


@pytest.mark.parametrize("path", ["/", "/docs/", "/contract/", "/contract/operations/flows_instances_list/"])
def test_each_page_tells_of_a_contract_that_can_not_be_served(contract, path):
    finding = Finding(Location("openapi/flows.yaml", 4, 5), f"The name '{PLANTED}' is taken.", "Give another.")
    said = pages_of(contract, (CodeFrame(finding, f"> 4 | {PLANTED}"),)).get(path).body.decode()
    notice = re.search(r'<aside class="notice" role="alert">(.*?)</aside>', said, re.DOTALL)[1]
    assert PLANTED not in said
    assert f"openapi/flows.yaml:4:5 The name '{PLANTED}' is taken. Give another. > 4 | {PLANTED}" in text_of(notice)
    assert 'role="alert"' not in pages_of(contract).get(path).body.decode()
