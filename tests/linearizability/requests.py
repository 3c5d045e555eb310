"""Operations as requests to the API, and responses as results of operations."""

import contextlib
import json

from tests.asgi import FLOWS
from tests.forms import form
from tests.linearizability.history import UNKNOWN
from tests.linearizability.model import (
    DONE,
    FAILURE,
    MISSING,
    SUCCESS,
    TAKEN,
    Change,
    Create,
    Delete,
    Flow,
    Get,
    Import,
    List,
)

DESIGNATION = "recovery"
ENTRY = """- model: authentik_flows.flow
  state: {state}
  identifiers: {{slug: {slug}}}
  conditions: [{condition}]
  attrs: {{name: "{name}", title: "{title}", designation: recovery}}
"""
# Of a condition that a flow is not there.
UNLESS = "!Condition [NOR, !Find [authentik_flows.flow, [slug, {slug}]]]"


class Requests:
    """The requests on some flows of a server that has others too.

    :param prefix: what the slugs of these flows begin with there
    """

    def __init__(self, prefix):
        self._prefix = prefix

    def request(self, call):
        """The request of an operation. :returns: method, target, headers, body"""
        match call:
            case Create(flow):
                return self._json("POST", FLOWS, flow._asdict())
            case Change(slug, properties):
                return self._json("PUT" if call.whole else "PATCH", self._path(slug), dict(properties))
            case Delete(slug):
                return "DELETE", self._path(slug), {}, None
            case Get(slug):
                return "GET", self._path(slug), {}, None
            case List():
                return "GET", f"{FLOWS}?page_size=1000", {}, None
            case Import(entries):
                content = "entries:\n" + "".join(map(self._entry, entries))
                body, headers = form(file=("a.yaml", "application/yaml", content.encode()))
                return "POST", f"{FLOWS}import/", dict(headers), body
        raise TypeError(call)

    def result(self, call, response):
        """The result that a response means; its text if it means none."""
        if response is None or response.status == 503:
            return UNKNOWN
        with contextlib.suppress(ValueError, KeyError, TypeError):
            result = self._read(call, response.status, response.json() if response.body else None)
            if result is not None:
                return result
        return f"{response.status} {response.body[:200].decode(errors='replace')}"

    def _read(self, call, status, body):
        match call, status:
            case (Create(), 201) | (Change() | Get(), 200):
                return self._flow(body)
            case Change() | Delete() | Get(), 404:
                return MISSING
            case Create() | Change(), 400 if body.keys() == {"slug"}:
                return TAKEN
            case Delete(), 204:
                return DONE
            case List(), 200:
                listed = [flow for flow in body["results"] if flow["slug"].startswith(self._prefix)]
                flows = frozenset(map(self._flow, listed))
                return flows if len(flows) == len(listed) else None
            case Import(), 200 if body["success"]:
                return SUCCESS
            case Import(), 200:
                errors = [log["event"] for log in body["logs"] if log["log_level"] == "error"]
                # This is what the specification calls a failure; any other shows as what it is.
                return FAILURE if errors and all("must_created" in error for error in errors) else "; ".join(errors)
        return None

    def _path(self, slug):
        return f"{FLOWS}{self._prefix}{slug}/"

    def _json(self, method, target, properties):
        properties = properties | ({"slug": self._prefix + properties["slug"]} if "slug" in properties else {})
        if method != "PATCH":
            properties |= {"designation": DESIGNATION}
        return method, target, {"Content-Type": "application/json"}, json.dumps(properties).encode()

    def _flow(self, properties):
        return Flow(properties["slug"].removeprefix(self._prefix), properties["name"], properties["title"])

    def _entry(self, entry):
        condition = "" if entry.unless is None else UNLESS.format(slug=self._prefix + entry.unless)
        flow = entry.flow._replace(slug=self._prefix + entry.flow.slug)
        return ENTRY.format(state=entry.state, condition=condition, **flow._asdict())
