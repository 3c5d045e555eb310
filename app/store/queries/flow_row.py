"""The row of a flow, and its update."""

from collections.abc import Mapping, Set
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.store.schema.search import search_text
from app.store.schema.tables import flows


class Flow(NamedTuple):
    """A stored flow. SQLite returns 0 and 1 for booleans.

    `stages` and `policies` are maintained by triggers: identifiers in the order of the bindings, separated by spaces.
    """

    pk: str
    policybindingmodel_ptr_id: str
    name: str
    slug: str
    title: str
    designation: str
    background: str
    policy_engine_mode: str
    compatibility_mode: bool
    layout: str
    denied_action: str
    authentication: str
    stages: str = ""
    policies: str = ""


texts = attrgetter(*(name for name in Flow._fields if isinstance(flows.c[name].type, sa.Text)))
"""The text columns of a flow, which may be long."""


def update_of(properties: Set[str]) -> sa.Update:
    """The update of some properties of a flow by its primary key."""
    values: dict[str, sa.BindParameter[Any]] = {
        name: sa.bindparam(f"new_{name}") for name in sorted({*properties, "search"})
    }
    return sa.update(flows).where(flows.c.pk == sa.bindparam("pk_")).values(values)


def values_of_update(flow: Flow, properties: Mapping[str, Any], searched: tuple[str, ...]) -> dict[str, Any]:
    """The parameters of `update_of`.

    :param flow: with its new properties
    :param properties: the new properties
    :param searched: the searched properties
    """
    values = {f"new_{name}": value for name, value in properties.items()}
    values["new_search"] = search_text([getattr(flow, name) for name in searched])
    values["pk_"] = flow.pk
    return values
