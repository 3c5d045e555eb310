"""Dependencies between objects: their models and bindings."""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from app.domain import Model
from app.store.engine.database import Database, Session
from app.store.queries.view import any_of, listed
from app.store.schema.tables import COLLECTIONS, objects, policy_bindings, stage_bindings


class Graph:
    """The objects of a database, and the bindings between them.

    :param database: the database
    :param models: the models by name
    """

    def __init__(self, database: Database, models: Mapping[str, Model]) -> None:
        self._models = {model.collection: name for name, model in models.items() if model.collection in COLLECTIONS}
        pks: sa.BindParameter[str] = sa.bindparam("pks", type_=sa.Text())

        def wanted(column: sa.Column[str]) -> sa.ColumnElement[bool]:
            return any_of(column, pks)

        self._models_of = database.compile(
            sa.union_all(
                sa.select(objects.c.pk, objects.c.model).where(wanted(objects.c.pk)),
                *(sa.select(table.c.pk, _text(name)).where(wanted(table.c.pk)) for name, table in COLLECTIONS.items()),
            )
        )
        targets = {
            stage_bindings: [stage_bindings.c.target],
            policy_bindings: [policy_bindings.c[name] for name in ("flow", "stage_binding", "application")],
        }
        bound = sa.union_all(
            *(
                sa.select(
                    target.label("target"), _text(table.name).label("collection"), table.c.pk, table.c.order
                ).where(wanted(target))
                for table, columns in targets.items()
                for target in columns
            )
        ).subquery()
        self._bound_to = database.compile(
            sa.select(bound.c.target, bound.c.collection, bound.c.pk).order_by(
                bound.c.collection.desc(), bound.c.order, bound.c.pk
            )
        )

    def models_of(self, session: Session, pks: Iterable[str]) -> dict[str, str]:
        """The models of objects, by pk. Missing objects are left out."""
        rows = session.rows(self._models_of, {"pks": listed(list(pks))})
        return {pk: self._models.get(name) or name for pk, name in rows}

    def bound_to(self, session: Session, pks: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
        """The bindings to some targets, by the target's pk.

        :returns: model and pk of each: stage bindings, then policy bindings, each in their order
        """
        found: dict[str, list[tuple[str, str]]] = {}
        for target, collection, pk in session.rows(self._bound_to, {"pks": listed(list(pks))}):
            found.setdefault(target, []).append((self._models[collection], pk))
        return found


def _text(name: str) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{name}'", sa.Text())
