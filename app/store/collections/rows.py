"""Rows of a table as its view shows them: pages, single rows and deletion, the same for all collections with their own table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from app import determinism, errors
from app.caches import bounded_cache
from app.store.engine.database import Database, Query, Session
from app.store.queries.listing import Listing, Page, PageRequest
from app.store.queries.moments import LIVE_AT
from app.store.queries.references import References
from app.store.queries.view import OWNER, View, column_field, condition_count

R = TypeVar("R", bound=tuple[Any, ...])


class Rows(Generic[R]):
    """The rows of a table.

    :param database: the database
    :param view: their view
    :param row: makes a row from the columns of the view
    :param key: the column with the identifier in a path
    :param owner: the property with the user to whom a row belongs; empty if it belongs to nobody
    :param cut: see `Listing`
    """

    def __init__(
        self,
        database: Database,
        view: View,
        row: Callable[[Iterable[Any]], R],
        key: sa.Column[Any],
        *,
        owner: str = "",
        cut: bool = False,
    ) -> None:
        if owner:
            # A key of its own: a client may filter by the property, too.
            view = replace(view, fields={**view.fields, OWNER: replace(view.fields[owner], reference=None)})
        self._database = database
        self.view = view
        self.row = row
        self._key = key
        self._bound = column_field(key).bound
        self._references = References(database)
        self._listing = Listing(database, view, row, cut=cut)
        self._get_query = bounded_cache(64)(self._compile_get)
        self._lock = database.compile(locking(key))
        self._delete = database.compile(sa.delete(key.table).where(key == sa.bindparam("key_")))

    def page(self, request: PageRequest) -> Page[R]:
        """A page of rows, see `Listing.page`. :raises InvalidChoice: a filter refers to a missing object"""
        self.check(request.filters)
        return self._listing.page(request._replace(filters=self._complete(request.filters)))

    def get(self, key: Any, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> R:
        """Get a row.

        :param filters: the required values of properties
        :param terms: search terms that must match
        :raises InvalidChoice: a filter refers to a missing object
        :raises NotFound: there is none, or it does not match
        """
        self.check(filters)
        with self._database.read() as session:
            return self.read(session, key, filters, terms)

    def remove(self, key: Any, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> None:
        """Delete a row. :raises NotFound: there is none, or it does not match"""
        self.check(filters)
        with self._database.write() as session:
            self.read(session, key, filters, terms, lock=True)
            self.delete(session, key)

    def read(
        self,
        session: Session,
        key: Any,
        filters: Mapping[str, Any] = {},
        terms: Sequence[str] = (),
        *,
        lock: bool = False,
    ) -> R:
        """Get a row, within a transaction. :raises NotFound: there is none, or it does not match"""
        known = {"key_": self._bound(key)}
        if lock:
            session.lock(self._lock, known)
        filters = self._complete(filters)
        query = self._get_query(frozenset(filters), condition_count(terms))
        row = session.row(query, {**self.view.values(filters, terms), **known})
        if row is None:
            raise errors.NotFound
        return self.row(row)

    def delete(self, session: Session, key: Any) -> None:
        """Delete a row, within a transaction. :raises NotFound: there is none"""
        if not session.run(self._delete, {"key_": self._bound(key)}):
            raise errors.NotFound

    def _complete(self, filters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The filters, and those of every query."""
        return filters

    def check(self, filters: Mapping[str, Any]) -> None:
        """Check that the objects to which filters refer exist. :raises InvalidChoice: one does not"""
        if filters and (leading := self.view.references(filters)):
            with self._database.read() as session:
                self._references.check(session, leading, filters)

    def _compile_get(self, filters: frozenset[str], terms: int) -> Query:
        found = (self._key == sa.bindparam("key_"), *self.view.matches(filters, terms))
        return self._database.compile(sa.select(*self.view.columns).select_from(self.view.source).where(*found))


def locking(key: sa.Column[Any]) -> sa.Select[Any]:
    """The statement that locks the row of the key `key_`, on databases that lock rows. :param key: the column"""
    return sa.select(key).where(key == sa.bindparam("key_")).with_for_update()


class ExpiringRows(Rows[R]):
    """The rows of a table without those that have expired; see `live_field`."""

    def _complete(self, filters: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**filters, LIVE_AT: int(determinism.now())}
