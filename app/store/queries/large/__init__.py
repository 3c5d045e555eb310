"""Exact counts and a search index, which pay for a store of many flows only.

Both are kept by triggers, so that all writers maintain them. They are created by the first start, or `flows db upgrade`, that
finds more than `LARGE` flows; a server that started before continues without them, slower but correct. The scripts of an engine
are executed in the order of their numbers; the store records how many were.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.store.engine.database import Database, Session
from app.store.queries.large.index import INDEXES
from app.store.schema.tables import flows, properties

# The number of flows from which on they pay.
LARGE = 5_000

# Properties with few distinct values, so that a filter on one of them has its own count; the scripts name them too.
COUNTED = ("designation", "denied_action")

# The maximum number of flows in the index for which a search by index is faster than a scan.
RARE = 1_000

# The maximum number of trigrams to look up: enough to leave few flows to scan.
_MOST_TRIGRAMS = 16

_PROPERTY = "large"

TABLES = ("flow_counts",)
"""The tables that the scripts create on PostgreSQL."""

_counts = sa.table("flow_counts", sa.column("member", sa.Text()), sa.column("value", sa.Text()), sa.column("number"))


def is_prepared(database: Database) -> bool:
    """Whether a database has the counts and the index. :raises Unavailable: the database does not respond"""
    with database.read() as session:
        return is_prepared_in(session, database)


def is_prepared_in(session: Session, database: Database) -> bool:
    """Whether a database has the counts and the index, within a transaction."""
    return _executed(database, session) >= len(_scripts(database))


def prepare(database: Database) -> None:
    """Create the counts and the index, if there are many flows. :raises Unavailable: the database does not respond"""
    count = database.compile(sa.select(sa.func.count()).select_from(flows))
    with database.read() as session:
        if is_prepared_in(session, database):
            return
        row = session.row(count)
        if not _executed(database, session) and (row is None or row[0] <= LARGE):
            return
    scripts = _scripts(database)
    discard = sa.delete(properties).where(properties.c.name == sa.bindparam("name"))
    keep = sa.insert(properties).values({name: sa.bindparam(name) for name in ("name", "value")})
    with database.upkeep() as session:
        for script in scripts[_executed(database, session) :]:
            # An empty line ends a statement.
            for statement in script.read_text("utf-8").split("\n\n"):
                session.script(statement)
        session.run(database.compile(discard), {"name": _PROPERTY})
        session.run(database.compile(keep), {"name": _PROPERTY, "value": str(len(scripts))})


def _scripts(database: Database) -> list[Path]:
    return sorted(Path(__file__).parent.glob(f"{database.name}_*.sql"))


def _executed(database: Database, session: Session) -> int:
    """The number of scripts that were executed."""
    known = sa.select(properties.c.value).where(properties.c.name == sa.bindparam("name_"))
    row = session.row(database.compile(known), {"name_": _PROPERTY})
    return int(row[0]) if row is not None else 0


def count(filters: Iterable[str]) -> sa.ScalarSelect[Any] | None:
    """The number of flows that match the filters, without a scan; None if it is unknown.

    :param filters: the filtered properties; the value of each is the parameter `filter_<property>`
    """
    names = tuple(filters)
    if len(names) > 1 or not set(names) <= set(COUNTED):
        return None
    conditions = [_counts.c.member == sa.literal_column(f"'{names[0] if names else ''}'")]
    if names:
        conditions.append(_counts.c.value == sa.bindparam(f"filter_{names[0]}", type_=sa.Text()))
    # On PostgreSQL a count is the sum of rows, so that writers do not wait for one another.
    known = sa.select(sa.cast(sa.func.sum(_counts.c.number), sa.BigInteger())).where(*conditions).scalar_subquery()
    return sa.select(sa.func.coalesce(known, sa.literal_column("0"))).scalar_subquery()


def candidates(database: Database) -> sa.ColumnElement[bool]:
    """The condition of the index for flows that may match; its parameter `trigrams` is the result of `trigrams`."""
    return INDEXES[database.name].candidates()


def probe(database: Database) -> sa.Select[Any]:
    """The number of flows that the index finds, counted up to one more than `RARE`."""
    some = sa.select(INDEXES[database.name].found()).limit(sa.literal_column(str(RARE + 1))).subquery()
    return sa.select(sa.func.count()).select_from(some)


def trigrams(database: Database, terms: Sequence[str]) -> Any:
    """The trigrams of folded words, as a parameter; None if there are none, as in words of less than three characters."""
    parts = dict.fromkeys(term[place : place + 3] for term in terms for place in range(len(term) - 2))
    return INDEXES[database.name].parameter(list(parts)[:_MOST_TRIGRAMS]) if parts else None
