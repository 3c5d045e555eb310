"""Changes of flows in a networked database, without a lock and its transaction, which would be two more round trips.

What was seen of a flow before need not be read, which would be one more: whether it still holds is a condition of the change.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import sqlalchemy as sa

from app import errors
from app.store.engine.database import Database, Query, Row
from app.store.engine.row_cache import Remembered
from app.store.queries.flow_row import Flow, texts, update_of, values_of_update
from app.store.queries.view import View, condition_count
from app.store.schema.tables import flows

# The transaction that has written a row (PostgreSQL, "System Columns"): as long as it is the same, so is the row.
_version = sa.cast(sa.literal_column("flows.xmin"), sa.Text)


class _Seen(NamedTuple):
    """A flow as it was at a version."""

    flow: Flow
    version: str


class UnlockedChanges:
    """Changes of the flows of a networked database.

    :param searched: the members that a search looks at
    """

    def __init__(self, database: Database, view: View, searched: tuple[str, ...]) -> None:
        self._database = database
        self._view = view
        self._searched = searched
        self._seen: Remembered[_Seen] = Remembered()
        # Locks of flows that are being changed.
        self._turns: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        # Combinations of filters and terms are few; a bound keeps a stranger from filling the memory.
        self._look_query = lru_cache(maxsize=64)(self._compile_look)
        self._update_query = cache(self._compile_update)

    def change(
        self, slug: str, members: Mapping[str, Any], filters: Mapping[str, Any], terms: Sequence[str]
    ) -> Flow | None:
        """Store some members of a flow; who changes the same one takes turns here, as what was seen would not hold any more.

        :returns: None if somebody else has changed the flow meanwhile; nothing is changed then
        :raises NotFound: there is no flow of this slug, or it does not match
        :raises NotUnique: the new slug is taken
        :raises Unavailable: another change of it takes too long
        """
        turn = self._turns.setdefault(slug, threading.Lock())
        milliseconds = self._database.lock_timeout
        if not turn.acquire(timeout=milliseconds / 1000):
            raise self._database.held_up("Another change of the flow takes too long.")
        if milliseconds:
            try:
                return self._change(slug, members, filters, terms, self._see)
            finally:
                turn.release()

        def see(flow: Flow, row: Row | None) -> None:
            self._see(flow, row)
            turn.release()

        try:
            return self._change(slug, members, filters, terms, see)
        except BaseException:
            turn.release()
            raise

    def _change(
        self,
        slug: str,
        members: Mapping[str, Any],
        filters: Mapping[str, Any],
        terms: Sequence[str],
        see: Callable[[Flow, Row | None], None],
    ) -> Flow | None:
        """:param see: is told the flow as it is now, and what the change has answered"""
        seen = None if filters or terms else self._seen.recall(slug)
        seen = seen or self._look(slug, filters, terms)
        changed = seen.flow._replace(**members)
        values = values_of_update(changed, members, self._searched)
        values["version_"] = seen.version
        with self._database.write_once() as session:
            query = self._update_query(frozenset(members))
            unchanged = session.expect(query, values, slug, partial(see, changed))
        return changed if unchanged else None

    def _look(self, slug: str, filters: Mapping[str, Any], terms: Sequence[str]) -> _Seen:
        query = self._look_query(frozenset(filters), condition_count(terms))
        with self._database.read() as session:
            row = session.row(query, {**self._view.values(filters, terms), "slug_": slug})
        if row is None:
            raise errors.NotFound
        *columns, version = row
        return _Seen(Flow._make(columns), version)

    def _see(self, flow: Flow, row: Row | None) -> None:
        """Remember a flow that was changed. :param row: tells its version; None if it was not changed"""
        if row is None:
            self._seen.forget(flow.slug)
        else:
            self._seen.remember(flow.slug, _Seen(flow, row[0]), texts(flow))

    def _compile_look(self, filters: frozenset[str], terms: int) -> Query:
        columns = [flows.c[name] for name in Flow._fields]
        statement = sa.select(*columns, _version).where(*self._view.matches(filters, terms))
        return self._database.compile(statement.where(flows.c.slug == sa.bindparam("slug_")))

    def _compile_update(self, members: frozenset[str]) -> Query:
        same = _version == sa.bindparam("version_")
        return self._database.compile(update_of(members).where(same).returning(_version))
