"""What a store of many flows needs, and a small one is faster without: exact counts, and an index of what is searched.

Both are kept by triggers, so that whoever writes keeps them right. They are made by the first start, or `flows db upgrade`, that
finds more than `LARGE` flows; a server that started before goes on without them, which is slower and no less right. The scripts of
an engine are executed in the order of their numbers; the store knows how many were.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.store.engine.database import Database, Session
from app.store.queries.large.index import INDEXES
from app.store.schema.tables import flows, properties

# Flows from which on it pays.
LARGE = 5_000

# Properties of which many flows share few values, so that a filter on one of them has a count of its own; the scripts name them
# too.
COUNTED = ("designation", "denied_action")

# Flows that the index may find for a search before looking at all of them is the quicker way.
RARE = 1_000

# Parts of the words that are looked up at most: enough to be left with few flows, each of which is looked at.
_MOST_TRIGRAMS = 16

_PROPERTY = "large"

TABLES = ("flow_counts",)
"""The tables that the scripts make on PostgreSQL."""

_counts = sa.table("flow_counts", sa.column("member", sa.Text()), sa.column("value", sa.Text()), sa.column("number"))


def is_prepared(database: Database) -> bool:
    """Whether a database has what a large store needs. :raises Unavailable: the database does not answer"""
    with database.read() as session:
        return is_prepared_in(session, database)


def is_prepared_in(session: Session, database: Database) -> bool:
    """Whether a database has what a large store needs, within a transaction."""
    return _executed(database, session) >= len(_scripts(database))


def prepare(database: Database) -> None:
    """Make what a large store needs, if there are many flows. :raises Unavailable: the database does not answer"""
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
    """How many of the scripts a database has seen."""
    known = sa.select(properties.c.value).where(properties.c.name == sa.bindparam("name_"))
    row = session.row(database.compile(known), {"name_": _PROPERTY})
    return int(row[0]) if row is not None else 0


def count(filters: Iterable[str]) -> sa.ScalarSelect[Any] | None:
    """How many flows match the filters, without looking at them; None if that is not known.

    :param filters: the properties that are filtered on; a filter's value is the parameter `filter_<member>`
    """
    names = tuple(filters)
    if len(names) > 1 or not set(names) <= set(COUNTED):
        return None
    conditions = [_counts.c.member == sa.literal_column(f"'{names[0] if names else ''}'")]
    if names:
        conditions.append(_counts.c.value == sa.bindparam(f"filter_{names[0]}", type_=sa.Text()))
    # On PostgreSQL a number is the sum of rows, so that those who write do not wait for one another.
    known = sa.select(sa.cast(sa.func.sum(_counts.c.number), sa.BigInteger())).where(*conditions).scalar_subquery()
    return sa.select(sa.func.coalesce(known, sa.literal_column("0"))).scalar_subquery()


def candidates(database: Database) -> sa.ColumnElement[bool]:
    """The condition that the index has for flows that may match; its parameter `trigrams` is what `trigrams` returns."""
    return INDEXES[database.name].candidates()


def probe(database: Database) -> sa.Select[Any]:
    """How many flows the index finds, counted up to one more than `RARE`."""
    some = sa.select(INDEXES[database.name].found()).limit(sa.literal_column(str(RARE + 1))).subquery()
    return sa.select(sa.func.count()).select_from(some)


def trigrams(database: Database, terms: Sequence[str]) -> Any:
    """The parts of folded words that the index knows, as a parameter; None if there are none: it knows none of less than three
    characters.
    """
    parts = dict.fromkeys(term[place : place + 3] for term in terms for place in range(len(term) - 2))
    return INDEXES[database.name].parameter(list(parts)[:_MOST_TRIGRAMS]) if parts else None
