"""Pages of flows: filtered, searched and sorted, with the number of all that match."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import JSON

from app import errors
from app.store import large
from app.store.database import Database, Query, Row, Session
from app.store.search import fold
from app.store.tables import flows

# Words that are looked for by a condition each; further ones go into one condition, so that statements stay small and few.
_TERMS = 8

# The greatest offset that both databases take.
_LAST_OFFSET = 2**63 - 1

# Rows to skip from which on it pays to ask whether the end of the list is nearer.
_FAR = 1_000


By = tuple[frozenset[str], int, tuple[tuple[str, bool], ...]]
"""What a statement depends on: the members that are filtered on, the conditions of the words, the sort keys."""


class SortKey(Protocol):
    """One key to sort by."""

    @property
    def member(self) -> str:
        """The column."""

    @property
    def descending(self) -> bool:
        """Whether the greatest value comes first."""


class Listing:
    """The statements that make pages.

    :param database: where the flows are
    :param columns: what is read of each
    """

    def __init__(self, database: Database, columns: Sequence[sa.ColumnElement[Any]]) -> None:
        self._database = database
        self._columns = list(columns)
        self._large: bool | None = None
        # Combinations of filters, terms and sort keys are few; a bound keeps a stranger from filling the memory.
        self._query = lru_cache(maxsize=256)(self._compile)
        self._count_query = lru_cache(maxsize=64)(self._compile_count)
        self._probe = lru_cache(maxsize=1)(lambda: database.compile(large.probe(database)))

    def page(
        self,
        filters: Mapping[str, Any],
        terms: Sequence[str],
        ordering: Sequence[SortKey],
        number: int,
        size: int,
    ) -> tuple[int, list[Row]]:
        """How many flows match, and the rows of one page of them.

        :param filters: values that members have to equal
        :param terms: words that have to be found
        :param ordering: the keys to sort by; equal flows follow by `pk`
        :param number: number of the page, from 1
        :param size: flows on a page
        :raises PageNotFound: the page lies behind the last one
        """
        offset = (number - 1) * size
        if offset > _LAST_OFFSET:
            raise errors.PageNotFound
        if self._large is None:
            self._large = large.is_prepared(self._database)
        by = (frozenset(filters), conditions(terms), tuple((key.member, key.descending) for key in ordering))
        parameters = {**values(filters, terms), "size": min(size, _LAST_OFFSET), "offset": offset}
        with self._database.read() as session:
            page = self._large_page if self._large else self._small_page
            rows = page(session, by, terms, parameters)
        if not rows:
            if number > 1:
                raise errors.PageNotFound
            return 0, []
        return rows[0][-1], [row[:-1] for row in rows]

    def _small_page(self, session: Session, by: By, _terms: Sequence[str], parameters: dict[str, Any]) -> list[Row]:
        return session.rows(self._query(*by), parameters)

    def _large_page(
        self,
        session: Session,
        by: By,
        terms: Sequence[str],
        parameters: dict[str, Any],
    ) -> list[Row]:
        """A page of a large store: few candidates by the index, and from the end of the list where that is nearer."""
        filters = by[0]
        trigrams = large.trigrams(self._database, [fold(term) for term in terms])
        if trigrams is not None:
            found = session.row(self._probe(), {"trigrams": trigrams})
            if found is not None and found[0] <= large.RARE:
                return session.rows(self._query(*by, narrowed=True), {**parameters, "trigrams": trigrams})
        counting = self._count_query(filters) if not terms and parameters["offset"] >= _FAR else None
        if counting is not None:
            counted = session.row(counting, parameters)
            count: int = counted[0] if counted is not None else 0
            behind = count - parameters["offset"]
            if 0 < behind < parameters["offset"]:
                size = min(parameters["size"], behind)
                backwards = {**parameters, "size": size, "offset": behind - size}
                rows = session.rows(self._query(*by, backwards=True), backwards)
                if rows and rows[0][-1] == count:
                    return rows[::-1]
        return session.rows(self._query(*by), parameters)

    def _compile(
        self,
        filters: frozenset[str],
        terms: int,
        ordering: tuple[tuple[str, bool], ...],
        *,
        narrowed: bool = False,
        backwards: bool = False,
    ) -> Query:
        found = matches(self._database, filters, terms)
        if narrowed:
            found.append(large.candidates(self._database))
        known = large.count(self._database, filters) if self._large and not terms else None
        count = sa.select(sa.func.count()).select_from(flows).where(*found).scalar_subquery()
        return self._database.compile(
            sa.select(*self._columns, count if known is None else known)
            .where(*found)
            .order_by(*_sort_keys(ordering, backwards))
            .limit(sa.bindparam("size", type_=sa.BigInteger()))
            .offset(sa.bindparam("offset", type_=sa.BigInteger()))
        )

    def _compile_count(self, filters: frozenset[str]) -> Query | None:
        known = large.count(self._database, filters)
        return self._database.compile(sa.select(known)) if known is not None else None


def conditions(terms: Sequence[str]) -> int:
    """How many conditions words are looked for by."""
    return min(len(terms), _TERMS + 1)


def values(filters: Mapping[str, Any], terms: Sequence[str]) -> dict[str, Any]:
    """The parameters of the conditions that `matches` makes."""
    if not filters and not terms:
        return {}
    named: dict[str, Any] = {f"filter_{name}": value for name, value in filters.items()}
    named |= {f"term_{index}": fold(term) for index, term in enumerate(terms[:_TERMS])}
    return {**named, "terms": json.dumps([fold(term) for term in terms[_TERMS:]])} if len(terms) > _TERMS else named


def matches(database: Database, filters: frozenset[str], terms: int) -> list[sa.ColumnElement[bool]]:
    """The conditions of filters and words.

    :param filters: the members that are filtered on
    :param terms: what `conditions` says of the words
    """
    found: list[sa.ColumnElement[bool]] = [flows.c[name] == sa.bindparam(f"filter_{name}") for name in sorted(filters)]
    zero: sa.ColumnElement[int] = sa.literal_column("0", sa.Integer())
    position = sa.func.instr if database.embedded else sa.func.strpos
    found += [
        position(flows.c.search, sa.bindparam(f"term_{index}", type_=sa.Text())) > zero
        for index in range(min(terms, _TERMS))
    ]
    if terms > _TERMS:
        words = sa.bindparam("terms", type_=sa.Text())
        each = (
            sa.func.json_each(words) if database.embedded else sa.func.json_array_elements_text(words.cast(JSON))
        ).table_valued("value")
        found.append(~sa.exists().where(position(flows.c.search, each.c.value) == zero).select_from(each))
    return found


def _sort_keys(ordering: tuple[tuple[str, bool], ...], backwards: bool) -> list[sa.ColumnElement[Any]]:
    """The keys up to the first unique one, which the primary key is at the latest."""
    keys: list[sa.ColumnElement[Any]] = []
    for member, descending in (*ordering, ("pk", False)):
        column = flows.c[member]
        keys.append(column.desc() if descending is not backwards else column.asc())
        if column.unique or column.primary_key:
            break
    return keys
