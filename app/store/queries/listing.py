"""Pages of objects: filtered, searched and sorted, with the total number of matches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import sqlalchemy as sa

from app import errors
from app.caches import bounded_cache
from app.domain import SortKey
from app.store.engine.database import Database, Query, Row, Session
from app.store.queries.view import Key, View, condition_count

# The greatest offset of both databases.
LAST_OFFSET = 2**63 - 1

By = tuple[frozenset[str], int, tuple[Key, ...]]
"""The key of a statement: the filtered properties, the number of term conditions, the sort keys."""


class PageRequest(NamedTuple):
    """A request for a page of a list.

    :param filters: the required values of properties
    :param search: search terms that must match
    :param ordering: the sort keys; equal objects are sorted by `pk`
    :param page: number of the page, from 1
    :param page_size: objects on a page
    """

    filters: Mapping[str, Any]
    search: Sequence[str]
    ordering: Sequence[SortKey]
    page: int
    page_size: int


R = TypeVar("R", bound=tuple[Any, ...])


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """A page of a list.

    :param count: the number of matching objects on all pages
    :param rows: the objects of the page
    """

    count: int
    rows: list[R]


class Listing(Generic[R]):
    """The statements of pages.

    :param database: the database
    :param view: the listed objects
    :param row: makes an object from the values of its columns
    :param cut: whether the page is cut before columns are computed, which pays for computed ones
    """

    def __init__(self, database: Database, view: View, row: Callable[[Iterable[Any]], R], *, cut: bool = False) -> None:
        self._database = database
        self._view = view
        self._row = row
        self._cut = cut
        self._query = bounded_cache(256)(self._compile)

    def page(self, request: PageRequest) -> Page[R]:
        """A page of matching objects with their number, from one snapshot.

        :raises PageNotFound: the page is before the first or after the last one, or `page_size` is 0
        """
        filters, terms, ordering, number, size = request
        offset = (number - 1) * size
        if number < 1 or size < 1 or offset > LAST_OFFSET:
            raise errors.PageNotFound
        by = (
            frozenset(filters),
            condition_count(terms),
            tuple((key.property_name, key.descending, key.null_is_least) for key in ordering),
        )
        parameters = {**self._view.values(filters, terms), "size": min(size, LAST_OFFSET), "offset": offset}
        with self._database.read() as session:
            rows = self._rows(session, by, terms, parameters)
        if not rows:
            if number > 1:
                raise errors.PageNotFound
            return Page(0, [])
        return Page(rows[0][-1], [self._row(row[:-1]) for row in rows])

    def _rows(self, session: Session, by: By, _terms: Sequence[str], parameters: dict[str, Any]) -> list[Row]:
        """The rows of a page, each with the total number of matches at its end."""
        return session.rows(self._query(*by), parameters)

    def _compile(
        self,
        filters: frozenset[str],
        terms: int,
        ordering: tuple[Key, ...],
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
