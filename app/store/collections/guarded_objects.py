"""Objects for callers without all permissions, who may change no one's superuser status."""

import contextlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from app import errors
from app.store.collections.objects import Objects
from app.store.engine.database import Query, Session
from app.store.queries.object_views import ObjectRow
from app.store.queries.people import GROUPS, USERS
from app.store.queries.token_views import superusers


class GuardedObjects(Objects):
    """The objects of a database. Each change leaves the superusers, and the groups of superusers, as they are."""

    def insert(self, session: Session, model: str, properties: Mapping[str, Any], pk: str | None = None) -> str:
        """See `Objects`. :raises Forbidden: a user or group would become a superuser"""
        with self._guarded(session, self._models[model].collection):
            return super().insert(session, model, properties, pk)

    def update(self, session: Session, row: ObjectRow, properties: Mapping[str, Any]) -> None:
        """See `Objects`. :raises Forbidden: the superusers would change"""
        with self._guarded(session, self._models[row.model].collection):
            super().update(session, row, properties)

    def delete(self, session: Session, model: str, pk: str) -> None:
        """See `Objects`. :raises Forbidden: the superusers would change"""
        with self._unchanged(session):
            super().delete(session, model, pk)

    def refer_within(
        self, session: Session, collection: str, pk: str, property_name: str, to: Any, *, add: bool
    ) -> None:
        """See `Objects`. :raises Forbidden: the superusers would change"""
        with self._guarded(session, collection):
            super().refer_within(session, collection, pk, property_name, to, add=add)

    def _guarded(self, session: Session, collection: str) -> contextlib.AbstractContextManager[None]:
        return self._unchanged(session) if collection in (USERS, GROUPS) else contextlib.nullcontext()

    @contextlib.contextmanager
    def _unchanged(self, session: Session) -> Iterator[None]:
        query = self._superusers
        before = set(map(tuple, session.rows(query)))
        yield
        if set(map(tuple, session.rows(query))) != before:
            raise errors.Forbidden

    @cached_property
    def _superusers(self) -> Query:
        return self._database.compile(superusers())
