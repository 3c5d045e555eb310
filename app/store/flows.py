"""Flows: every statement on their table."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa
from sqlalchemy import JSON

from app import errors
from app.store.database import Database, Query, Session
from app.store.search import fold, search_text
from app.store.tables import flows

# Words that are looked for by a condition each; further ones go into one condition, so that statements stay small and few.
_TERMS = 8

# The greatest offset that both databases take.
_LAST_OFFSET = 2**63 - 1


class Flow(NamedTuple):
    """A flow as it is stored. SQLite gives its truth values as 0 and 1."""

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


class SortKey(Protocol):
    """One key to sort by."""

    @property
    def member(self) -> str:
        """The column."""

    @property
    def descending(self) -> bool:
        """Whether the greatest value comes first."""


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
        self._delete = database.compile(sa.delete(flows).where(flows.c.pk == sa.bindparam("pk_")))
        # Combinations of filters, terms and sort keys are few; a bound keeps a stranger from filling the memory.
        self._page_query = lru_cache(maxsize=256)(self._compile_page)
        self._get_query = lru_cache(maxsize=64)(self._compile_get)
        self._update_query = cache(self._compile_update)

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
        offset = (number - 1) * size
        if offset > _LAST_OFFSET:
            raise errors.PageNotFound
        query = self._page_query(
            frozenset(filters), min(len(terms), _TERMS + 1), tuple((key.member, key.descending) for key in ordering)
        )
        with self._database.read() as session:
            rows = session.rows(
                query, {**_conditions(filters, terms), "size": min(size, _LAST_OFFSET), "offset": offset}
            )
        if not rows:
            if number > 1:
                raise errors.PageNotFound
            return Page(0, [])
        return Page(rows[0][-1], [Flow._make(row[:-1]) for row in rows])

    def add(self, members: Mapping[str, Any]) -> Flow:
        """Store a new flow.

        :param members: every member but the identities
        :raises NotUnique: the slug is taken
        """
        flow = Flow(pk=str(uuid.uuid4()), policybindingmodel_ptr_id=str(uuid.uuid4()), **members)
        with self._database.write() as session:
            session.run(self._insert, self._values(flow))
        return flow

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
        with self._database.write() as session:
            flow = self._get(session, slug, filters, terms, lock=True)._replace(**members)
            if members:
                values = {f"new_{name}": value for name, value in self._values(flow).items()}
                session.run(self._update_query(frozenset(members)), {**values, "pk_": flow.pk})
        return flow

    def remove(self, slug: str, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> None:
        """Delete a flow.

        :raises NotFound: there is no flow of this slug, or it does not match
        """
        with self._database.write() as session:
            flow = self._get(session, slug, filters, terms, lock=True)
            session.run(self._delete, {"pk_": flow.pk})

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
        query = self._get_query(frozenset(filters), min(len(terms), _TERMS + 1), True, lock)
        row = session.row(query, {**_conditions(filters, terms), "slug_": slug})
        if row is None:
            raise errors.NotFound
        return Flow._make(row)

    def _values(self, flow: Flow) -> dict[str, Any]:
        """The columns of a flow."""
        values = flow._asdict()
        return {**values, "search": search_text(values, self.searched)}

    def _compile_get(self, filters: frozenset[str], terms: int, by_slug: bool, lock: bool) -> Query:
        statement = sa.select(*self._columns).where(*self._matches(filters, terms))
        if by_slug:
            statement = statement.where(flows.c.slug == sa.bindparam("slug_"))
        return self._database.compile(statement.with_for_update() if lock else statement)

    def _compile_page(self, filters: frozenset[str], terms: int, ordering: tuple[tuple[str, bool], ...]) -> Query:
        matches = self._matches(filters, terms)
        count = sa.select(sa.func.count()).select_from(flows).where(*matches).scalar_subquery()
        return self._database.compile(
            sa.select(*self._columns, count)
            .where(*matches)
            .order_by(*_sort_keys(ordering))
            .limit(sa.bindparam("size", type_=sa.BigInteger()))
            .offset(sa.bindparam("offset", type_=sa.BigInteger()))
        )

    def _compile_update(self, members: frozenset[str]) -> Query:
        values: dict[str, sa.BindParameter[Any]] = {
            name: sa.bindparam(f"new_{name}") for name in sorted(members | {"search"})
        }
        return self._database.compile(sa.update(flows).where(flows.c.pk == sa.bindparam("pk_")).values(values))

    def _matches(self, filters: frozenset[str], terms: int) -> list[sa.ColumnElement[bool]]:
        conditions: list[sa.ColumnElement[bool]] = [
            flows.c[name] == sa.bindparam(f"filter_{name}") for name in sorted(filters)
        ]
        zero: sa.ColumnElement[int] = sa.literal_column("0", sa.Integer())
        position = sa.func.instr if self._database.embedded else sa.func.strpos
        conditions += [
            position(flows.c.search, sa.bindparam(f"term_{index}", type_=sa.Text())) > zero
            for index in range(min(terms, _TERMS))
        ]
        if terms > _TERMS:
            words = sa.bindparam("terms", type_=sa.Text())
            each = (
                sa.func.json_each(words)
                if self._database.embedded
                else sa.func.json_array_elements_text(words.cast(JSON))
            ).table_valued("value")
            conditions.append(~sa.exists().where(position(flows.c.search, each.c.value) == zero).select_from(each))
        return conditions


def _conditions(filters: Mapping[str, Any], terms: Sequence[str]) -> dict[str, Any]:
    if not filters and not terms:
        return {}
    values: dict[str, Any] = {f"filter_{name}": value for name, value in filters.items()}
    values |= {f"term_{index}": fold(term) for index, term in enumerate(terms[:_TERMS])}
    return {**values, "terms": json.dumps([fold(term) for term in terms[_TERMS:]])} if len(terms) > _TERMS else values


def _sort_keys(ordering: tuple[tuple[str, bool], ...]) -> list[sa.ColumnElement[Any]]:
    """The keys up to the first unique one, which the primary key is at the latest."""
    keys: list[sa.ColumnElement[Any]] = []
    for member, descending in (*ordering, ("pk", False)):
        column = flows.c[member]
        keys.append(column.desc() if descending else column.asc())
        if column.unique or column.primary_key:
            break
    return keys
