"""What the contract says in words, for the peers whose framework has no place for it."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

BASE = "/api/v3/flows/instances/"

SEARCHED = ("name", "slug", "designation", "title", "denied_action")
"""The members that a search looks at."""

SORTABLE = frozenset(
    {
        "pk",
        "policybindingmodel_ptr_id",
        "name",
        "slug",
        "title",
        "designation",
        "policy_engine_mode",
        "compatibility_mode",
        "layout",
        "denied_action",
        "authentication",
    }
)
"""The members that a list can be sorted by."""

DEFAULT_ORDERING = "slug,name"
DEFAULT_PAGE_SIZE = 100

VIEW = frozenset({"authentik_flows.view_flow"})
ADD = frozenset({"authentik_flows.add_flow"})
CHANGE = frozenset({"authentik_flows.view_flow", "authentik_flows.change_flow"})

NOT_FOUND = "Not found."
INVALID_PAGE = "Invalid page."
FORBIDDEN = "You do not have permission to perform this action."
SLUG_TAKEN = {"slug": ["Flow with this slug already exists."]}

BACKGROUND = "/static/dist/assets/images/flow_background.jpg"
DEFAULTS = {
    "background": BACKGROUND,
    "policy_engine_mode": "any",
    "compatibility_mode": False,
    "layout": "stacked",
    "denied_action": "message_continue",
    "authentication": "none",
}
"""What a new flow takes for the members that are left out."""

_REQUIRED = ("name", "slug", "title", "designation")
_SETTABLE = (*_REQUIRED, *(name for name in DEFAULTS if name != "background"))
_TRIMMED = ("name", "title")

_TERM_BOUNDARY = re.compile(r"[\s,]+")


class SortKey(NamedTuple):
    """One key to sort by."""

    property_name: str
    descending: bool


def terms(search: str) -> list[str]:
    """The words of a search, which white space and commas separate."""
    return [term for term in _TERM_BOUNDARY.split(search) if term]


@lru_cache(maxsize=256)
def sort_keys(ordering: str) -> tuple[SortKey, ...]:
    """The keys that an ordering names, those of the default one if it names none."""
    parts = [part.strip() for part in ordering.split(",")]
    keys = tuple(SortKey(part.removeprefix("-"), part.startswith("-")) for part in parts)
    return tuple(key for key in keys if key.property_name in SORTABLE) or sort_keys(DEFAULT_ORDERING)


def pagination(count: int, page: int, size: int) -> dict[str, int]:
    """Where a page stands among all pages.

    :param count: how many flows match
    :param page: number of the page, from 1
    :param size: flows on a page
    """
    pages = max(1, -(-count // size))
    return {
        "next": page + 1 if page < pages else 0,
        "previous": page - 1,
        "count": count,
        "current": page,
        "total_pages": pages,
        "start_index": (page - 1) * size + 1 if count else 0,
        "end_index": min(page * size, count),
    }


def settable(body: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a body that a client sets, white space around names and titles removed; others are ignored."""
    properties = {name: body[name] for name in _SETTABLE if name in body}
    for name in _TRIMMED:
        if name in properties:
            properties[name] = properties[name].strip()
    return properties


def export_url(slug: str) -> str:
    """Where a flow can be had as a blueprint."""
    return f"{BASE}{slug}/export/"


def represent(flow: Any) -> dict[str, Any]:
    """A stored flow, whose columns are attributes, as it is answered. Nothing plans it."""
    return {
        "pk": flow.pk,
        "policybindingmodel_ptr_id": flow.policybindingmodel_ptr_id,
        "name": flow.name,
        "slug": flow.slug,
        "title": flow.title,
        "designation": flow.designation,
        "background": flow.background,
        "stages": flow.stages.split(),
        "policies": flow.policies.split(),
        "cache_count": 0,
        "policy_engine_mode": flow.policy_engine_mode,
        # SQLite has 0 and 1.
        "compatibility_mode": bool(flow.compatibility_mode),
        "export_url": export_url(flow.slug),
        "layout": flow.layout,
        "denied_action": flow.denied_action,
        "authentication": flow.authentication,
    }
