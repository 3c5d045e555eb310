"""Pages of objects: filtered, searched and sorted, with the number of all that match."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import sqlalchemy as sa

from app import errors
from app.caches import bounded_cache
from app.store.engine.database import Database, Query, Row, Session
from app.store.queries.view import View, condition_count

# The greatest offset that both databases take.
LAST_OFFSET = 2**63 - 1

By = tuple[frozenset[str], int, tuple[tuple[str, bool], ...]]
"""What a statement depends on: the properties that are filtered on, the conditions of the words, the sort keys."""


class SortKey(Protocol):
    """One key to sort by."""

    @property
    def property_name(self) -> str:
        """The property."""

    @property
    def descending(self) -> bool:
        """Whether the greatest value comes first."""


class PageRequest(NamedTuple):
    """The page of a list that a client asks for.

    :param filters: values that properties have to equal
    :param search: words that have to be found
    :param ordering: the keys to sort by; equal objects follow by `pk`
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

    :param count: how many objects match, on all pages together
    :param rows: the objects of the page
    """

    count: int
    rows: list[R]


class Listing(Generic[R]):
    """The statements that make pages.

    :param database: where it is
    :param view: what is listed
    :param row: makes an object of the values of its columns
    :param cut: whether the page is cut before what is read of each object is made, which pays if that is more than columns
    """

    def __init__(self, database: Database, view: View, row: Callable[[Iterable[Any]], R], *, cut: bool = False) -> None:
        self._database = database
        self._view = view
        self._row = row
        self._cut = cut
        self._query = bounded_cache(256)(self._compile)

    def page(self, request: PageRequest) -> Page[R]:
        """A page of the objects that match, with their number, from one snapshot.

        :raises PageNotFound: the page lies before the first one or behind the last one, or has no room
        """
        filters, terms, ordering, number, size = request
        offset = (number - 1) * size
        if number < 1 or size < 1 or offset > LAST_OFFSET:
            raise errors.PageNotFound
        by = (
            frozenset(filters),
            condition_count(terms),
            tuple((key.property_name, key.descending) for key in ordering),
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
