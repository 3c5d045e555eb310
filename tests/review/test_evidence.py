"""Changes planted in the contract, and the recorded exchanges of `tests/oracle/` that they break: those, and no others."""

import base64
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest

from app.conformance.replay import read_differences
from app.contract.document.bundling import read
from app.review.evidence import rate
from app.review.traffic import read_traffic
from tests.contract_files import copied, replaced

CASES = Path(__file__).parents[1] / "oracle" / "cases.jsonl"
FLOWS = "/api/v3/flows/instances/"
# No other path is the one of a flow, whatever its slug.
ONE_FLOW = FLOWS + r"(?!cache_info/|cache_clear/|import/)[^/.\0]+/"
RECORDED = [json.loads(line) for line in CASES.read_bytes().splitlines()]
# authentik took what these send, and the contract forbids it.
FORBIDDEN = [entry for entry in read_differences(CASES.parent / "differences.yaml") if entry.rule == "contract-wins"]


@pytest.fixture(scope="module")
def traffic():
    return read_traffic(CASES)


def is_taken(case):
    return case["status"] < 400 and not any(entry.covers(case["id"]) for entry in FORBIDDEN)


def is_flow(path):
    return re.fullmatch(FLOWS + r"([\w-]+/)?", path) and path != FLOWS + "cache_info/"


def body(case):
    if "body" in case:
        return case["body"]
    raw = case.get("body_raw") or base64.b64decode(case.get("body_b64", "")).decode("utf-8", "replace")
    try:
        return json.loads(raw)
    except ValueError:
        return None


def sends(property_name, right=lambda _: True, methods=("POST", "PUT", "PATCH")):
    """A flow is sent with this member."""

    def is_so(case):
        sent = body(case) if case["method"] in methods and is_flow(case["path"]) else None
        return is_taken(case) and isinstance(sent, dict) and property_name in sent and right(sent[property_name])

    return is_so


def asks(parameter, right=lambda _: True):
    """The list of flows is asked for with this parameter."""

    def is_so(case):
        values = parse_qs(case.get("query", ""), keep_blank_values=True).get(parameter)
        return is_taken(case) and is_a("GET", FLOWS)(case) and values is not None and right(values[-1])

    return is_so


def is_a(method, path, status=lambda status: status < 400):
    methods = ("GET", "HEAD") if method == "GET" else (method,)
    return lambda case: (
        case["method"] in methods and re.fullmatch(path, unquote(case["path"])) and status(case["status"])
    )


def responses(right):
    """Flows are answered, one of which is so."""

    def is_so(case):
        response = case.get("response_json")
        if not is_flow(case["path"]) or not isinstance(response, dict) or case["status"] >= 300:
            return False
        return any(map(right, response.get("results", [response] if "slug" in response else [])))

    return is_so


def is_long(text):
    return isinstance(text, str) and len(text.strip()) > 5


NOT = "\n          not"
ANSWERED = "\n          description: Unique name of the flow in URLs.\n        title"
SLUG = "maxLength: {}\n          pattern: ^[-a-zA-Z0-9_]+$"
RETRIEVED = """          description: The flow.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Flow'
              example: *flow
        '400':
          $ref: '#/components/responses/InvalidParameters'
        '403':
          $ref: '#/components/responses/Forbidden'
"""

PLANTED = {
    "a slug that is sent may have 5 characters": (
        [(SLUG.format(50) + NOT, SLUG.format(5) + NOT)],
        {"refused": sends("slug", is_long)},
    ),
    "a slug that is answered has 5 characters": (
        [(SLUG.format(50) + ANSWERED, SLUG.format(5) + ANSWERED)],
        {"broken": responses(lambda flow: is_long(flow["slug"]))},
    ),
    "there is no recovery": (
        [("        - recovery\n        - stage_configuration", "        - stage_configuration")],
        {
            "refused": lambda case: (
                sends("designation", lambda value: value == "recovery")(case)
                or asks("designation", lambda value: value == "recovery")(case)
            ),
            "broken": lambda case: (
                responses(lambda flow: flow["designation"] == "recovery")(case)
                and not sends("designation", lambda value: value == "recovery")(case)
                and not asks("designation", lambda value: value == "recovery")(case)
            ),
        },
    ),
    "flows are searched by another parameter": (
        [
            (
                "      name: search\n      in: query\n      description: |\n        Words, separated",
                "      name: q\n      in: query\n      description: |\n        Words, separated",
            )
        ],
        {"ignored": asks("search")},
    ),
    "a page holds 50 flows": (
        [
            (
                "      schema:\n        type: integer\n        default: 100",
                "      schema:\n        type: integer\n        maximum: 50\n        default: 100",
            )
        ],
        {"refused": asks("page_size", lambda text: text.lstrip("+").isdigit() and int(text) > 50)},
    ),
    "the cache can't be asked for": (
        [("  /flows/instances/cache_info/:\n", "  /flows/instances/cache/info/:\n")],
        {"refused": is_a("GET", FLOWS + "cache_info/")},
    ),
    "the layout is not answered": (
        [("        layout:\n          $ref: '#/components/schemas/FlowLayoutEnum'\n", "")],
        {"broken": responses(lambda flow: "layout" in flow)},
    ),
    "the layout can't be set": (
        [
            ("        layout: &layout\n          allOf:", "        form: &layout\n          allOf:"),
            ("        layout: *layout\n", ""),
        ],
        {"ignored": sends("layout")},
    ),
    "a flow has a color": (
        [("        - title\n\n    PatchedFlowRequest", "        - title\n        - color\n\n    PatchedFlowRequest")],
        {"refused": sends("slug", methods=("POST", "PUT"))},
    ),
    "there is always a flow": (
        [(RETRIEVED + "        '404':\n          $ref: '#/components/responses/NotFound'\n", RETRIEVED)],
        {"broken": is_a("GET", ONE_FLOW, lambda status: status == 404)},
    ),
    "an answer is never compatible": (
        [
            (
                "        compatibility_mode:\n          type: boolean\n",
                "        compatibility_mode:\n          type: boolean\n          enum: [false]\n",
            )
        ],
        {"broken": responses(lambda flow: flow["compatibility_mode"])},
    ),
    "a title is described": (
        [("          description: Title shown to users.\n", "          description: What users read.\n")],
        {},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_change(name, contract, traffic, tmp_path):
    edits, harms = PLANTED[name]
    changed = copied(tmp_path / "openapi")
    for old, new in edits:
        replaced(changed, old, new)
    evidence = rate(contract, read(changed), traffic)
    for kind in ("refused", "ignored", "broken"):
        expected = {case["id"] for case in RECORDED if harms.get(kind, lambda _: False)(case)}
        assert {harm.exchange for harm in getattr(evidence, kind)} == expected, kind
        assert (kind in harms) is bool(expected), kind
