"""Flows: every statement on their table."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, Self

import sqlalchemy as sa

from app import errors
from app.store.database import Database, Query, Row, Session
from app.store.identity import new_uuid
from app.store.large.listing import FlowListing
from app.store.listing import SortKey
from app.store.remembered import Remembered
from app.store.search import search_text
from app.store.tables import flows
from app.store.views import View, column_field, conditions

# Flows share this many locks: a few times as many as there are threads.
_TURNS = 64


class Flow(NamedTuple):
    """A flow as it is stored. SQLite gives its truth values as 0 and 1.

    What is bound to it is kept by the database: the identities, in the order of the bindings, separated by spaces.
    """

    pk: str
    policybindingmodel_ptr_id: str
    name: str
    slug: str
    title: str
    designation: str
    background: str
    policy_engine_mode: str
    compatibility_mode: bool
    layout: str
    denied_action: str
    authentication: str
    stages: str = ""
    policies: str = ""


class Seen(NamedTuple):
    """What a change of a flow has to know of it.

    :param pk: its identity
    :param searched: the members that a search looks at
    """

    pk: str
    searched: Mapping[str, Any]

    @classmethod
    def of(cls, flow: Flow, searched: Sequence[str]) -> Self:
        """What it has to know of this one."""
        return cls(flow.pk, {name: getattr(flow, name) for name in searched})


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the flows that match.

    :param count: how many match in all
    :param flows: those of the page
    """

    count: int
    flows: list[Flow]


class Flows:
    """The flows of a database.

    :param database: where they are
    :param searched: the members that a search looks at
    """

    members = frozenset(Flow._fields)

    def __init__(self, database: Database, searched: Sequence[str]) -> None:
        self._database = database
        self.searched = tuple(searched)
        self._columns = [flows.c[name] for name in Flow._fields]
        self._insert = database.compile(
            sa.insert(flows).values({column.name: sa.bindparam(column.name) for column in flows.c})
        )
        fields = {name: column_field(flows.c[name]) for name in Flow._fields}
        self.view = View(database, flows, flows.c.pk, self._columns, fields, flows.c.search)
        self._listing = FlowListing(self.view)
        by_key = flows.c.pk == sa.bindparam("pk_")
        read = sa.select(*self._columns).where(by_key)
        self._read, self._read_and_lock = database.compile(read), database.compile(read.with_for_update())
        self._delete = database.compile(sa.delete(flows).where(by_key))
        # Combinations of filters and terms are few; a bound keeps a stranger from filling the memory.
        self._get_query = lru_cache(maxsize=64)(self._compile_get)
        self._delete_query = lru_cache(maxsize=64)(self._compile_delete)
        self._update_query = cache(self._compile_update)
        self._seen: Remembered[Seen] = Remembered()
        self._texts = attrgetter(*(name for name in Flow._fields if isinstance(flows.c[name].type, sa.Text)))
        self._turns = [threading.Lock() for _ in range(_TURNS)]

    def get(self, slug: str, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> Flow:
        """The flow of a slug.

        :param filters: values that members have to equal
        :param terms: words that have to be found
        :raises NotFound: there is none, or it does not match
        """
        with self._database.read() as session:
            return self._get(session, slug, filters, terms)

    def taken(self, member: str, value: Any, slug: str | None) -> bool:
        """Whether a flow has a value already.

        :param slug: the flow that may have it, if any
        """
        query = self._get_query(frozenset({member}), 0, False, False)
        with self._database.read() as session:
            row = session.row(query, {f"filter_{member}": value})
        return row is not None and Flow._make(row).slug != slug

    def page(
        self,
        filters: Mapping[str, Any],
        terms: Sequence[str],
        ordering: Sequence[SortKey],
        number: int,
        size: int,
    ) -> Page:
        """One page of the flows that match, with their number, from one snapshot.

        :param filters: values that members have to equal
        :param terms: words that have to be found
        :param ordering: the keys to sort by; equal flows follow by `pk`
        :param number: number of the page, from 1
        :param size: flows on a page
        :raises PageNotFound: the page lies behind the last one
        """
        count, rows = self._listing.page(filters, terms, ordering, number, size)
        return Page(count, [Flow._make(row) for row in rows])

    def add(self, members: Mapping[str, Any]) -> Flow:
        """Store a new flow.

        :param members: every member but the identities
        :raises NotUnique: the slug is taken
        """
        with self._database.write_once() as session:
            return self.insert(session, members)

    def change(
        self,
        slug: str,
        members: Mapping[str, Any],
        filters: Mapping[str, Any] = {},
        terms: Sequence[str] = (),
    ) -> Flow:
        """Store some members of a flow; the others stay.

        :raises NotFound: there is no flow of this slug, or it does not match
        :raises NotUnique: the new slug is taken
        """
        if not members:
            return self.get(slug, filters, terms)
        if not self._database.embedded:
            # Threads that change the same flow take turns here: what the others have seen would not hold any more.
            with self._turns[hash(slug) % _TURNS]:
                flow = self._change_unlocked(slug, members, filters, terms)
            if flow is not None:
                return flow
        with self._database.turn() as session:
            known: Flow | None = session.recall(slug)
            if known is None or filters or terms:
                known = self._get(session, slug, filters, terms, lock=True)
            changed = self.update(session, known, members)
            if changed.slug != slug:
                session.forget(slug)
            session.remember(changed.slug, changed, self._texts(changed))
            return changed

    def _change_unlocked(
        self, slug: str, members: Mapping[str, Any], filters: Mapping[str, Any], terms: Sequence[str]
    ) -> Flow | None:
        """Store some members of a flow without a lock and its transaction, which would be two more round trips. What was seen of it
        before need not be read, which would be one more.

        :returns: None if somebody else has changed what is searched meanwhile, so that the text for it would be wrong
        """
        seen = None if filters or terms else self._seen.recall(slug)
        seen = seen or Seen.of(self.get(slug, filters, terms), self.searched)
        with self._database.write_once() as session:
            row = self._update_unchanged(session, slug, seen, members)
        return None if row is None else self._see(Flow._make(row))

    def remove(self, slug: str, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> None:
        """Delete a flow.

        :raises NotFound: there is no flow of this slug, or it does not match
        """
        query = self._delete_query(frozenset(filters), conditions(terms))
        with self._database.write_once() as session:
            if not session.run(query, {**self.view.values(filters, terms), "slug_": slug}):
                raise errors.NotFound

    def insert(self, session: Session, members: Mapping[str, Any], pk: str | None = None) -> Flow:
        """Store a new flow, within a transaction."""
        flow = Flow(pk=pk or new_uuid(), policybindingmodel_ptr_id=new_uuid(), **members)
        session.run(self._insert, self._values(flow))
        return flow

    def update(self, session: Session, flow: Flow, members: Mapping[str, Any]) -> Flow:
        """Store some members of a flow, within the transaction that it was read and locked in. :returns: the flow with them"""
        if not members:
            return flow
        changed = flow._replace(**members)
        session.run(
            self._update_query(frozenset(members), False), self._new_values(flow.pk, changed._asdict(), members)
        )
        return changed

    def read(self, session: Session, pk: str, *, lock: bool = False) -> Flow:
        """A flow by its primary key.

        :param lock: whether nobody else may change it until the transaction ends
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
        """Make the `search` column anew, after the members that are searched have changed."""
        rows = session.rows(self._database.compile(sa.select(*self._columns)))
        update = self._database.compile(
            sa.update(flows).where(flows.c.pk == sa.bindparam("pk_")).values(search=sa.bindparam("new_search"))
        )
        for row in rows:
            flow = Flow._make(row)
            session.run(update, {"pk_": flow.pk, "new_search": self._values(flow)["search"]})

    def _get(
        self, session: Session, slug: str, filters: Mapping[str, Any], terms: Sequence[str], *, lock: bool = False
    ) -> Flow:
        query = self._get_query(frozenset(filters), conditions(terms), True, lock)
        row = session.row(query, {**self.view.values(filters, terms), "slug_": slug})
        if row is None:
            raise errors.NotFound
        return Flow._make(row)

    def _update_unchanged(self, session: Session, slug: str, seen: "Seen", members: Mapping[str, Any]) -> Row | None:
        """Store members of a flow as it was seen. :returns: its row, None if what is searched has changed since"""
        values = self._new_values(seen.pk, {**seen.searched, **members}, members)
        values |= {"slug_": slug, "old_search": search_text(seen.searched, self.searched)}
        return session.row(self._update_query(frozenset(members), True), values)

    def _new_values(self, pk: str, changed: Mapping[str, Any], members: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of an update.

        :param changed: what is searched, as it is with the new members
        """
        values = {f"new_{name}": value for name, value in members.items()}
        return {**values, "new_search": search_text(changed, self.searched), "pk_": pk}

    def _see(self, flow: Flow) -> Flow:
        """Remember what the next change of a flow has to know. Whether it still holds is asked with the change."""
        seen = Seen.of(flow, self.searched)
        self._seen.remember(flow.slug, seen, map(str, seen.searched.values()))
        return flow

    def _values(self, flow: Flow) -> dict[str, Any]:
        """The columns of a flow."""
        values = flow._asdict()
        return {**values, "search": search_text(values, self.searched)}

    def _compile_get(self, filters: frozenset[str], terms: int, by_slug: bool, lock: bool) -> Query:
        statement = sa.select(*self._columns).where(*self.view.matches(filters, terms))
        if by_slug:
            statement = statement.where(flows.c.slug == sa.bindparam("slug_"))
        return self._database.compile(statement.with_for_update() if lock else statement)

    def _compile_delete(self, filters: frozenset[str], terms: int) -> Query:
        found = self.view.matches(filters, terms)
        return self._database.compile(sa.delete(flows).where(flows.c.slug == sa.bindparam("slug_"), *found))

    def _compile_update(self, members: frozenset[str], unchanged: bool) -> Query:
        """:param unchanged: whether only if what is searched is as it was read; its row is told then"""
        values: dict[str, sa.BindParameter[Any]] = {
            name: sa.bindparam(f"new_{name}") for name in sorted(members | {"search"})
        }
        statement = sa.update(flows).where(flows.c.pk == sa.bindparam("pk_")).values(values)
        if unchanged:
            same = (flows.c.slug == sa.bindparam("slug_"), flows.c.search == sa.bindparam("old_search"))
            return self._database.compile(statement.where(*same).returning(*self._columns))
        return self._database.compile(statement)
