"""The columns of a flow, the statements and the sessions of the peers that use SQLAlchemy's ORM.

Each of them maps what is bound to a flow in its own way.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, Text, create_engine, event, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column, sessionmaker
from sqlalchemy.orm.interfaces import ORMOption

from app.store.schema.search import fold, search_text
from bench.peers import contract


def _new_id() -> str:
    return str(uuid.uuid4())


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """Base of the mapped classes."""

    type_annotation_map = {str: Text}  # noqa: RUF012  # SQLAlchemy reads it from the class


class FlowColumns(MappedAsDataclass, kw_only=True):
    """The columns of a flow that say nothing of what is bound to it."""

    pk: Mapped[str] = mapped_column(primary_key=True, default_factory=_new_id)
    policybindingmodel_ptr_id: Mapped[str] = mapped_column(unique=True, default_factory=_new_id)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    designation: Mapped[str]
    background: Mapped[str] = mapped_column(default=contract.BACKGROUND)
    policy_engine_mode: Mapped[str] = mapped_column(default="any")
    compatibility_mode: Mapped[bool] = mapped_column(default=False)
    layout: Mapped[str] = mapped_column(default="stacked")
    denied_action: Mapped[str] = mapped_column(default="message_continue")
    authentication: Mapped[str] = mapped_column(default="none")
    # Written with each change, and compared in the database only.
    search: Mapped[str] = mapped_column(deferred=True, init=False, repr=False)

    # Nothing plans a flow.
    cache_count = 0

    @property
    def export_url(self) -> str:
        """Where the flow can be had as a blueprint."""
        return contract.export_url(self.slug)


@event.listens_for(FlowColumns, "before_insert", propagate=True)
@event.listens_for(FlowColumns, "before_update", propagate=True)
def _keep_search(_mapper: object, _connection: object, flow: FlowColumns) -> None:
    flow.search = search_text(getattr(flow, property_name) for property_name in contract.SEARCHED)


class Sessions:
    """Sessions on one database.

    :param url: as SQLAlchemy has it
    """

    def __init__(self, url: str) -> None:
        engine = _sqlite(url) if url.startswith("sqlite") else _postgresql(url)
        # What was committed is answered as it is, without being read again.
        self.read = sessionmaker(engine, expire_on_commit=False)
        self.write = sessionmaker(engine.execution_options(writes=True), expire_on_commit=False)


def _postgresql(url: str) -> Engine:
    url = url.replace("postgresql:", "postgresql+psycopg:", 1)
    return create_engine(url, pool_size=10, max_overflow=0)


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        # One for each thread that Starlette starts: to open a connection costs more than to answer a request.
        pool_size=40,
        # Transactions begin as SQLAlchemy's documentation of SQLite has it, and not when the driver thinks fit.
        connect_args={"isolation_level": None, "timeout": 5},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that will write asks for the lock at once: what it reads stays true until it has written.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


F = TypeVar("F", bound=FlowColumns)


class Flows(Generic[F]):
    """The statements on flows.

    :param model: the mapped class
    :param options: how what is bound to a flow is loaded
    """

    def __init__(self, model: type[F], *options: ORMOption) -> None:
        self._model = model
        self._select = select(model).options(*options)

    def page(
        self, session: Session, filters: Mapping[str, Any], search: str, ordering: str, number: int, size: int
    ) -> tuple[int, Sequence[F]] | None:
        """How many flows match, and those of a page; None if there is no such page.

        :param filters: the values that columns have to equal
        :param search: the words that have to be found
        :param ordering: the members to sort by, as the query has them
        """
        model = self._model
        conditions = [getattr(model, name) == value for name, value in filters.items()]
        conditions += [model.search.contains(fold(term), autoescape=True) for term in contract.terms(search)]
        keys = [(getattr(model, key.property_name), key.descending) for key in contract.sort_keys(ordering)]
        count = session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0
        if number < 1 or (number > 1 and (number - 1) * size >= count):
            return None
        statement = (
            self._select.where(*conditions)
            .order_by(*(column.desc() if descending else column for column, descending in keys), model.pk)
            .limit(size)
            .offset((number - 1) * size)
        )
        return count, session.scalars(statement).all()

    def get(self, session: Session, slug: str, *, to_change: bool = False) -> F | None:
        """The flow of a slug, None if there is none.

        :param to_change: whether others have to wait with their changes of it
        """
        statement = self._select.where(self._model.slug == slug)
        return session.scalar(statement.with_for_update() if to_change else statement)
