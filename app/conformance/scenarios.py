"""Replay of recorded scenarios: does a deployment run flows like authentik 2024.8.6?

A scenario is a sequence of exchanges of several clients, each with cookies of its own. It compares the status, the JSON, the
cookies and `Location` of each response. Identifiers differ from run to run: each one of the recording stands for one of the
deployment.
"""

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from app.conformance.raw_http import RawClient, RawResponse
from app.conformance.replay import ADMIN, SetupError

CSRF_COOKIE, CSRF_HEADER = "authentik_csrf", "X-authentik-CSRF"

Scenario = Mapping[str, Any]
Exchange = Mapping[str, Any]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?")
# A JSON number in a request whose value is only known when the request is sent.
_INTEGER = re.compile(r'"\$\{int:(\w+)\}"')
# Properties with integer keys of users.
_KEYS = frozenset({"pk", "user", "users"})
_MASK = re.compile("<[a-z]+>")
_HEADERS = ("location", "x-frame-options")
_PAGE = "<html page>"


def read_scenarios(path: Path) -> list[Scenario]:
    """Read scenarios, one a line. :raises OSError: the file can't be read"""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@dataclass
class Player:
    """Sends the exchanges of one scenario to a deployment.

    :param wire: the deployment, in the base state of the scenario
    :param scenario: the scenario
    :param token: the deployment's superuser token
    :param wait: lets some seconds pass
    """

    wire: RawClient
    scenario: Scenario
    token: str = ADMIN
    wait: Callable[[float], None] = time.sleep
    saved: dict[str, str] = field(default_factory=dict)
    _jars: dict[str, dict[str, str]] = field(default_factory=dict)
    _before: dict[tuple[str, int], dict[str, str]] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)

    def set_up(self) -> None:
        """Create the objects of the scenario. :raises SetupError: they can't be created"""
        for request in self.scenario["setup"]:
            self._set_up(request)

    def play(self) -> Iterator[list[str]]:
        """The differences of each exchange, in order, after `set_up`."""
        for variable, value in (self.scenario.get("vars") or {}).items():
            if variable in self.saved:
                self._known[value] = self.saved[variable]
        for number, exchange in enumerate(self.scenario["exchanges"]):
            for client, jar in self._jars.items():
                self._before[client, number] = dict(jar)
            if "after" in exchange:
                self.wait(exchange["after"])
            yield self._compare(exchange, self._send(exchange))

    def _set_up(self, request: Mapping[str, Any]) -> None:
        headers = [("Authorization", f"Bearer {self.token}"), ("Content-Type", "application/json")]
        body = self._filled(json.dumps(request["body"])).encode() if request.get("body") is not None else None
        response = self.wire.send(request["method"], self._filled(request["path"]), headers, body)
        if response.status != request["status"]:
            raise SetupError(
                f"{request['method']} {request['path']} was answered {response.status}: {response.body[:300]!r}"
            )
        try:
            self._save(request, response)
        except LookupError as error:
            raise SetupError(
                f"{request['method']} {request['path']} does not return what the scenario needs"
            ) from error

    def _save(self, request: Mapping[str, Any], response: RawResponse) -> None:
        for variable, path in request.get("save", {}).items():
            value: Any = response.json()
            for key in path.split("."):
                value = value[int(key) if isinstance(value, list) else key]
            self.saved[variable] = str(value)

    def _filled(self, text: str) -> str:
        text = _INTEGER.sub(lambda match: self.saved[match[1]], text)
        return Template(text).safe_substitute(self.saved)

    def _send(self, exchange: Exchange) -> RawResponse:
        client = exchange["client"]
        jar = self._jars.setdefault(client, {})
        if copied := exchange.get("jar_copy"):
            jar.update(self._before[copied["client"], copied["before_exchange"]])
        target = self._filled(exchange["path"])
        if "query" in exchange:
            target += "?" + self._filled(exchange["query"])
        sent_by = [(name, value.replace(ADMIN, self.token)) for name, value in exchange.get("headers", ())]
        headers = [(name, self._filled(value)) for name, value in sent_by]
        if exchange.get("csrf"):
            headers.append((CSRF_HEADER, jar.get(CSRF_COOKIE, "")))
        sent = {name: value for name, value in jar.items() if name in exchange.get("cookies_sent", jar)}
        if exchange.get("cookies", True) and sent:
            headers.append(("Cookie", "; ".join(f"{name}={value}" for name, value in sent.items())))
        response = self.wire.send(exchange["method"], target, headers, self._body(exchange))
        for cookie in response.cookies:
            name, value, attributes = _parsed(cookie)
            if "Max-Age=0" in attributes:
                jar.pop(name, None)
            else:
                jar[name] = value
        if "save" in exchange:
            with contextlib.suppress(KeyError, ValueError):
                self._save(exchange, response)
        return response

    def _body(self, exchange: Exchange) -> bytes | None:
        if "body_raw" in exchange:
            raw: str = exchange["body_raw"]
            # Bytes that are not UTF-8 were recorded as the replacement character.
            return raw.encode().replace("\ufffd".encode(), b"\xff")
        return self._filled(json.dumps(exchange["body"])).encode() if "body" in exchange else None

    def _compare(self, exchange: Exchange, response: RawResponse) -> list[str]:
        found = []
        if response.status != exchange["status"]:
            found.append(f"status {response.status} instead of {exchange['status']}")
        recorded = exchange["response_headers"]
        for name in _HEADERS:
            wanted = recorded.get(name, "")
            if not self._same(wanted, response.headers.get(name, "")):
                found.append(f"{name} {response.headers.get(name)!r} instead of {wanted!r}")
        cookies = sorted((name, *_shown(attributes)) for name, _, attributes in map(_parsed, response.cookies))
        wanted_cookies = sorted((one["name"], *_shown(one["attributes"])) for one in exchange.get("set_cookies", ()))
        if cookies != wanted_cookies:
            found.append(f"cookies {cookies} instead of {wanted_cookies}")
        if "response_json" in exchange:
            try:
                body = response.json()
            except ValueError:
                body = response.body.decode("utf-8", "replace")
            if not self._same(exchange["response_json"], body):
                found.append(f"body {_text(body)} instead of {_text(exchange['response_json'])}")
        elif exchange.get("response_text", _PAGE) != _PAGE and response.body.decode() != exchange["response_text"]:
            found.append(f"text {response.body[:300]!r} instead of {exchange['response_text'][:300]!r}")
        return found

    def _same(self, recorded: Any, value: Any, name: str = "") -> bool:
        """Whether a value equals the recorded one, apart from masked parts and identifiers."""
        if isinstance(recorded, dict):
            return (
                isinstance(value, dict)
                and recorded.keys() == value.keys()
                and all(self._same(recorded[key], value[key], key) for key in recorded)
            )
        if isinstance(recorded, list):
            return (
                isinstance(value, list)
                and len(recorded) == len(value)
                and all(self._same(one, other, name) for one, other in zip(recorded, value, strict=True))
            )
        if isinstance(recorded, str) and _MASK.fullmatch(recorded):
            return value is not None
        if isinstance(recorded, str) and isinstance(value, str):
            return self._same_text(recorded, value)
        if name in _KEYS and type(recorded) is type(value) is int:
            return self._known.setdefault(f"key {recorded}", str(value)) == str(value)
        return type(recorded) is type(value) and recorded == value

    def _same_text(self, recorded: str, value: str) -> bool:
        recorded = _TIME.sub("<date>", recorded.replace("${host}", self.wire.host))
        value = _TIME.sub("<date>", value)
        wanted, came = _UUID.findall(recorded), _UUID.findall(value)
        if _UUID.sub("<id>", recorded) != _UUID.sub("<id>", value):
            return False
        return all(self._known.setdefault(one, other) == other for one, other in zip(wanted, came, strict=True))


def _parsed(cookie: str) -> tuple[str, str, Sequence[str]]:
    """Name, value and attributes of a `Set-Cookie` header."""
    pair, *attributes = (part.strip() for part in cookie.split(";"))
    name, _, value = pair.partition("=")
    return name, value, attributes


def _shown(attributes: Sequence[str]) -> list[str]:
    """The attributes of a cookie, sorted, without dates in the future."""
    return sorted("expires=<date>" if re.match(r"expires=(?!Thu, 01 Jan 1970)", one) else one for one in attributes)


def _text(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)[:900]
