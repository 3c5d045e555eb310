"""What belongs together: which model an object is of, and what is bound to it."""

from collections.abc import Mapping

import sqlalchemy as sa

from app.objects import Model
from app.store.database import Database, Session
from app.store.tables import flows, objects, policy_bindings, stage_bindings

# What is kept in a table of its own, by collection; all other objects say their model.
_TABLES = {"flows": flows, "stage_bindings": stage_bindings, "policy_bindings": policy_bindings}


class Graph:
    """The objects of a database, and the bindings between them.

    :param database: where they are
    :param models: the models by name
    """

    def __init__(self, database: Database, models: Mapping[str, Model]) -> None:
        self._models = {model.collection: name for name, model in models.items() if model.collection in _TABLES}
        pk: sa.BindParameter[str] = sa.bindparam("pk_")
        self._model_of = database.compile(
            sa.union_all(
                sa.select(objects.c.model).where(objects.c.pk == pk),
                *(sa.select(_text(name)).where(table.c.pk == pk) for name, table in _TABLES.items()),
            )
        )
        bound_here = {
            "stage_bindings": stage_bindings.c.target == pk,
            "policy_bindings": sa.or_(policy_bindings.c.flow == pk, policy_bindings.c.stage_binding == pk),
        }
        bound = sa.union_all(
            *(
                sa.select(_text(name).label("collection"), _TABLES[name].c.pk, _TABLES[name].c.order).where(condition)
                for name, condition in bound_here.items()
            )
        ).subquery()
        self._bound_to = database.compile(
            sa.select(bound.c.collection, bound.c.pk).order_by(bound.c.collection.desc(), bound.c.order, bound.c.pk)
        )

    def model_of(self, session: Session, pk: str) -> str | None:
        """The model of an object, None if there is no such object."""
        row = session.row(self._model_of, {"pk_": pk})
        return None if row is None else self._models.get(row[0], row[0])

    def bound_to(self, session: Session, pk: str) -> list[tuple[str, str]]:
        """The bindings whose target an object is, as model and pk: those of stages, then those of policies, each in its order."""
        return [(self._models[collection], key) for collection, key in session.rows(self._bound_to, {"pk_": pk})]


def _text(name: str) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{name}'", sa.Text())
