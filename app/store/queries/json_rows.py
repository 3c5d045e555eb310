"""Rows of another table as one JSON text, so that what belongs to an object comes with it in one statement."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.store.engine.database import Database


def json_rows(
    database: Database,
    columns: Sequence[sa.ColumnElement[Any]],
    source: sa.FromClause,
    outer: sa.FromClause,
    where: sa.ColumnElement[bool],
    order_by: Sequence[sa.ColumnElement[Any]],
) -> sa.ScalarSelect[str]:
    """A list with a list of values for each row. SQLite has 0 and 1 for truth values.

    :param columns: the values of a row
    :param source: the tables
    :param outer: the table of the statement around that `where` names
    :param where: which rows
    :param order_by: their order
    """
    if database.embedded:
        # The inner statement keeps the order: SQLite drops it only for aggregates that it does not matter to.
        inner = sa.select(*(column.label(f"value_{index}") for index, column in enumerate(columns)))
        rows = inner.select_from(source).where(where).order_by(*order_by).correlate(outer).subquery()
        return sa.select(sa.func.json_group_array(sa.func.json_array(*rows.c), type_=sa.Text())).scalar_subquery()
    # It brings the whole dialect along, which an embedded database has no use for.
    from sqlalchemy.dialects.postgresql import aggregate_order_by

    values = aggregate_order_by(sa.func.json_build_array(*columns), *order_by)
    array = sa.cast(sa.func.json_agg(values), sa.Text())
    empty = sa.literal_column("'[]'", sa.Text())
    return sa.select(sa.func.coalesce(array, empty)).select_from(source).where(where).correlate(outer).scalar_subquery()
