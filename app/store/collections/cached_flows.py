"""Flows on SQLite that are changed without a read.

A session caches the rows that it has written in the shared transaction, as no other process can change them meanwhile: a
patch takes a tenth less time (docs/performance.md). To turn it off, choose `Flows` in `app.store`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.store.collections.flows import Flows
from app.store.engine.sqlite.grouped_database import GroupedDatabase
from app.store.queries.flow_row import Flow, texts


class CachedFlows(Flows):
    """The flows of a SQLite database whose transactions share commits."""

    def __init__(self, database: GroupedDatabase, searched: Sequence[str]) -> None:
        super().__init__(database, searched)
        self._grouped = database

    def change(
        self,
        slug: str,
        properties: Mapping[str, Any],
        filters: Mapping[str, Any] = {},
        terms: Sequence[str] = (),
    ) -> Flow:
        """See `Flows`."""
        if not properties:
            return self.get(slug, filters, terms)
        turn = self._grouped.turn()
        if turn is None:
            return super().change(slug, properties, filters, terms)
        with turn as session:
            known: Flow | None = session.get_cached(slug)
            if known is None or filters or terms:
                known = self._get(session, slug, filters, terms, lock=True)
            changed = self.update(session, known, properties)
            if changed.slug != slug:
                session.discard(slug)
            session.put(changed.slug, changed, texts(changed))
            return changed
