"""Pages of objects: filtered, searched and sorted, with the number of all that match."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from app import errors
from app.caches import bounded_cache
from app.store.engine.database import Database, Query, Row, Session
from app.store.queries.view import View, condition_count

# The greatest offset that both databases take.
LAST_OFFSET = 2**63 - 1

By = tuple[frozenset[str], int, tuple[tuple[str, bool], ...]]
"""What a statement depends on: the members that are filtered on, the conditions of the words, the sort keys."""


class SortKey(Protocol):
    """One key to sort by."""

    @property
    def member(self) -> str:
        """The member."""

    @property
    def descending(self) -> bool:
        """Whether the greatest value comes first."""


class Listing:
    """The statements that make pages.

    :param database: where it is
    :param view: what is listed
    :param cut: whether the page is cut before what is read of each object is made, which pays if that is more than columns
    """

    def __init__(self, database: Database, view: View, *, cut: bool = False) -> None:
        self._database = database
        self._view = view
        self._cut = cut
        self._query = bounded_cache(256)(self._compile)

    def page(
        self,
        filters: Mapping[str, Any],
        terms: Sequence[str],
        ordering: Sequence[SortKey],
        number: int,
        size: int,
    ) -> tuple[int, list[Row]]:
        """How many objects match, and the rows of one page of them.

        :param filters: values that members have to equal
        :param terms: words that have to be found
        :param ordering: the keys to sort by; equal objects follow by `pk`
        :param number: number of the page, from 1
        :param size: objects on a page
        :raises PageNotFound: the page lies before the first one or behind the last one, or has no room
        """
        offset = (number - 1) * size
        if number < 1 or size < 1 or offset > LAST_OFFSET:
            raise errors.PageNotFound
        by = (frozenset(filters), condition_count(terms), tuple((key.member, key.descending) for key in ordering))
        parameters = {**self._view.values(filters, terms), "size": min(size, LAST_OFFSET), "offset": offset}
        with self._database.read() as session:
            rows = self._rows(session, by, terms, parameters)
        if not rows:
            if number > 1:
                raise errors.PageNotFound
            return 0, []
        return rows[0][-1], [row[:-1] for row in rows]

    def _rows(self, session: Session, by: By, _terms: Sequence[str], parameters: dict[str, Any]) -> list[Row]:
        """The rows of a page, each with the number of all that match at its end."""
        return session.rows(self._query(*by), parameters)

    def _compile(
        self,
        filters: frozenset[str],
        terms: int,
        ordering: tuple[tuple[str, bool], ...],
        *,
        narrowed: Sequence[sa.ColumnElement[bool]] = (),
        count: sa.ScalarSelect[Any] | None = None,
        backwards: bool = False,
    ) -> Query:
        view = self._view
        found = [*view.matches(filters, terms), *narrowed]
        if count is None:
            count = sa.select(sa.func.count()).select_from(view.source).where(*found).scalar_subquery()
        keys = view.sort_keys(ordering, backwards=backwards)
        cut: dict[str, Any] = {"type_": sa.BigInteger()}

        def page(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
            statement = sa.select(*columns).select_from(view.source).where(*found).order_by(*keys)
            return statement.limit(sa.bindparam("size", **cut)).offset(sa.bindparam("offset", **cut))

        if not self._cut:
            return self._database.compile(page(*view.columns, count))
        keys_of_page = page(view.key.label("pk")).subquery("page")
        joined = view.source.join(keys_of_page, keys_of_page.c.pk == view.key)
        return self._database.compile(sa.select(*view.columns, count).select_from(joined).order_by(*keys))
