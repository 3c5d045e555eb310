"""Whether peers do what the project does: the same requests to all, and a sentence for each answer that differs."""

import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from app.store import Store
from app.store.engine.database import Session
from bench import data, servers
from bench.peers import Peer
from bench.peers.requests import BOUND, VIEWER, Check, checks

# Enough for the rare word of `data.flow`, and for pages that are not full.
_COUNT = 630

# How far the length of a fixed answer may lie from that of a right one.
_TOLERANCE = 0.1

_IDENTITIES = ("pk", "policybindingmodel_ptr_id")


def differences(engine: str, peers: Sequence[Peer], say: Callable[[str], None]) -> list[str]:
    """What peers answer differently from the project on one engine, each on a database of its own.

    :param say: is told whose answers are compared
    """
    say("starting the servers to compare their answers")
    names = [servers.PROJECT, *(peer.name for peer in peers)]
    found: list[str] = []
    with servers.databases(engine, names, _fill) as urls, servers.serve(urls) as running:
        right = [(check, _send(running[servers.PROJECT].url, check)) for check in checks()]
        for peer in peers:
            say(f"comparing the answers of {peer.title}")
            for check, expected in right:
                if (check.invalid and not peer.validates) or (peer.fixed and not check.timed):
                    continue
                difference = _size_difference if peer.fixed else _difference
                if message := difference(check, expected, _send(running[peer.name].url, check)):
                    found.append(f"{peer.title}: {check}: {message}")
    return found


def _fill(url: str) -> None:
    """Make a database for the checks."""
    data.fill(url, _COUNT)
    store = data.store(url)
    store.tokens.add("viewer", permissions=["authentik_flows.view_flow"], secret=VIEWER)
    with store.database.write() as session:
        for number, (stages, policies) in BOUND.items():
            _bind(store, session, data.identity(number), stages, policies)
    store.close()


def _bind(
    store: Store, session: Session, flow: str, stages: Sequence[tuple[int, int]], policies: Sequence[tuple[int, int]]
) -> None:
    """Bind stages and policies to a flow in place of the usual ones, and to each stage a policy, which is none of the flow."""

    def add(model: str, **properties: Any) -> str:
        return store.repository(model).add(session, store.models[model].read_new(properties))

    for model, pk in store.graph.bound_to(session, flow):
        store.repository(model).remove(session, pk)
    for order, number in stages:
        binding = add("authentik_flows.flowstagebinding", target=flow, stage=data.stage(number), order=order)
        add("authentik_policies.policybinding", target=binding, policy=data.policy(number), order=0)
    for order, number in policies:
        add("authentik_policies.policybinding", target=flow, policy=data.policy(number), order=order)


def _send(url: str, check: Check) -> httpx.Response:
    headers = {} if check.token is None else {"Authorization": f"Bearer {check.token}"}
    if check.content is not None:
        headers["Content-Type"] = "application/json"
    return servers.client().request(check.method, url + check.path, headers=headers, content=check.content)


def _difference(check: Check, expected: httpx.Response, actual: httpx.Response) -> str:
    """A sentence on what differs between two answers, the identities of what was created aside; empty if nothing does."""
    if actual.status_code != expected.status_code:
        return f"{actual.status_code} instead of {expected.status_code}: {actual.text[:200]}"
    if check.status_only:
        return ""
    if actual.headers["content-type"] != "application/json":
        return f"the media type is {actual.headers['content-type']}."
    found = actual.json()
    if check.method == "POST":
        identities = [found.get(name) for name in _IDENTITIES]
        if not all(_is_uuid(value) for value in identities) or len(set(identities)) != len(identities):
            return f"the identities are {identities}."
    # As text, so that 1 is neither true nor 1.0.
    texts = [json.dumps(_without_new_identities(value), sort_keys=True) for value in (found, expected.json())]
    return "" if texts[0] == texts[1] else f"{texts[0][:300]} instead of {texts[1][:300]}."


def _size_difference(_check: Check, expected: httpx.Response, actual: httpx.Response) -> str:
    """A sentence on an answer that is not of the kind and about the size of another; empty if it is."""
    length, right_length = len(actual.content), len(expected.content)
    if actual.status_code != expected.status_code:
        return f"{actual.status_code} instead of {expected.status_code}"
    if actual.headers["content-type"] != expected.headers["content-type"]:
        return f"the media type is {actual.headers['content-type']}."
    if abs(length - right_length) > _TOLERANCE * right_length:
        return f"{length} bytes instead of {right_length}"
    return ""


def _without_new_identities(value: Any) -> Any:
    """An answer without the identities of flows that a check created: each server gives its own."""
    if isinstance(value, dict):
        if "slug" in value and not str(value["slug"]).startswith(("flow-", "moved")):
            return {name: property_schema for name, property_schema in value.items() if name not in _IDENTITIES}
        return {name: _without_new_identities(property_schema) for name, property_schema in value.items()}
    return [_without_new_identities(element) for element in value] if isinstance(value, list) else value


def _is_uuid(value: Any) -> bool:
    try:
        return str(uuid.UUID(value)) == value and uuid.UUID(value).version == 4
    except (ValueError, TypeError, AttributeError):
        return False
