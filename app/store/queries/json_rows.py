"""Rows of another table as JSON text, so that one statement reads an object with its related objects."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.store.queries.dialects import json_aggregate, json_row


def json_rows(
    columns: Sequence[sa.ColumnElement[Any]],
    source: sa.FromClause,
    outer: sa.FromClause,
    where: sa.ColumnElement[bool],
    order_by: Sequence[sa.ColumnElement[Any]],
) -> sa.ScalarSelect[str]:
    """A list of lists of values, one for each row. SQLite has 0 and 1 for booleans.

    :param columns: the values of a row
    :param source: the tables
    :param outer: the table of the enclosing statement that `where` names
    :param where: the condition of the rows
    :param order_by: their order
    """
    # The subquery keeps the order: both databases aggregate rows in the order of their input.
    inner = sa.select(*(column.label(f"value_{index}") for index, column in enumerate(columns)))
    rows = inner.select_from(source).where(where).order_by(*order_by).correlate(outer).subquery()
    return sa.select(json_aggregate(json_row(*rows.c))).scalar_subquery()
