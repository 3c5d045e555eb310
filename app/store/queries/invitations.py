"""Invitations: the flows and users that they refer to, and filters on these."""

from typing import Any

import sqlalchemy as sa

from app.store.queries.dialects import json_value, literal, readable
from app.store.queries.flow_row import Flow
from app.store.queries.json_rows import json_rows
from app.store.queries.moments import in_utc
from app.store.queries.view import Condition, Field, text
from app.store.schema.tables import flows, objects, references

FLOW_OBJ = "flow_obj"
"""The property with the flow of an invitation."""

_FLOW, _CREATED_BY, _EXPIRES = "flow", "created_by", "expires"


def referred(owner: sa.FromClause) -> sa.ScalarSelect[str]:
    """The objects that an object refers to, as JSON: the property, pk, name and properties of an object, columns of a flow.

    :param owner: the object, as named in the enclosing statement
    """
    reference, other, flow = references.alias("leading"), objects.alias("led_to"), flows.alias("led_to_flow")
    joined = reference.outerjoin(other, other.c.pk == reference.c.object)
    joined = joined.outerjoin(flow, flow.c.pk == reference.c.flow)
    columns = [reference.c.member, *(other.c[name] for name in ("pk", "name", "members"))]
    columns += [flow.c[name] for name in Flow._fields]
    return json_rows(columns, joined, owner, reference.c.owner == owner.c.pk, (reference.c.member,))


def invitation_fields() -> dict[str, Field]:
    """The filters of invitations beside their own properties."""
    return {
        _EXPIRES: Field("string", _expires, lambda wanted: _expires() == wanted, bound=in_utc),
        "created_by__username": _field_beside(_CREATED_BY, objects.alias("led_to"), "object", "name"),
        "flow__slug": _field_beside(_FLOW, flows.alias("led_to_flow"), "flow", "slug"),
    }


def _expires() -> sa.ColumnElement[Any]:
    return json_value(readable(objects.c.members), _EXPIRES, "string")


def _field_beside(property_name: str, other: Any, column: str, named_by: str) -> Field:
    """The filter of objects that refer to an object of a name.

    :param other: the table of that object
    :param column: the column of references to it
    """
    reference = references.alias("leading")

    def equals(wanted: sa.BindParameter[Any]) -> Condition:
        joined = reference.join(other, other.c.pk == reference.c[column])
        mine = (reference.c.owner == objects.c.pk, reference.c.member == literal(property_name))
        return sa.exists().select_from(joined).where(*mine, other.c[named_by] == wanted)

    return Field("string", lambda: objects.c.pk, equals, bound=text, sortable=False)
