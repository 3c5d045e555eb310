"""Lookup of references. The referenced rows are locked until the transaction ends, so that they can't be deleted meanwhile."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from app import errors
from app.domain import Reference
from app.store.engine.database import Database, Query, Session
from app.store.queries.dialects import literal
from app.store.schema.tables import COLLECTIONS, objects

UUIDS = frozenset({"pk", "policybindingmodel_ptr_id"})
"""The identifiers that are UUIDs, and so case-insensitive (RFC 9562, section 4). Objects without a table of their own have one."""


def key_of(identity: Any) -> str:
    """An identifier as a stored key: integers are zero-padded, so that keys sort by number."""
    return f"{identity:019d}" if isinstance(identity, int) else str(identity)


def shown_key(key: str) -> str:
    """A stored key as shown to clients."""
    return str(int(key)) if key.isdigit() else key


class Target(NamedTuple):
    """The target of a reference.

    :param collection: `flows`, `stage_bindings` or `objects`
    :param pk: its primary key
    """

    collection: str
    pk: str


class References:
    """Looks up the targets of references.

    :param database: the database
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._query = cache(self._compile)

    def resolve(
        self, session: Session, references: Mapping[str, Reference], properties: Mapping[str, Any]
    ) -> dict[str, list[Target]]:
        """The targets of the references among some properties.

        :param references: the properties that are references
        :param properties: their values among others: an identifier, a list of identifiers, or None
        :raises DanglingReference: one or more dangle
        """
        found: dict[str, list[Target]] = {}
        missing: dict[str, Any] = {}
        for name, reference in references.items():
            if name not in properties:
                continue
            targets: dict[Target, None] = {}
            # A list may contain an identifier many times; the first dangling one is reported.
            for value in dict.fromkeys(identities(properties[name])):
                target = self.find(session, reference, value)
                if target is None:
                    missing[name] = value
                    break
                targets[target] = None
            found[name] = list(targets)
        if missing:
            raise errors.DanglingReference(missing)
        return found

    def find(self, session: Session, reference: Reference, value: Any, *, hold: bool = True) -> Target | None:
        """The target of an identifier, None if there is none.

        :param hold: whether to lock it until the transaction ends
        """
        identity = key_of(value)
        if not UUIDS.isdisjoint(reference.identity):
            identity = identity.lower()
        for to in reference.to if "\0" not in identity else ():
            row = session.row(self._query(to, reference.identity, hold), {"value": identity})
            if row is not None:
                return Target(to if to in COLLECTIONS else "objects", row[0])
        return None

    def check(self, session: Session, references: Mapping[str, Reference], filters: Mapping[str, Any]) -> None:
        """:raises InvalidChoice: a filter refers to a missing object"""
        for name, reference in references.items():
            for value in identities(filters.get(name)):
                if self.find(session, reference, value, hold=False) is None:
                    raise errors.InvalidChoice(name, value)

    def _compile(self, to: str, identity: tuple[str, ...], hold: bool) -> Query:
        table = COLLECTIONS.get(to, objects)
        value: sa.BindParameter[str] = sa.bindparam("value")
        columns = [_column(table, name) for name in identity]
        statement = sa.select(table.c.pk).where(sa.or_(*(column == value for column in columns)))
        if table is objects:
            column = objects.c.model if "." in to else objects.c.collection
            statement = statement.where(column == literal(to))
        return self._database.compile(statement.with_for_update(read=True, key_share=True) if hold else statement)


def _column(table: sa.Table, name: str) -> sa.ColumnElement[str]:
    """The column of an identifier. The name of an object is in the column `name`, whatever its property is called."""
    if name in table.c:
        return table.c[name]
    return table.c.pk if name in UUIDS else table.c.name


def identities(value: Any) -> Iterable[Any]:
    """The identifiers in a reference."""
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)
