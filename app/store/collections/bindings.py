"""Bindings of stages to flows and of policies to their targets, and all statements on their tables."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from app import errors
from app.caches import bounded_cache
from app.domain import Reference
from app.store.collections.identity import new_uuid
from app.store.engine.database import Database, Query, Session
from app.store.queries.binding_views import PolicyBindingRow, StageBindingRow, policy_binding_view, stage_binding_view
from app.store.queries.listing import Listing, Page, PageRequest
from app.store.queries.references import References, Target
from app.store.queries.view import View, condition_count
from app.store.schema.tables import policy_bindings, stage_bindings

R = TypeVar("R", bound=tuple[Any, ...])


class Bindings(Generic[R]):
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
        self._database = database
        self._table = table
        self.view = view
        self.row = row
        self._properties = references
        self._taken = taken
        self._references = References(database)
        self._listing = Listing(database, view, row, cut=True)
        self._get_query = bounded_cache(64)(self._compile_get)
        self._update_query = cache(self._compile_update)
        by_key = table.c.pk == sa.bindparam("pk_")
        self._insert = database.compile(sa.insert(table).values({c.name: sa.bindparam(c.name) for c in table.c}))
        self._delete = database.compile(sa.delete(table).where(by_key))
        self._lock = database.compile(sa.select(table.c.pk).where(by_key).with_for_update())

    def page(self, request: PageRequest) -> Page[R]:
        """A page of bindings, see `Listing.page`. :raises InvalidChoice: a filter refers to a missing object"""
        self._check(request.filters)
        return self._listing.page(request)

    def get(self, pk: str, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> R:
        """Get a binding.

        :param filters: the required values of properties
        :param terms: search terms that must match
        :raises InvalidChoice: a filter refers to a missing object
        :raises NotFound: there is none, or it does not match
        """
        self._check(filters)
        with self._database.read() as session:
            return self.read(session, pk, filters, terms)

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
        self._check(filters)
        with self._database.write() as session:
            self.read(session, pk, filters, terms, lock=True)
            self.update(session, pk, properties)
            return self.read(session, pk)

    def remove(self, pk: str, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> None:
        """Delete a binding. :raises NotFound: there is no such binding, or it does not match"""
        self._check(filters)
        with self._database.write() as session:
            self.read(session, pk, filters, terms, lock=True)
            self.delete(session, pk)

    def read(
        self,
        session: Session,
        pk: str,
        filters: Mapping[str, Any] = {},
        terms: Sequence[str] = (),
        *,
        lock: bool = False,
    ) -> R:
        """Get a binding, within a transaction. :raises NotFound: there is none, or it does not match"""
        if lock:
            session.lock(self._lock, {"pk_": pk})
        query = self._get_query(frozenset(filters), condition_count(terms))
        row = session.row(query, {**self.view.values(filters, terms), "pk_": pk})
        if row is None:
            raise errors.NotFound
        return self.row(row)

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

    def delete(self, session: Session, pk: str) -> None:
        """Delete a binding, within a transaction. :raises NotFound: there is none"""
        if not session.run(self._delete, {"pk_": pk}):
            raise errors.NotFound

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

    def _check(self, filters: Mapping[str, Any]) -> None:
        if filters and (leading := self.view.references(filters)):
            with self._database.read() as session:
                self._references.check(session, leading, filters)

    def _compile_get(self, filters: frozenset[str], terms: int) -> Query:
        found = (self.view.key == sa.bindparam("pk_"), *self.view.matches(filters, terms))
        return self._database.compile(sa.select(*self.view.columns).select_from(self.view.source).where(*found))

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
