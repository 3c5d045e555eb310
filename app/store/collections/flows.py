"""Flows, and all statements on their table."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import sqlalchemy as sa

from app import errors
from app.caches import bounded_cache
from app.execution import Statement, single_statement
from app.store.collections.identity import new_uuid
from app.store.engine.database import Database, Query, Row, Session
from app.store.queries.flow_row import Flow, update_of, values_of_update
from app.store.queries.large.listing import FlowListing
from app.store.queries.listing import Page, PageRequest
from app.store.queries.view import Field, View, column_field, condition_count
from app.store.schema.search import search_text
from app.store.schema.tables import flows


def flow_fields() -> dict[str, Field]:
    """The filters of flows."""
    return {name: column_field(flows.c[name]) for name in Flow._fields if name not in ("stages", "policies")}


_COLUMNS = frozenset(Flow._fields)


class Flows:
    """The flows of a database.

    :param database: the database
    :param searched: the searched properties
    """

    def __init__(self, database: Database, searched: Sequence[str]) -> None:
        self._database = database
        self.searched = tuple(searched)
        self._columns = [flows.c[name] for name in Flow._fields]
        self._insert = database.compile(
            sa.insert(flows).values({column.name: sa.bindparam(column.name) for column in flows.c})
        )
        self.view = View(flows, flows.c.pk, self._columns, flow_fields(), flows.c.search)
        self._listing = FlowListing(database, self.view)
        by_key = flows.c.pk == sa.bindparam("pk_")
        read = sa.select(*self._columns).where(by_key)
        self._read, self._read_and_lock = database.compile(read), database.compile(read.with_for_update())
        self._delete = database.compile(sa.delete(flows).where(by_key))
        self._get_query = bounded_cache(64)(self._compile_get)
        self._delete_query = bounded_cache(64)(self._compile_delete)
        self._update_query = cache(lambda properties: database.compile(update_of(properties)))

    @single_statement
    def get(self, slug: str, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> Flow:
        """Get the flow of a slug.

        :param filters: the required values of properties
        :param terms: search terms that must match
        :raises NotFound: there is none, or it does not match
        """
        with self._database.read() as session:
            return self._get(session, slug, filters, terms)

    def getting(
        self, slug: str, filters: Mapping[str, Any], terms: Sequence[str], represent: Callable[[Flow], Any]
    ) -> Statement:
        """The statement of `get`. :param represent: makes the result from the flow"""
        query = self._get_query(frozenset(filters), condition_count(terms), True, False)
        return Statement(query, {**self.view.values(filters, terms), "slug_": slug}, partial(_found, represent))

    def taken(self, property_name: str, value: Any, slug: str | None) -> bool:
        """Whether another flow has a value.

        :param slug: the flow to ignore, if any
        """
        query = self._get_query(frozenset({property_name}), 0, False, False)
        with self._database.read() as session:
            row = session.row(query, {f"filter_{property_name}": value})
        return row is not None and Flow._make(row).slug != slug

    def page(self, request: PageRequest) -> Page[Flow]:
        """A page of flows, see `Listing.page`."""
        return self._listing.page(request)

    @single_statement
    def add(self, properties: Mapping[str, Any]) -> Flow:
        """Store a new flow.

        :param properties: all properties but the identifiers
        :raises NotUnique: the slug is taken
        """
        flow = self._new(properties)
        with self._database.write_once() as session:
            session.run(self._insert, self._values(flow))
        return flow

    @single_statement
    def change(
        self,
        slug: str,
        properties: Mapping[str, Any],
        filters: Mapping[str, Any] = {},
        terms: Sequence[str] = (),
    ) -> Flow:
        """Update some properties of a flow.

        :raises NotFound: there is no flow of this slug, or it does not match
        :raises NotUnique: the new slug is taken
        """
        if not properties:
            return self.get(slug, filters, terms)
        with self._database.write() as session:
            return self.update(session, self._get(session, slug, filters, terms, lock=True), properties)

    def remove(self, slug: str, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> None:
        """Delete a flow.

        :raises NotFound: there is no flow of this slug, or it does not match
        """
        query = self._delete_query(frozenset(filters), condition_count(terms))
        with self._database.write_once() as session:
            if not session.run(query, {**self.view.values(filters, terms), "slug_": slug}):
                raise errors.NotFound

    def insert(self, session: Session, properties: Mapping[str, Any], pk: str | None = None) -> Flow:
        """Store a new flow, within a transaction."""
        flow = self._new(properties, pk)
        session.run(self._insert, self._values(flow))
        return flow

    def update(self, session: Session, flow: Flow, properties: Mapping[str, Any]) -> Flow:
        """Update some properties of a flow that this transaction has read and locked. :returns: the new flow"""
        if not properties:
            return flow
        changed = flow._replace(**properties)
        session.run(self._update_query(frozenset(properties)), values_of_update(changed, properties, self.searched))
        return changed

    def read(self, session: Session, pk: str, *, lock: bool = False) -> Flow:
        """Get a flow by its primary key.

        :param lock: whether to lock the row until the transaction ends
        :raises NotFound: there is none
        """
        row = session.row(self._read_and_lock if lock else self._read, {"pk_": pk})
        if row is None:
            raise errors.NotFound
        return Flow._make(row)

    def delete(self, session: Session, pk: str) -> None:
        """Delete a flow, within a transaction. :raises NotFound: there is none"""
        if not session.run(self._delete, {"pk_": pk}):
            raise errors.NotFound

    def rebuild_search(self, session: Session) -> None:
        """Rebuild the `search` column, after a change of the searched properties."""
        rows = session.rows(self._database.compile(sa.select(*self._columns)))
        update = self._database.compile(
            sa.update(flows).where(flows.c.pk == sa.bindparam("pk_")).values(search=sa.bindparam("new_search"))
        )
        for row in rows:
            flow = Flow._make(row)
            session.run(update, {"pk_": flow.pk, "new_search": self._values(flow)["search"]})

    def _new(self, properties: Mapping[str, Any], pk: str | None = None) -> Flow:
        # A version of the contract may have read-only properties that are the same for all flows.
        own = {name: value for name, value in properties.items() if name in _COLUMNS}
        return Flow(pk=pk or new_uuid(), policybindingmodel_ptr_id=new_uuid(), **own)

    def _get(
        self, session: Session, slug: str, filters: Mapping[str, Any], terms: Sequence[str], *, lock: bool = False
    ) -> Flow:
        query = self._get_query(frozenset(filters), condition_count(terms), True, lock)
        row = session.row(query, {**self.view.values(filters, terms), "slug_": slug})
        if row is None:
            raise errors.NotFound
        return Flow._make(row)

    def _values(self, flow: Flow) -> dict[str, Any]:
        """The columns of a flow."""
        values = flow._asdict()
        return {**values, "search": search_text(values[name] for name in self.searched)}

    def _compile_get(self, filters: frozenset[str], terms: int, by_slug: bool, lock: bool) -> Query:
        statement = sa.select(*self._columns).where(*self.view.matches(filters, terms))
        if by_slug:
            statement = statement.where(flows.c.slug == sa.bindparam("slug_"))
        return self._database.compile(statement.with_for_update() if lock else statement)

    def _compile_delete(self, filters: frozenset[str], terms: int) -> Query:
        found = self.view.matches(filters, terms)
        return self._database.compile(sa.delete(flows).where(flows.c.slug == sa.bindparam("slug_"), *found))


def _found(represent: Callable[[Flow], Any], row: Row | None) -> Any:
    if row is None:
        raise errors.NotFound
    return represent(Flow._make(row))
