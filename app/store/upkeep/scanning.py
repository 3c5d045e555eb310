"""A scan of all stored rows in batches. Each batch has its own statement, so that memory is bounded and no writer waits."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.store.engine.database import Database, Row
from app.store.queries.binding_views import PolicyBindingRow, StageBindingRow, policy_binding_view, stage_binding_view
from app.store.queries.flow_row import Flow
from app.store.queries.object_views import OBJECT_COLUMNS, ObjectRow, object_references
from app.store.schema.tables import flows, objects

_BATCH = 250

# Replaces related objects: each object is read by itself.
_FLOW_SET = sa.literal_column("'[]'", sa.Text())
_BOUND_TO = sa.literal_column("0", sa.Integer())


class StoredRow(NamedTuple):
    """A row of any table.

    :param collection: the collection of the object
    :param row: as in the views of its collection, without related objects
    """

    collection: str
    row: Flow | ObjectRow | StageBindingRow | PolicyBindingRow


def every_row(database: Database) -> Iterator[StoredRow]:
    """All flows, objects and bindings, in the state of their batch.

    :raises Unavailable: the database does not respond
    """
    for row in _rows(database, [flows.c[name] for name in Flow._fields], flows, flows.c.pk):
        yield StoredRow("flows", Flow._make(row))
    columns = [*OBJECT_COLUMNS, object_references(), objects.c.collection]
    for *own, collection in _rows(database, columns, objects, objects.c.pk):
        yield StoredRow(collection, ObjectRow._make((*own, None)))
    stages = stage_binding_view()
    columns = [
        _FLOW_SET if name == "flow_set" else column
        for name, column in zip(StageBindingRow._fields, stages.columns, strict=True)
    ]
    for row in _rows(database, columns, stages.source, stages.key):
        yield StoredRow("stage_bindings", StageBindingRow._make(row))
    policies = policy_binding_view()
    columns = [
        _BOUND_TO if name == "bound_to" else column
        for name, column in zip(PolicyBindingRow._fields, policies.columns, strict=True)
    ]
    for row in _rows(database, columns, policies.source, policies.key):
        yield StoredRow("policy_bindings", PolicyBindingRow._make(row))


def _rows(
    database: Database, columns: Sequence[sa.ColumnElement[Any]], source: sa.FromClause, key: sa.ColumnElement[str]
) -> Iterator[Row]:
    """The rows of a table in the order of their keys, with their first columns."""
    after: sa.BindParameter[str] = sa.bindparam("after", type_=sa.Text())
    query = database.compile(sa.select(*columns).select_from(source).where(key > after).order_by(key).limit(_BATCH))
    last = ""
    while True:
        with database.read() as session:
            rows = session.rows(query, {"after": last})
        yield from rows
        if len(rows) < _BATCH:
            return
        last = rows[-1][0]
