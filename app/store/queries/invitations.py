"""Invitations: the flows and users that they refer to."""

import sqlalchemy as sa

from app.store.queries.flow_row import Flow
from app.store.queries.json_rows import json_rows
from app.store.schema.tables import flows, objects, references

FLOW_OBJ = "flow_obj"
"""The property with the flow of an invitation."""


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
