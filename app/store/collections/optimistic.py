"""Flows on PostgreSQL with optimistic concurrency control: an update applies if the row is still the version last read,
according to its `xmin`.

It takes one round trip instead of four (begin, read and lock, update, commit), and can be pipelined with others. To turn
it off, choose `Flows` in `app.store`.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import sqlalchemy as sa

from app import errors
from app.caches import bounded_cache
from app.store.collections.flows import Flows
from app.store.engine.postgresql.database import PostgreSQLDatabase
from app.store.engine.row_cache import RowCache
from app.store.engine.session import Query, Row
from app.store.queries.flow_row import Flow, texts, update_of, values_of_update
from app.store.queries.view import condition_count
from app.store.schema.tables import flows

# The transaction that has written a row (PostgreSQL, "System Columns"): it changes with each version of the row.
_version = sa.cast(sa.literal_column("flows.xmin"), sa.Text)


class _Seen(NamedTuple):
    """A flow at one version."""

    flow: Flow
    version: str


class OptimisticFlows(Flows):
    """The flows of a PostgreSQL database."""

    def __init__(self, database: PostgreSQLDatabase, searched: Sequence[str]) -> None:
        super().__init__(database, searched)
        self._is_remote = database
        self._seen: RowCache[_Seen] = RowCache()
        # Locks of flows during a change.
        self._turns: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._look_query = bounded_cache(64)(self._compile_look)
        self._versioned_update = cache(self._compile_update)

    def add(self, properties: Mapping[str, Any]) -> Flow:
        """See `Flows`."""
        flow = self._new(properties)
        with self._is_remote.write_once() as session:
            session.insert(self._insert, self._values(flow), flow.slug)
        return flow

    def change(
        self,
        slug: str,
        properties: Mapping[str, Any],
        filters: Mapping[str, Any] = {},
        terms: Sequence[str] = (),
    ) -> Flow:
        """See `Flows`. Changes of the same flow are serialized here, as concurrent ones would fail.

        :raises Unavailable: another change of the flow takes too long
        """
        if not properties:
            return self.get(slug, filters, terms)
        turn = self._turns.setdefault(slug, threading.Lock())
        milliseconds = self._is_remote.lock_timeout
        if not turn.acquire(timeout=milliseconds / 1000):
            raise self._is_remote.held_up("Another change of the flow takes too long.")
        if milliseconds:
            try:
                changed = self._change(slug, properties, filters, terms, self._see)
            finally:
                turn.release()
        else:
            changed = self._change_in_turn(slug, properties, filters, terms, turn)
        # Another process has changed the flow meanwhile.
        return changed or super().change(slug, properties, filters, terms)

    def _change_in_turn(
        self,
        slug: str,
        properties: Mapping[str, Any],
        filters: Mapping[str, Any],
        terms: Sequence[str],
        turn: threading.Lock,
    ) -> Flow | None:
        """Change a flow in a pipeline. :param turn: is released when the result of the change is known"""

        def see(flow: Flow, row: Row | None) -> None:
            self._see(flow, row)
            turn.release()

        try:
            return self._change(slug, properties, filters, terms, see)
        except BaseException:
            turn.release()
            raise

    def _change(
        self,
        slug: str,
        properties: Mapping[str, Any],
        filters: Mapping[str, Any],
        terms: Sequence[str],
        see: Callable[[Flow, Row | None], None],
    ) -> Flow | None:
        """Change a flow if its version is still the one last read.

        :param see: is called with the new flow, and the row that the update has returned
        :returns: None if another process has changed it
        """
        seen = None if filters or terms else self._seen.get_cached(slug)
        seen = seen or self._look(slug, filters, terms)
        changed = seen.flow._replace(**properties)
        values = values_of_update(changed, properties, self.searched)
        values["version_"] = seen.version
        with self._is_remote.write_once() as session:
            query = self._versioned_update(frozenset(properties))
            unchanged = session.expect(query, values, slug, partial(see, changed))
        return changed if unchanged else None

    def _look(self, slug: str, filters: Mapping[str, Any], terms: Sequence[str]) -> _Seen:
        query = self._look_query(frozenset(filters), condition_count(terms))
        with self._database.read() as session:
            row = session.row(query, {**self.view.values(filters, terms), "slug_": slug})
        if row is None:
            raise errors.NotFound
        *columns, version = row
        return _Seen(Flow._make(columns), version)

    def _see(self, flow: Flow, row: Row | None) -> None:
        """Cache a changed flow. :param row: contains its version; None if it was not changed"""
        if row is None:
            self._seen.discard(flow.slug)
        else:
            self._seen.put(flow.slug, _Seen(flow, row[0]), texts(flow))

    def _compile_look(self, filters: frozenset[str], terms: int) -> Query:
        columns = [flows.c[name] for name in Flow._fields]
        statement = sa.select(*columns, _version).where(*self.view.matches(filters, terms))
        return self._database.compile(statement.where(flows.c.slug == sa.bindparam("slug_")))

    def _compile_update(self, properties: frozenset[str]) -> Query:
        same = _version == sa.bindparam("version_")
        return self._database.compile(update_of(properties).where(same).returning(_version))
