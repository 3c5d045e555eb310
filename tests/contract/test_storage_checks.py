"""What a contract says and the code behind it can't keep is found before it is served."""

import dataclasses
from pathlib import Path

import pytest

from app.application import create_app, open_store
from app.contract.document.findings import ContractError
from tests.asgi import Client
from tests.contract_files import copied, load, replaced

DENIED = "        denied_action: &denied_action\n          allOf:\n            - $ref: '#/components/schemas/DeniedActionEnum'\n"
MODE = "        compatibility_mode: &compatibility_mode\n          type: boolean\n"
DEFAULT = "Who may enter the flow. The default is `none`.\n          x-create-default: none\n"
TITLE = (
    "        title: &title\n          type: string\n          minLength: 1\n"
    r"          pattern: '^[^\x00]*[^\x00\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\x00]*$'"
    "\n"
)
PAGE = "        type: integer\n        minimum: 1\n        default: 1\n"
ORDER = "    type: integer\n    description: Position of the stage in the flow; the lowest comes first.\n"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (DENIED, f"{DENIED}          nullable: true\n", "'denied_action' can't be null in the store."),
        (
            MODE,
            MODE.replace("          type: boolean\n", ""),
            "The store keeps 'compatibility_mode' as boolean, and not as a value of any type.",
        ),
        (
            DEFAULT,
            "Who may enter the flow. The default is `none`.\n",
            "A new object may lack 'authentication', which the store requires.",
        ),
        (ORDER, ORDER.replace("integer", "whole"), "The store keeps 'order' as a 32-bit integer."),
        (PAGE, PAGE.replace("integer", "number"), "The handler takes 'page' as integer, and not as number."),
        (
            PAGE,
            PAGE.replace("        default: 1\n", ""),
            "The handler requires 'page', which is optional here.",
        ),
        (TITLE, TITLE.split(r"^[^\x00]*[")[0] + "^.'\n", "The store can't keep NUL characters in 'title'."),
        (
            "    required: [url]\n",
            "",
            "The handler requires 'url', which may be missing or null.",
        ),
        (
            "      url:\n        type: string\n        maxLength: 500\n        pattern: '^[^\\x00]*$'\n",
            "      url:\n        type: string\n        maxLength: 500\n        pattern: '^.*$'\n",
            "The store can't keep NUL characters in 'url'.",
        ),
        (
            "      url:\n        type: string\n",
            "      url:\n        type: string\n        readOnly: true\n",
            "The handler takes 'url' from the body, which has no such property.",
        ),
        (
            "              required: [file]\n",
            "",
            "The handler requires 'file', which may be missing or null.",
        ),
        (
            "        - name\n        - slug\n        - title\n",
            "        - name\n        - slug\n",
            "A new object may lack 'title', which the store requires.",
        ),
    ],
)
def test_what_the_store_or_a_handler_can_not_take(tmp_path, old, new, problem):
    contract = copied(tmp_path / "contract")
    texts = {path: path.read_text("utf-8") for path in contract.parent.rglob("*.yaml")}
    (changed,) = [path for path, text in texts.items() if text.count(old) == 1][:1]
    changed.write_text(texts[changed].replace(old, new), "utf-8")
    with pytest.raises(ContractError) as caught:
        load(contract)
    assert problem in {finding.problem for finding in caught.value.findings}
    assert {Path(finding.location.file).name for finding in caught.value.findings} <= {changed.name, contract.name}


ANY = "{example: false, "


def with_answer(settings, folder, response):
    """Settings with a contract that describes one property of an answer otherwise than that of the body."""
    contract = copied(folder)
    replaced(contract, "throw_error:\n    type: boolean\n", "throw_error:\n    type: odd\n")
    odd = f"\ntypes:\n  odd:\n    response: {response}\n    request: {{type: boolean}}\n    filter: {{schema: {{type: boolean}}}}\n"
    template = contract.parent / "kind.yaml"
    template.write_text(template.read_text("utf-8").replace("\ntypes:\n", odd, 1), "utf-8")
    return dataclasses.replace(settings, contract=contract)


@pytest.mark.parametrize("response", [ANY + "type: boolean, nullable: true}", ANY + "enum: [true, false]}", ANY + "}"])
def test_an_answer_may_admit_more_than_the_body(settings, tmp_path, response):
    load(with_answer(settings, tmp_path / "contract", response).contract)


@pytest.mark.parametrize("response", [ANY + "type: boolean, enum: [false]}", ANY + "allOf: [{enum: [false]}]}"])
def test_an_answer_that_admits_less_than_the_body_is_a_finding(settings, tmp_path, response):
    changed = with_answer(settings, tmp_path / "contract", response)
    with pytest.raises(ContractError) as caught:
        load(changed.contract)
    template = (changed.contract.parent / "kind.yaml").read_text("utf-8")
    line = template[: template.index(response)].count("\n") + 1
    assert {finding.location.line for finding in caught.value.findings} == {line}
    assert "The response admits fewer values of 'throw_error' than the request." in {
        finding.problem for finding in caught.value.findings
    }


def served(settings, path, *replacements):
    """A client of an application with some text of one file of the contract replaced."""
    contract = copied(path)
    dummy = contract.parent / "stages" / "dummy.yaml"
    for old, new in replacements:
        assert old in dummy.read_text("utf-8")
        dummy.write_text(dummy.read_text("utf-8").replace(old, new), "utf-8")
    changed = dataclasses.replace(settings, contract=contract)
    loaded = load(contract)
    store = open_store(changed, loaded)
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    return Client(create_app(changed, contract=loaded, store=store), "root")


def test_what_a_new_object_lacks_is_left_out(settings, tmp_path):
    client = served(settings, tmp_path / "contract", ("    x-create-default: false\n", ""))
    created = client.post("/api/v3/stages/dummy/", {"name": "a"})
    assert (created.status, "throw_error" in created.json()) == (201, False)
    assert client.get("/api/v3/stages/dummy/").json()["results"] == [created.json()]


def test_what_is_write_only_is_stored_and_not_answered(settings, tmp_path):
    default = "    x-create-default: false\n"
    client = served(settings, tmp_path / "contract", (default, "    writeOnly: true\n"))
    created = client.post("/api/v3/stages/dummy/", {"name": "a", "throw_error": True})
    assert (created.status, "throw_error" in created.json()) == (201, False)
