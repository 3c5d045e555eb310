"""Pages of many flows: with the counts and the index of `large`, and from the end of the list where it is nearer."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from app.caches import bounded_cache
from app.store.engine.database import Database, Query, Row, Session
from app.store.queries import large
from app.store.queries.flow_row import Flow
from app.store.queries.listing import By, Listing
from app.store.queries.view import Key, View
from app.store.schema.search import fold

# The offset from which on it pays to check whether the end of the list is nearer.
_FAR = 1_000


class FlowListing(Listing[Flow]):
    """The statements of pages of flows, few or many.

    :param database: the database
    :param view: the flows
    """

    def __init__(self, database: Database, view: View) -> None:
        super().__init__(database, view, Flow._make)
        self._large: bool | None = None
        self._large_query = bounded_cache(256)(self._compile_large)
        self._count_query = bounded_cache(64)(self._compile_count)
        self._probe = cache(lambda: database.compile(large.probe(database)))

    def _rows(self, session: Session, by: By, terms: Sequence[str], parameters: dict[str, Any]) -> list[Row]:
        if self._large is None:
            self._large = large.is_prepared_in(session, self._database)
        if not self._large:
            return super()._rows(session, by, terms, parameters)
        filters = by[0]
        trigrams = large.trigrams(self._database, [fold(term) for term in terms])
        if trigrams is not None:
            found = session.row(self._probe(), {"trigrams": trigrams})
            if found is not None and found[0] <= large.RARE:
                return session.rows(self._large_query(*by, indexed=True), {**parameters, "trigrams": trigrams})
        counting = self._count_query(filters) if not terms and parameters["offset"] >= _FAR else None
        if counting is not None:
            counted = session.row(counting, parameters)
            count: int = counted[0] if counted is not None else 0
            behind = count - parameters["offset"]
            if 0 < behind < parameters["offset"]:
                size = min(parameters["size"], behind)
                backwards = {**parameters, "size": size, "offset": behind - size}
                rows = session.rows(self._large_query(*by, backwards=True), backwards)
                if rows and rows[0][-1] == count:
                    return rows[::-1]
        return session.rows(self._large_query(*by), parameters)

    def _compile_large(
        self,
        filters: frozenset[str],
        terms: int,
        ordering: tuple[Key, ...],
        *,
        indexed: bool = False,
        backwards: bool = False,
    ) -> Query:
        database = self._database
        narrowed: list[sa.ColumnElement[bool]] = [large.candidates(database)] if indexed else []
        count = large.count(filters) if not terms else None
        return self._compile(filters, terms, ordering, narrowed=narrowed, count=count, backwards=backwards)

    def _compile_count(self, filters: frozenset[str]) -> Query | None:
        known = large.count(filters)
        return self._database.compile(sa.select(known)) if known is not None else None
