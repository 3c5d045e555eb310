"""The requests that a peer and the project are both sent before they are timed."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.data import TOKEN
from bench.operations import BASE, OPERATIONS

VIEWER = "benchmark-token-of-a-viewer-0123456789"
"""A token that may read only."""

BOUND: dict[int, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {
    50: ([], []),
    51: ([(order, 199 - order) for order in range(200)], [(0, 3)]),
    52: ([(5, 7), (-1, 7), (2**31 - 1, 9), (0, 8)], [(2, 4), (1, 5), (0, 4), (-3, 6)]),
    53: ([(1, 12), (1, 10), (1, 11)], [(0, 9), (0, 7), (0, 8)]),
    54: ([], [(0, 1)]),
    55: ([(0, 1)], []),
}
"""What is bound to flows that are not like the others: the stages and the policies by the flow's number, each with its order."""

_FLOW = {"name": "Checked", "slug": "checked", "title": "Quite new", "designation": "recovery"}


@dataclass(frozen=True, slots=True)
class Check:
    """A request, and how much of its answer is compared.

    :param body: what is sent as JSON; a text goes out as it stands, None is nothing
    :param token: of who sends it; None for nobody
    :param status_only: whether the status says it all: sentences are the project's own
    :param invalid: whether the request breaks the contract, so that only who validates refuses it
    :param timed: whether it is one of those that the benchmark times
    """

    method: str
    path: str
    body: Any = None
    token: str | None = TOKEN
    status_only: bool = False
    invalid: bool = False
    timed: bool = False

    def __str__(self) -> str:
        return " ".join([self.method, self.path, *([] if self.content is None else [self.content])])

    @property
    def content(self) -> str | None:
        """The body as text."""
        return self.body if self.body is None or isinstance(self.body, str) else json.dumps(self.body)


def checks() -> Iterator[Check]:
    """The requests whose answers are compared, in their order."""
    for operation in OPERATIONS:
        yield Check(operation.method, operation.target(1), operation.content(1) or None, timed=True)
    yield from _reading()
    yield from _rejected()
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
    for number in BOUND:
        yield Check("GET", f"{BASE}flow-{number:07}/")
    yield Check("GET", f"{BASE}nothing/")


def _rejected() -> Iterator[Check]:
    """Requests of those who may not."""
    for token in (None, "wrong"):
        yield Check("GET", BASE, token=token, status_only=True)
        yield Check("GET", f"{BASE}flow-0000042/", token=token, status_only=True)
    for token in (None, "wrong", VIEWER):
        yield Check("POST", BASE, _FLOW, token=token, status_only=True)
        yield Check("PATCH", f"{BASE}flow-0000042/", {"title": "Rejected"}, token=token, status_only=True)
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
    yield Check("PATCH", f"{BASE}flow-0000051/", {"title": "As much bound as before"})
    yield Check("GET", f"{BASE}?search=renamed")
    yield Check("PATCH", f"{BASE}nothing/", {"title": "Nothing"})
    yield Check("PATCH", f"{BASE}flow-0000043/", {"slug": "flow-0000042", "title": "RequestOutcome"}, status_only=True)
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
    bodies += [new | properties for properties in wrong]
    for body in (*bodies, {}, [], [new], "{", '"text"'):
        yield Check("POST", BASE, body, status_only=True, invalid=True)
    for body in (*wrong, [], "{"):
        yield Check("PATCH", f"{BASE}flow-0000044/", body, status_only=True, invalid=True)
    for query in ("?flow_uuid=7", "?designation=nope", "?denied_action=nope"):
        yield Check("GET", BASE + query, status_only=True, invalid=True)
    yield Check("GET", f"{BASE}never/")
    yield Check("GET", f"{BASE}flow-0000044/")
    yield Check("GET", f"{BASE}?search=never")
