"""Replay of recorded requests: does a deployment respond like authentik 2024.8.6?

It compares the status, the media type and properties of a JSON response, and `Allow` on a 405. Identifiers differ from run to
run, so each UUID is replaced by its number; times are masked.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qsl

import orjson
import yaml

from app.conformance.raw_http import RawClient, RawResponse

ADMIN = "oracle-admin-token"
API = "/api/v3"
FLOWS = f"{API}/flows/instances/"

# The collections of a deployment, and the property that identifies an object in a path.
_COLLECTIONS = (
    (FLOWS, "slug"),
    (f"{API}/stages/all/", "pk"),
    (f"{API}/policies/all/", "pk"),
    (f"{API}/stages/prompt/prompts/", "pk"),
)

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?")
# The origin of the deployment.
_ORIGIN = re.compile(r"http://127\.0\.0\.1:\d+")
# authentik writes the date into exports, this server the names of the flows.
_EXPORTED = re.compile(r"authentik Export - [^\n]*")
_PAGE = "<html page>"
_KEY = re.compile(r"<key \d+>")
# A JSON number in a request whose value is only known when the request is sent.
_INTEGER = re.compile(r'"\$\{int:(\w+)\}"')
# Properties with integer keys of users, shown as text in `used_by`.
_KEYS = frozenset({"pk", "user", "users", "user_pk"})
# Generated properties with random values.
_GENERATED = frozenset({"avatar", "uid", "user_uid", "num_pk", "token"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

Case = Mapping[str, Any]


class SetupError(Exception):
    """The objects of a case can't be created on this deployment."""


@dataclass(frozen=True)
class Recording:
    """The recorded cases.

    :param cases: each with one request and its response
    :param fixtures: the requests that prepare an empty server, by name
    """

    cases: Sequence[Case]
    fixtures: Mapping[str, Sequence[Mapping[str, Any]]]

    @classmethod
    def read(cls, *folders: Path) -> "Recording":
        """Read and merge the recordings in folders. :raises OSError: one can't be read"""
        lines = [line for folder in folders for line in (folder / "cases.jsonl").read_bytes().splitlines()]
        fixtures = [json.loads((folder / "fixtures.json").read_bytes()) for folder in folders]
        # Recorded bodies contain lone surrogates on purpose, which orjson rejects.
        return cls([json.loads(line) for line in lines], dict(item for named in fixtures for item in named.items()))


@dataclass(frozen=True)
class Difference:
    """Cases with intentionally different responses.

    :param cases: ids, or patterns of them
    :param rule: the rule of `docs/compatibility.md` for them
    :param why: one sentence for users
    """

    cases: tuple[str, ...]
    rule: str
    why: str

    def covers(self, case_id: str) -> bool:
        """Whether a case is one of these; `*` is the only wildcard."""
        return any(fnmatchcase(case_id, re.sub(r"([\[?])", r"[\1]", pattern)) for pattern in self.cases)


def read_differences(path: Path) -> list[Difference]:
    """Read the differences in a file. :raises OSError: it can't be read"""
    return [
        Difference(tuple(entry["cases"]), str(entry["rule"]), entry["why"].strip())
        for entry in yaml.safe_load(path.read_text("utf-8"))
    ]


@dataclass
class Replay:
    """Sends cases to a deployment, each in the state of its recording.

    :param wire: the deployment; its flows, stages, policies and prompts are deleted
    :param recording: the cases
    :param tokens: the deployment's tokens by the recorded ones
    :param empty: deletes all objects; by requests if not given
    """

    wire: RawClient
    recording: Recording
    tokens: Mapping[str, str]
    empty: Callable[[], None] | None = None
    _prepared: str | None = field(default=None, init=False)
    _saved: dict[str, str] = field(default_factory=dict, init=False)

    def run(self, case: Case) -> list[str]:
        """Send a case and compare the responses.

        :returns: the differences, empty if there are none
        :raises SetupError: the objects of the case can't be created
        :raises OSError: the deployment does not respond
        """
        saved = self._prepare(case)
        if case["method"] not in _SAFE:
            self._prepared = None
        return compare(case, self._send(case, saved))

    def _prepare(self, case: Case) -> dict[str, str]:
        """Create the state of the case. States of cases that only read are reused."""
        name, steps = case["fixture"], case.get("steps", ())
        if self._prepared != name or steps:
            self._prepared = None
            (self.empty or self._empty)()
            self._saved = {}
            for request in self.recording.fixtures[name]:
                response = self._set_up(request)
                for variable, property_name in request.get("save", {}).items():
                    self._saved[variable] = str(_at(response, property_name))
            self._prepared = None if steps else name
        saved = dict(self._saved)
        # The steps use the identifiers of the recording.
        recorded: dict[str, str] = dict(case.get("vars") or {})
        created = [variable for variable in recorded if variable not in saved]
        for step in steps:
            own = {recorded[variable]: identity for variable, identity in saved.items() if variable in recorded}
            response = self._set_up(_with_identities(step, own))
            if step["method"] == "POST" and isinstance(response, dict) and "pk" in response and created:
                saved[created.pop(0)] = response["pk"]
        return saved

    def _set_up(self, request: Mapping[str, Any]) -> Any:
        path = Template(request.get("path_template", request["path"])).safe_substitute(self._saved)
        body = request.get("body_template", request.get("body"))
        if "$" in json.dumps(body):
            body = json.loads(_filled(json.dumps(body), self._saved))
        headers = [("Authorization", f"Bearer {self.tokens[ADMIN]}"), ("Content-Type", "application/json")]
        response = self.wire.send(request["method"], path, headers, None if body is None else orjson.dumps(body))
        if response.status >= 300 or response.status != request.get("status", response.status):
            raise SetupError(f"{request['method']} {path} was answered {response.status}")
        return response.json() if response.body else None

    def _empty(self) -> None:
        headers = [("Authorization", f"Bearer {self.tokens[ADMIN]}")]
        for path, property_name in _COLLECTIONS:
            response = self.wire.send("GET", path + "?page_size=100000", headers)
            if response.status != 200:
                raise SetupError(f"GET {path} was answered {response.status}: {response.body[:200]!r}")
            for found in response.json()["results"]:
                self.wire.send("DELETE", f"{path}{found[property_name]}/", headers)

    def _send(self, case: Case, saved: Mapping[str, str]) -> RawResponse:
        target = Template(case.get("path_template", case["path"])).safe_substitute(saved)
        if query := case.get("query_template", case.get("query")):
            target += "?" + Template(query).safe_substitute(saved)
        headers = [(name, self._own_token(value)) for name, value in case.get("headers", ())]
        return self.wire.send(case["method"], target, headers, body_of(case, saved), chunked=case.get("chunked", False))

    def _own_token(self, value: str) -> str:
        for recorded, own in self.tokens.items():
            value = value.replace(recorded, own)
        return value


def _with_identities(request: Mapping[str, Any], own: Mapping[str, str]) -> Mapping[str, Any]:
    """Replace identifiers of the recording in a request by those of this deployment."""
    text = json.dumps(request)
    for recorded, identity in own.items():
        text = text.replace(recorded, identity)
    replaced: Mapping[str, Any] = json.loads(text)
    return replaced


def leaves_something(case: Case) -> bool:
    """Whether a case creates a flow that no request can delete, because its path belongs to another operation."""
    return any(
        isinstance(body := request.get("body"), dict) and body.get("slug") in ("cache_info", "cache_clear", "import")
        for request in (case, *case.get("steps", ()))
    )


def _at(response: Any, path: str) -> Any:
    """A property of a response, possibly nested: `results.0.uuid`."""
    for key in path.split("."):
        response = response[int(key) if isinstance(response, list) else key]
    return response


def _filled(text: str, saved: Mapping[str, str]) -> str:
    """Replace variables in JSON by identifiers."""
    return Template(_INTEGER.sub(lambda match: saved[match[1]], text)).safe_substitute(saved)


def body_of(case: Case, saved: Mapping[str, str]) -> bytes | None:
    """The bytes of a case's body, None if it has none."""
    if "body_b64" in case:
        return base64.b64decode(case["body_b64"])
    if "body_raw" in case:
        raw: str = case["body_raw"]
        return raw.encode("utf-8", "surrogatepass")
    if "body_template" in case:
        return _filled(json.dumps(case["body_template"]), saved).encode()
    if "body" in case:
        return json.dumps(case["body"], ensure_ascii=False).encode("utf-8", "surrogatepass")
    return None


def compare(case: Case, response: RawResponse) -> list[str]:
    """The differences between a recorded response and an actual one, a sentence each."""
    found = []
    if response.status != case["status"]:
        found.append(f"status {response.status} instead of {case['status']}: {response.body[:300]!r}")
    recorded = case["response_headers"]
    if case["status"] == 405 and "allow" in recorded and response.headers.get("allow") != recorded["allow"]:
        found.append(f"Allow {response.headers.get('allow')!r} instead of {recorded['allow']!r}")
    if case.get("response_json") is not None:
        came, wanted = response.headers.get("content-type", ""), recorded["content-type"]
        if came.partition(";")[0] != wanted.partition(";")[0]:
            found.append(f"media type {came!r} instead of {wanted!r}")
        recorded_body = canonical(_without_ties(case, case["response_json"]))
        try:
            body = canonical(_without_ties(case, response.json()))
        except ValueError:
            body = response.body.decode("utf-8", "replace")
        if body != recorded_body:
            found.append(f"body {body[:600]} instead of {recorded_body[:600]}")
    elif case["group"] == "export" and case.get("response_text") not in (None, _PAGE):
        body, wanted = (_masked(text) for text in (response.body.decode("utf-8", "replace"), case["response_text"]))
        if body != wanted:
            found.append(f"text {body[:600]!r} instead of {wanted[:600]!r}")
    return found


def _without_ties(case: Case, body: Any) -> Any:
    """A page sorted by slug, if it is in the order of the case; authentik does not define the order of equal objects."""
    asked = [value for name, value in parse_qsl(case.get("query", "")) if name == "ordering"]
    if not asked or not isinstance(body, dict) or not body.get("results") or "slug" not in body["results"][0]:
        return body
    results = ordered = body["results"]
    for key in reversed([key.strip() for key in asked[-1].split(",")]):
        if (property_name := key.removeprefix("-")) in results[0]:
            ordered = sorted(ordered, key=lambda flow: flow[property_name], reverse=key != property_name)
    return {**body, "results": sorted(results, key=lambda flow: flow["slug"])} if ordered == results else body


def canonical(value: Any) -> str:
    """JSON in which identifiers are numbered by order of appearance, and times and random values are masked."""
    return _masked(json.dumps(_marked(value), sort_keys=True))


def _marked(value: Any, name: str = "") -> Any:
    """A value with its integer keys marked as such."""
    if isinstance(value, dict):
        return {key: f"<{key}>" if key in _GENERATED else _marked(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner, name) for inner in value]
    is_key = name in _KEYS and not isinstance(value, bool) and str(value).isdecimal()
    return f"<key {value}>" if is_key else value


def _masked(text: str) -> str:
    known: dict[str, str] = {}
    text = _UUID.sub(lambda match: known.setdefault(match[0], f"uuid-{len(known) + 1}"), text)
    text = _KEY.sub(lambda match: known.setdefault(match[0], f"key-{len(known) + 1}"), text)
    return _EXPORTED.sub("authentik Export", _ORIGIN.sub("origin", _TIME.sub("time", text)))


def by_state(cases: Sequence[Case]) -> Iterator[Case]:
    """The cases in an order that needs few setups: those that only read first, state by state."""
    order = list(dict.fromkeys(case["fixture"] for case in cases))
    yield from sorted(
        cases, key=lambda case: (order.index(case["fixture"]), case["method"] not in _SAFE or bool(case.get("steps")))
    )
