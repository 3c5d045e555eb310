"""Recorded traffic: what is read of a HAR file, and what two contracts say of it."""

import base64
import json

import pytest

from app.contract.bundling import read
from app.review.evidence import weigh
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
    assert (exchange.status, exchange.answer_type, exchange.answer) == (200, "application/json", json.loads(text))


def test_har__what_is_not_known(tmp_path):
    """A request that was not answered, a form of which only the fields were kept, and an answer that is no JSON after all."""
    form = entry("POST", status=204, postData={"mimeType": "multipart/form-data", "params": []})
    broken = entry(content={"mimeType": "application/json", "text": "<p>"})
    exchanges = recorded(tmp_path, entry(status=0), form, broken)
    assert [exchange.name for exchange in exchanges] == ["#2 POST /api/things/", "#3 GET /api/things/"]
    assert exchanges[0].body is None
    assert exchanges[1].answer is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("it.har", "{}", "it.har is not an HTTP archive (HAR)"),
        ("it.har", "[", "it.har is not an HTTP archive (HAR)"),
        ("it.jsonl", '{"id": "a"}', "it.jsonl is not a line of JSON for each request"),
        ("it.jsonl", "no", "it.jsonl is not a line of JSON for each request"),
    ],
)
def test_no_traffic(name, text, message, tmp_path):
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(NoTraffic) as error:
        read_traffic(tmp_path / name)
    assert message in str(error.value)


def test_nothing_breaks_by_no_change():
    evidence = weigh(unchanged(), unchanged(), read_traffic(FOLDER / "recorded.har"))
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
    "a text that is answered is short": (
        [NOTE + "        labels", NOTE + "          maxLength: 5\n        labels"],
        {"broken": {1: "results.0.note: "}},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_change(name, tmp_path):
    edit, harms = PLANTED[name]
    new = read(changed({"edit": [edit]}, tmp_path / "new"))
    evidence = weigh(unchanged(), new, read_traffic(FOLDER / "recorded.har"))
    for kind in ("refused", "ignored", "broken"):
        found = {int(harm.exchange[1]): harm.why for harm in getattr(evidence, kind)}
        expected = harms.get(kind, {})
        assert {number: why[: len(expected.get(number, ""))] for number, why in found.items()} == expected
