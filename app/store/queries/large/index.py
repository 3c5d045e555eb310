"""The trigram indexes of a large store's flows: full-text search on SQLite, an array per flow on PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from app.store.schema.tables import flows

_rows = sa.table("flow_words_rows", sa.column("id"), sa.column("pk"))
_waiting = sa.table("flow_words_waiting", sa.column("id"))
_row = sa.column("rowid", sa.BigInteger())


class TrigramIndex(Protocol):
    """An index of the trigrams of searched text."""

    def candidates(self) -> sa.ColumnElement[bool]:
        """The condition of the index for flows that may match; its parameter is `trigrams`."""

    def found(self) -> sa.FromClause:
        """The entries of the index for flows that may match; its parameter is `trigrams`."""

    def parameter(self, trigrams: Sequence[str]) -> Any:
        """The value of the parameter `trigrams`."""


class _FullTextIndex:
    """The index of SQLite (FTS5, "The Trigram Tokenizer"). Some flows are pending, and not yet indexed."""

    def candidates(self) -> sa.ColumnElement[bool]:
        known = sa.union_all(sa.select(self.found()), sa.select(_waiting.c.id))
        return flows.c.pk.in_(sa.select(_rows.c.pk).where(_rows.c.id.in_(known)))

    def found(self) -> sa.FromClause:
        return sa.text("SELECT rowid FROM flow_words WHERE flow_words MATCH :trigrams").columns(_row).subquery()

    def parameter(self, trigrams: Sequence[str]) -> str:
        return " AND ".join('"' + part.replace('"', '""') + '"' for part in trigrams)


class _ArrayIndex:
    """The index of PostgreSQL: a column with the trigrams of each flow (GIN)."""

    def candidates(self) -> sa.ColumnElement[bool]:
        column = sa.literal_column("flows.trigrams", sa.ARRAY(sa.Text()))
        return column.op("@>")(sa.bindparam("trigrams", type_=sa.ARRAY(sa.Text())))

    def found(self) -> sa.FromClause:
        return sa.select(flows.c.pk).where(self.candidates()).subquery()

    def parameter(self, trigrams: Sequence[str]) -> list[str]:
        return list(trigrams)


INDEXES: Mapping[str, TrigramIndex] = {"sqlite": _FullTextIndex(), "postgresql": _ArrayIndex()}
"""The index of each engine."""
