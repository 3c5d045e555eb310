"""Bindings of stages to flows and of policies to their targets, and all statements on their tables."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from app import errors
from app.domain import Reference
from app.store.collections.identity import new_uuid
from app.store.collections.rows import R, Rows
from app.store.engine.database import Database, Query, Session
from app.store.queries.binding_views import PolicyBindingRow, StageBindingRow, policy_binding_view, stage_binding_view
from app.store.queries.references import Target
from app.store.queries.view import View
from app.store.schema.tables import policy_bindings, stage_bindings


class Bindings(Rows[R]):
    """The bindings of one kind.

    :param database: the database
    :param table: their table
    :param view: their view
    :param row: makes a binding from the columns of the view
    :param references: the references of their properties
    :param taken: the names to report for columns that are unique together
    """

    def __init__(
        self,
        database: Database,
        table: sa.Table,
        view: View,
        row: Callable[[Iterable[Any]], R],
        references: Mapping[str, Reference],
        taken: Mapping[Any, tuple[str, ...]],
    ) -> None:
        super().__init__(database, view, row, table.c.pk, cut=True)
        self._table = table
        self._properties = references
        self._taken = taken
        self._update_query = cache(self._compile_update)
        self._insert = database.compile(sa.insert(table).values({c.name: sa.bindparam(c.name) for c in table.c}))

    def add(self, properties: Mapping[str, Any]) -> R:
        """Store a new binding.

        :param properties: all writable properties
        :raises DanglingReference: a reference dangles
        :raises NotUnique: an equal binding exists
        """
        with self._database.write() as session:
            return self.read(session, self.insert(session, properties))

    def change(
        self, pk: str, properties: Mapping[str, Any], filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()
    ) -> R:
        """Update some properties of a binding.

        :raises NotFound: there is no such binding, or it does not match
        :raises DanglingReference: a reference dangles
        :raises NotUnique: an equal binding exists
        """
        self.check(filters)
        with self._database.write() as session:
            self.read(session, pk, filters, terms, lock=True)
            self.update(session, pk, properties)
            return self.read(session, pk)

    def insert(self, session: Session, properties: Mapping[str, Any], pk: str | None = None) -> str:
        """Store a new binding, within a transaction. :returns: its primary key"""
        values: dict[str, Any] = dict.fromkeys(self._table.c.keys())
        values |= {**self._values(session, properties), "pk": pk or new_uuid()}
        if "policybindingmodel_ptr_id" in self._table.c:
            values["policybindingmodel_ptr_id"] = new_uuid()
        self._reject_null(values)
        with self._database.translating(self._taken):
            session.run(self._insert, values)
        return str(values["pk"])

    def update(self, session: Session, pk: str, properties: Mapping[str, Any]) -> None:
        """Update some properties of a binding, within a transaction."""
        values = self._values(session, properties)
        self._reject_null(values)
        if values:
            new = {f"new_{name}": value for name, value in values.items()}
            with self._database.translating(self._taken):
                session.run(self._update_query(frozenset(values)), {**new, "pk_": pk})

    def _values(self, session: Session, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of properties. :raises DanglingReference: a reference dangles"""
        found = self._references.resolve(session, self._properties, properties)
        values = {name: value for name, value in properties.items() if name in self._table.c and name not in found}
        for name, targets in found.items():
            values |= self._columns(name, targets[0] if targets else None)
        return values

    def _reject_null(self, values: Mapping[str, Any]) -> None:
        """:raises DanglingReference: a required reference is null"""
        columns = self._table.c
        if missing := {name: None for name, value in values.items() if value is None and not columns[name].nullable}:
            raise errors.DanglingReference(missing)

    def _columns(self, property_name: str, target: Target | None) -> dict[str, Any]:
        """The columns of a reference property."""
        return {property_name: target.pk if target else None} if property_name in self._table.c else {}

    def _compile_update(self, columns: frozenset[str]) -> Query:
        values: dict[str, sa.BindParameter[Any]] = {name: sa.bindparam(f"new_{name}") for name in sorted(columns)}
        return self._database.compile(
            sa.update(self._table).where(self._table.c.pk == sa.bindparam("pk_")).values(values)
        )


class StageBindings(Bindings[StageBindingRow]):
    """The bindings of stages to flows.

    :param database: the database
    :param references: the references of their properties
    :param searched: the searched properties
    """

    def __init__(self, database: Database, references: Mapping[str, Reference], searched: Sequence[str]) -> None:
        view = stage_binding_view(searched)
        super().__init__(database, stage_bindings, view, StageBindingRow._make, references, {})


# The column of a target, by its collection.
_TARGETS = {"flows": "flow", "stage_bindings": "stage_binding", "objects": "application"}


class PolicyBindings(Bindings[PolicyBindingRow]):
    """The bindings of policies to flows, bindings of stages and applications.

    :param database: the database
    :param references: the references of their properties
    :param searched: the searched properties
    """

    def __init__(self, database: Database, references: Mapping[str, Reference], searched: Sequence[str]) -> None:
        pipelined = ("policy", "target", "order")
        taken = {("policy", target, "order"): pipelined for target in _TARGETS.values()}
        view = policy_binding_view(searched)
        super().__init__(database, policy_bindings, view, PolicyBindingRow._make, references, taken)

    def _columns(self, property_name: str, target: Target | None) -> dict[str, Any]:
        if property_name != "target" or target is None:
            return super()._columns(property_name, target)
        return {**dict.fromkeys(_TARGETS.values()), _TARGETS[target.collection]: target.pk}
