"""Recorded traffic: what is read of a HAR file, and what two contracts say of it."""

import base64
import json

import pytest

from app.contract.document.bundling import read
from app.review.evidence import rate
from app.review.traffic import NoTraffic, read_traffic
from tests.review.changes import FOLDER, changed, unchanged


def entry(method="GET", url="https://things.example.com/api/things/", status=200, content=None, **request):
    return {
        "request": {"method": method, "url": url, "headers": [], **request},
        "response": {"status": status, "content": content or {}},
    }


def recorded(folder, *entries):
    path = folder / "recorded.har"
    path.write_text(json.dumps({"log": {"entries": entries}}), "utf-8")
    return read_traffic(path)


def test_har__what_is_read(tmp_path):
    text = json.dumps({"count": 0, "results": []})
    encoded = base64.b64encode(text.encode()).decode()
    (exchange,) = recorded(
        tmp_path,
        entry(
            "POST",
            "https://things.example.com/api/things/caf%C3%A9/?a=%20b",
            content={"mimeType": "application/json; charset=utf-8", "encoding": "base64", "text": encoded},
            headers=[{"name": "content-type", "value": "application/json"}],
            postData={"mimeType": "text/plain", "text": "{}"},
        ),
    )
    assert exchange.name == "#1 POST /api/things/caf%C3%A9/"
    assert (exchange.method, exchange.path, exchange.query) == ("POST", "/api/things/café/", b"a=%20b")
    assert (exchange.content_type, exchange.body) == ("application/json", b"{}")
    assert (exchange.status, exchange.response_type, exchange.response) == (200, "application/json", json.loads(text))


def test_har__what_is_not_known(tmp_path):
    """A request that was not answered, a form of which only the fields were kept, and an answer that is not JSON after all."""
    form = entry("POST", status=204, postData={"mimeType": "multipart/form-data", "params": []})
    broken = entry(content={"mimeType": "application/json", "text": "<p>"})
    exchanges = recorded(tmp_path, entry(status=0), form, broken)
    assert [exchange.name for exchange in exchanges] == ["#2 POST /api/things/", "#3 GET /api/things/"]
    assert exchanges[0].body is None
    assert exchanges[1].response is None


def test_har__what_can_not_be_used_is_told_by_its_number_and_the_rest_is_used(tmp_path):
    right = entry("POST", status=204, headers=None, postData={"mimeType": "application/json", "text": "{}"})
    unusual = entry(content={"mimeType": None, "text": None})
    cases = [
        ({"request": {"method": "GET", "url": "https://h/"}, "response": None}, None),
        ({"request": {"method": "GET", "url": "https://h/"}}, None),
        (entry(status=-1), None),
        (entry(status="204"), "entry 4 of recorded.har: its status '204' is not a number"),
        (entry(url="https://[::1/"), "entry 5 of recorded.har: its URL 'https://[::1/' is none"),
        (entry(url=None), "entry 6 of recorded.har: it has no method and URL"),
        ("no", "entry 7 of recorded.har: it is not an object"),
        ({"request": [], "response": {}}, "entry 8 of recorded.har: its `request` is not an object"),
        (
            entry("POST", postData={"text": "a", "encoding": "base64"}),
            "entry 9 of recorded.har: its body is not the base64 that it is said to be",
        ),
        (entry(url="https://h/?a=\ud800"), r"entry 10 of recorded.har: its URL 'https://h/?a=\ud800' is not ASCII"),
        (entry(url="https://h/\ud800/"), r"entry 11 of recorded.har: its URL 'https://h/\ud800/' is not ASCII"),
        (
            entry("POST", postData={"mimeType": "text/é", "text": "a"}),
            "entry 12 of recorded.har: its media type 'text/é' is not ASCII",
        ),
        (right, None),
        (unusual, None),
    ]
    path = tmp_path / "recorded.har"
    path.write_text(json.dumps({"log": {"entries": [made for made, _ in cases]}}), "utf-8")
    left_out = []
    assert [exchange.name for exchange in read_traffic(path, left_out)] == [
        "#13 POST /api/things/",
        "#14 GET /api/things/",
    ]
    assert left_out == [*(told for _, told in cases if told), "3 entries have no answer (recorded.har)"]


def test_evidence_says_how_much_of_the_traffic_was_used(tmp_path):
    recording = read_traffic(FOLDER / "recorded.har")
    found = str(rate(unchanged(), unchanged(), recording, ["1 entry has no answer (a.har)"]))
    assert found.endswith(
        " Not used: 1 of 4 requests is for no operation of the contract; 1 entry has no answer (a.har)."
    )
    elsewhere = recorded(tmp_path, entry(url="https://h/pre/api/things/"), entry(url="https://h/pre/api/trees/"))
    assert str(rate(unchanged(), unchanged(), elsewhere)).endswith(
        " Not used: 2 of 2 requests are for no operation of the contract; "
        "the API is at `/api/`, and `/pre/api/things/` was asked for."
    )


@pytest.mark.parametrize("text", ["[" * 300 + "]" * 300, r'{"results": ["\ud800"]}', r'{"\udfff": 1}'])
def test_a_recorded_response_that_can_not_be_validated_is_told_and_breaks_nothing(text, tmp_path):
    content = {"mimeType": "application/json", "text": text}
    recording = recorded(tmp_path, entry(content=content), entry(content=content, status=500))
    evidence = rate(unchanged(), unchanged(), recording)
    assert evidence.broken == ()


@pytest.mark.parametrize(("change", "broken"), [("more is required", 0), ("its kind is gone", 1)])
def test_an_alternative_with_further_members_breaks_no_answer(change, broken, tmp_path):

    edits = {
        "more is required": ["      required: [kind, side]\n", "      required: [kind, side, color]\n"],
        "its kind is gone": ["          enum: [square]\n", "          enum: [cube]\n"],
    }
    thing = {
        "pk": "8dff4ac2-5f84-4e0e-9f0a-2a90f9b5c3b1",
        "name": "a",
        "color": "red",
        "shape": {"kind": "square", "side": 1},
    }
    content = {"mimeType": "application/json", "text": json.dumps(thing)}
    traffic = recorded(tmp_path, entry(url="https://h/api/things/a/", content=content))
    evidence = rate(unchanged(), read(changed({"edit": [edits[change]]}, tmp_path / "new")), traffic)
    assert (evidence.exchanges, len(evidence.broken)) == (1, broken)


def test_traffic_of_any_server_is_used(tmp_path):
    servers = (
        "servers:\n  - url: https://things.example.com/{base}/\n    variables: {base: {default: v1}}\n  - url: /api/\n"
    )
    contract = read(changed({"edit": [["servers:\n  - url: /api/\n", servers]]}, tmp_path / "new"))
    evidence = rate(contract, contract, recorded(tmp_path, entry(), entry(url="https://things.example.com/v1/things/")))
    assert (evidence.exchanges, evidence.others) == (2, 0)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("it.har", "{}", "it.har is not an HTTP archive (HAR)"),
        ("it.har", '{"detail": "Token invalid/expired"}', "it has no `log` with a list of `entries`"),
        ("it.har", "[]", "it has no `log` with a list of `entries`"),
        ("it.har", "[" * 100_000, "it.har is not an HTTP archive (HAR): it is nested too deeply."),
        (
            "it.jsonl",
            "[" * 100_000,
            "it.jsonl is not a line of JSON for each request: line 1, it is nested too deeply.",
        ),
        ("it.har", '{"log": {"entries": null}}', "it.har is not an HTTP archive (HAR)"),
        ("it.har", "", "it.har is not an HTTP archive (HAR): line 1, column 1: Expecting value."),
        ("it.har", '{"log":\n{"entries"', "line 2, column 11: Expecting ':' delimiter."),
        ("it.jsonl", '{"id": "a"}', "it.jsonl is not a line of JSON for each request: line 1, it has no `method`."),
        ("it.jsonl", "[]", "line 1, a part of it has the wrong type."),
        ("it.jsonl", "no", "it.jsonl is not a line of JSON for each request: line 1, column 1: Expecting value."),
    ],
)
def test_no_traffic(name, text, message, tmp_path):
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(NoTraffic) as error:
        read_traffic(tmp_path / name)
    assert message in str(error.value)


def test_nothing_breaks_by_no_change():
    evidence = rate(unchanged(), unchanged(), read_traffic(FOLDER / "recorded.har"))
    assert (evidence.exchanges, evidence.others) == (3, 1)
    assert (evidence.refused, evidence.ignored, evidence.broken) == ((), (), ())


REQUEST = "              $ref: '#/components/schemas/ThingRequest'"
NOTE = "        note:\n          type: string\n"
NO_OPERATION = "there is no such operation"
PLANTED = {
    "a path moves": (["  /trees/:\n", "  /forests/:\n"], {"refused": {3: NO_OPERATION}}),
    "the API moves": (["- url: /api/", "- url: /api/v2/"], {"refused": dict.fromkeys((1, 2, 3), NO_OPERATION)}),
    "the API moves to another host": (["- url: /api/", "- url: https://api.example.com/api"], {}),
    "a parameter is renamed": (
        ["        - name: search\n", "        - name: q\n"],
        {"ignored": {1: "`search` would have no effect"}},
    ),
    "a list is to be sent": (
        [REQUEST, "              type: array\n              items: {}"],
        {"refused": {2: "non_field_errors: "}},
    ),
    "another status is answered": (
        ["        '201':\n", "        '202':\n"],
        {"broken": {2: "a 201 is not documented"}},
    ),
    "any success is answered": (["        '201':\n", "        2XX:\n"], {}),
    "any answer is answered": (["        '201':\n", "        default:\n"], {}),
    "further members are always answered": (
        [
            "        - pk\n        - name\n        - color\n",
            "        - pk\n        - name\n        - color\n        - weight\n",
        ],
        {},
    ),
    "another member takes the place of one": (
        [NOTE + "        labels:\n", "        remark:\n          type: string\n        labels:\n"],
        {"broken": {1: "`results.note` would be gone"}},
    ),
    "a text that is answered is short, and a member is gone": (
        [
            (
                "        name:\n          type: string\n          maxLength: 50\n        color:\n          allOf:\n"
                "            - $ref: '#/components/schemas/ColorEnum'\n          description: The color.\n"
            ),
            "        name:\n          type: string\n          maxLength: 3\n",
        ],
        {
            "broken": {
                1: 'results.0.name: "ball" is longer than 3 characters; `results.color` would be gone',
                2: 'name: "a thing with a name of more than forty letters" is longer than 3 characters; `color` would be gone',
            }
        },
    ),
    "a text that is answered is short": (
        [NOTE + "        labels", NOTE + "          maxLength: 5\n        labels"],
        {"broken": {1: "results.0.note: "}},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_change(name, tmp_path):
    edit, harms = PLANTED[name]
    new = read(changed({"edit": [edit]}, tmp_path / "new"))
    evidence = rate(unchanged(), new, read_traffic(FOLDER / "recorded.har"))
    for kind in ("refused", "ignored", "broken"):
        found = {int(harm.exchange[1]): harm.why for harm in getattr(evidence, kind)}
        expected = harms.get(kind, {})
        assert {number: why[: len(expected.get(number, ""))] for number, why in found.items()} == expected
