"""Whether a peer does what the project does: the same requests to both, and a sentence for each answer that differs."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from app.store.database import Database
from app.store.tokens import Tokens
from bench import servers
from bench.data import TOKEN
from bench.operations import BASE, FLOWS, OPERATIONS
from bench.peers import Peer

VIEWER = "benchmark-token-of-a-viewer-0123456789"
"""A token that may read only."""

# Enough for the rare word of `data.flow`, and for pages that are not full.
_COUNT = 630

# How far the length of a fixed answer may lie from that of a right one.
_TOLERANCE = 0.1

_FLOW = {"name": "Checked", "slug": "checked", "title": "Quite new", "designation": "recovery"}
_IDENTITIES = ("pk", "policybindingmodel_ptr_id")


@dataclass(frozen=True, slots=True)
class Check:
    """A request, and how much of its answer is compared.

    :param body: as it is sent; a text goes out as it stands
    :param token: of who sends it; None for nobody
    :param status_only: whether the status says it all: sentences are the project's own
    :param invalid: whether the request breaks the contract, so that only who validates refuses it
    """

    method: str
    path: str
    body: Any = None
    token: str | None = TOKEN
    status_only: bool = False
    invalid: bool = False

    def __str__(self) -> str:
        return " ".join([self.method, self.path, *([] if self.body is None else [_text(self.body)])])


def check(engine: str, peer: Peer) -> list[str]:
    """What a peer answers differently from the project on one engine, each on a database of its own."""
    count = FLOWS if peer.fixed else _COUNT
    with servers.databases(engine, count, [servers.PROJECT, peer.name]) as urls:
        for url in urls.values():
            database = Database(url)
            Tokens(database, 0.0).add("viewer", permissions=["authentik_flows.view_flow"], secret=VIEWER)
            database.close()
        with (
            servers.serve(servers.PROJECT, urls[servers.PROJECT]) as project,
            servers.serve(peer.name, urls[peer.name]) as other,
        ):
            if peer.fixed:
                return fixed_differences(project.url, other.url)
            return differences(project.url, other.url, validates=peer.validates)


def differences(project: str, peer: str, *, validates: bool = True) -> list[str]:
    """What a peer answers differently from the project. Both serve databases that `data.fill` has just made alike, with a token
    `VIEWER` that has the permission to view only.

    :param project: URL of the project
    :param peer: URL of the peer
    :param validates: whether the peer refuses requests that break the contract
    """
    found = []
    with httpx.Client(base_url=project) as left, httpx.Client(base_url=peer) as right:
        for request in _checks():
            if request.invalid and not validates:
                continue
            expected, actual = _send(left, request), _send(right, request)
            if actual.status_code != expected.status_code:
                found.append(f"{request}: {actual.status_code} instead of {expected.status_code}: {actual.text[:200]}")
            elif not request.status_only:
                found += [f"{request}: {sentence}" for sentence in _compare(request, expected.json(), actual)]
    return found


def fixed_differences(project: str, peer: str) -> list[str]:
    """What fixed answers to the requests that are timed have in another size than the project's answers.

    :param project: URL of the project
    :param peer: URL of the peer
    """
    found = []
    with httpx.Client(base_url=project) as left, httpx.Client(base_url=peer) as right:
        for operation in OPERATIONS:
            request = Check(operation.method, operation.target(1), operation.content(1) or None)
            expected, actual = _send(left, request), _send(right, request)
            length, right_length = len(actual.content), len(expected.content)
            if actual.status_code != expected.status_code:
                found.append(f"{request}: {actual.status_code} instead of {expected.status_code}")
            elif actual.headers["content-type"] != expected.headers["content-type"]:
                found.append(f"{request}: {actual.headers['content-type']}")
            elif abs(length - right_length) > _TOLERANCE * right_length:
                found.append(f"{request}: {length} bytes instead of {right_length}")
    return found


def _checks() -> Iterator[Check]:
    yield from _reading()
    yield from _refused()
    yield from _writing()
    yield from _invalid()


def _reading() -> Iterator[Check]:
    flow_uuid = str(uuid.UUID(int=42 << 96, version=4))
    for query in (
        "",
        "?page_size=20",
        "?page_size=20&page=2",
        "?page_size=20&page=32",
        "?page=7",
        "?page=8",
        "?page_size=20&page=33",
        "?page_size=1000",
        "?page_size=0",
        "?page_size=-1",
        f"?flow_uuid={flow_uuid}",
        f"?flow_uuid={uuid.UUID(int=1, version=4)}",
        "?name=Flow+0000007",
        "?name=+Flow+0000007+",
        "?slug=flow-0000007",
        "?slug=FLOW-0000007",
        "?designation=recovery&page_size=10",
        "?designation=unenrollment",
        "?denied_action=message_continue&page_size=3",
        "?denied_action=message",
        "?designation=recovery&slug=flow-0000004&denied_action=message_continue",
        "?search=aardvark",
        "?search=AArdVark",
        "?search=journey&page_size=20",
        "?search=journey&page_size=20&page=3",
        "?search=zebra",
        "?search=zebra&page=2",
        "?search=journey,0000012+flow-",
        "?search=%25",
        "?search=_",
        "?search=recovery&designation=recovery&ordering=-slug&page_size=5",
        "?ordering=-slug&page_size=5",
        "?ordering=designation&page_size=50",
        "?ordering=-designation,name&page_size=50",
        "?ordering=compatibility_mode,-title&page_size=50",
        "?ordering=nonsense&page_size=5",
        "?ordering=nonsense,-name&page_size=5",
        "?ordering=-pk&page_size=5",
        "?unknown=1&page_size=5",
    ):
        yield Check("GET", BASE + query)
    yield Check("GET", f"{BASE}flow-0000042/")
    yield Check("GET", f"{BASE}flow-0000042/", token=VIEWER)
    yield Check("GET", f"{BASE}FLOW-0000042/")
    yield Check("GET", f"{BASE}nothing/")


def _refused() -> Iterator[Check]:
    """Requests of those who may not."""
    for token in (None, "wrong"):
        yield Check("GET", BASE, token=token, status_only=True)
        yield Check("GET", f"{BASE}flow-0000042/", token=token, status_only=True)
    for token in (None, "wrong", VIEWER):
        yield Check("POST", BASE, _FLOW, token=token, status_only=True)
        yield Check("PATCH", f"{BASE}flow-0000042/", {"title": "Refused"}, token=token, status_only=True)
    yield Check("GET", f"{BASE}checked/")
    yield Check("GET", f"{BASE}flow-0000042/")


def _writing() -> Iterator[Check]:
    """Changes, and what is there afterwards."""
    full = {
        "name": "  Every member  ",
        "slug": "every-member_2",
        "title": "  Straße ans Meer\n",
        "designation": "unenrollment",
        "policy_engine_mode": "all",
        "compatibility_mode": True,
        "layout": "sidebar_right",
        "denied_action": "continue",
        "authentication": "require_outpost",
    }
    # Members that a client can't set are ignored.
    ignored = {"pk": str(uuid.UUID(int=7, version=4)), "background": "/mine.jpg", "cache_count": 3, "colour": "red"}
    yield Check("POST", BASE, _FLOW)
    yield Check("GET", f"{BASE}checked/")
    yield Check("POST", BASE, full)
    yield Check("GET", f"{BASE}every-member_2/")
    yield Check("POST", BASE, {**_FLOW, "slug": "ignoring"} | ignored)
    yield Check("POST", BASE, _FLOW, status_only=True)
    yield Check("GET", f"{BASE}?search=stra%C3%9Fe")
    yield Check("GET", f"{BASE}?search=STRA%C3%9FE,unenrollment")
    yield Check("GET", f"{BASE}?search=quite+new")
    for body in (
        {"title": "A changed journey"},
        {"title": "A changed journey"},
        {},
        {"compatibility_mode": False, "layout": "content_left", "name": " Renamed "},
        {"policy_engine_mode": "all", "denied_action": "message", "authentication": "require_superuser"},
        {"designation": "enrollment", **ignored},
    ):
        yield Check("PATCH", f"{BASE}flow-0000042/", body)
        yield Check("GET", f"{BASE}flow-0000042/")
    yield Check("GET", f"{BASE}?search=renamed")
    yield Check("PATCH", f"{BASE}nothing/", {"title": "Nothing"})
    yield Check("PATCH", f"{BASE}flow-0000043/", {"slug": "flow-0000042", "title": "Taken"}, status_only=True)
    yield Check("GET", f"{BASE}flow-0000043/")
    yield Check("PATCH", f"{BASE}flow-0000043/", {"slug": "flow-0000043"})
    yield Check("PATCH", f"{BASE}flow-0000043/", {"slug": "moved"})
    yield Check("GET", f"{BASE}moved/")
    yield Check("GET", f"{BASE}flow-0000043/")
    yield Check("GET", f"{BASE}?page_size=1000")


def _invalid() -> Iterator[Check]:
    """Requests that break the contract, and that they changed nothing."""
    new = {**_FLOW, "slug": "never"}
    wrong: list[dict[str, Any]] = [
        {"name": ""},
        {"name": "   "},
        {"name": None},
        {"name": ["a"]},
        {"title": "a\0b"},
        {"slug": ""},
        {"slug": "a b"},
        {"slug": "ä"},
        {"slug": "s" * 51},
        {"designation": "nope"},
        {"designation": None},
        {"policy_engine_mode": "some"},
        {"compatibility_mode": "perhaps"},
        {"compatibility_mode": None},
        {"layout": "round"},
        {"denied_action": ""},
        {"authentication": "maybe"},
    ]
    bodies: list[Any] = [{name: value for name, value in new.items() if name != missing} for missing in new]
    bodies += [new | members for members in wrong]
    for body in (*bodies, {}, [], [new], "{", '"text"'):
        yield Check("POST", BASE, body, status_only=True, invalid=True)
    for body in (*wrong, [], "{"):
        yield Check("PATCH", f"{BASE}flow-0000044/", body, status_only=True, invalid=True)
    for query in ("?flow_uuid=7", "?designation=nope", "?denied_action=nope"):
        yield Check("GET", BASE + query, status_only=True, invalid=True)
    yield Check("GET", f"{BASE}never/")
    yield Check("GET", f"{BASE}flow-0000044/")
    yield Check("GET", f"{BASE}?search=never")


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def _send(client: httpx.Client, check: Check) -> httpx.Response:
    headers = {} if check.token is None else {"Authorization": f"Bearer {check.token}"}
    content = None
    if check.body is not None:
        headers["Content-Type"] = "application/json"
        content = _text(check.body)
    return client.request(check.method, check.path, headers=headers, content=content)


def _compare(check: Check, expected: Any, answer: httpx.Response) -> Iterator[str]:
    """Sentences on what differs in the JSON of an answer, the identities of what was created aside."""
    if answer.headers["content-type"] != "application/json":
        yield f"the media type is {answer.headers['content-type']}."
    actual = answer.json()
    if check.method == "POST":
        identities = [actual.get(name) for name in _IDENTITIES]
        if not all(_is_uuid(value) for value in identities) or len(set(identities)) != len(identities):
            yield f"the identities are {identities}."
    expected, actual = _without_new_identities(expected), _without_new_identities(actual)
    # As text, so that 1 is neither true nor 1.0.
    if json.dumps(expected, sort_keys=True) != json.dumps(actual, sort_keys=True):
        yield f"{json.dumps(actual)[:300]} instead of {json.dumps(expected)[:300]}."


def _without_new_identities(value: Any) -> Any:
    """An answer without the identities of flows that a check created: each server gives its own."""
    if isinstance(value, dict):
        if "slug" in value and not str(value["slug"]).startswith(("flow-", "moved")):
            return {name: member for name, member in value.items() if name not in _IDENTITIES}
        return {name: _without_new_identities(member) for name, member in value.items()}
    return [_without_new_identities(element) for element in value] if isinstance(value, list) else value


def _is_uuid(value: Any) -> bool:
    try:
        return str(uuid.UUID(value)) == value and uuid.UUID(value).version == 4
    except (ValueError, TypeError, AttributeError):
        return False
