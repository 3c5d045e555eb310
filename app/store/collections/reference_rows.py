"""The rows of references between objects, and all statements that write them."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from app.store.collections.rows import locking
from app.store.engine.database import Database, Session
from app.store.queries.references import Target
from app.store.schema.tables import objects, references


class ReferenceRows:
    """The stored references of a database.

    :param database: the database
    """

    def __init__(self, database: Database) -> None:
        compiled = database.compile
        named: dict[str, sa.BindParameter[Any]] = {c.name: sa.bindparam(c.name) for c in references.c}
        of_property = (references.c.owner == sa.bindparam("owner_"), references.c.member == sa.bindparam("member_"))
        to_object = (references.c.object == sa.bindparam("object_"), references.c.member == sa.bindparam("member_"))
        others = references.alias("others")
        last = sa.select(sa.func.coalesce(sa.func.max(others.c.position), -1) + 1)
        last = last.where(others.c.owner == sa.bindparam("owner_"), others.c.member == sa.bindparam("member_"))
        appended: dict[str, Any] = {
            "owner": sa.bindparam("owner_"),
            "member": sa.bindparam("member_"),
            "position": last.scalar_subquery(),
            "object": sa.bindparam("object_"),
        }
        self._insert = compiled(sa.insert(references).values(named))
        self._append = compiled(sa.insert(references).values(appended))
        self._clear = compiled(sa.delete(references).where(*of_property))
        self._clear_inverse = compiled(sa.delete(references).where(*to_object))
        self._remove = compiled(sa.delete(references).where(*of_property, to_object[0]))
        self._reaches = compiled(_reaches())
        self._lock = compiled(locking(objects.c.pk))

    def reaches(self, session: Session, start: str, property_name: str, pk: str) -> bool:
        """Whether references of a property lead from one object to another, by any number of steps.

        :param start: the first object
        :param pk: the last object
        """
        values = {"start_": start, "member_": property_name, "object_": pk}
        return start == pk or session.row(self._reaches, values) is not None

    def replace(self, session: Session, owner: str, property_name: str, targets: Sequence[Target]) -> None:
        """Replace all references of a property. :param owner: the object with the property"""
        session.run(self._clear, {"owner_": owner, "member_": property_name})
        self.insert(session, owner, property_name, targets)

    def insert(self, session: Session, owner: str, property_name: str, targets: Sequence[Target]) -> None:
        """Store the references of a property without any. :param owner: the object with the property"""
        for position, target in enumerate(targets):
            leads = {"object": None, "flow": None, "flow" if target.collection == "flows" else "object": target.pk}
            session.run(self._insert, {"owner": owner, "member": property_name, "position": position, **leads})

    def replace_inverse(self, session: Session, pk: str, property_name: str, owners: Iterable[str]) -> None:
        """Replace the objects that refer to one by a property.

        :param pk: the referenced object
        """
        session.run(self._clear_inverse, {"object_": pk, "member_": property_name})
        for owner in sorted(owners):
            self.append(session, owner, property_name, pk)

    def append(self, session: Session, owner: str, property_name: str, pk: str) -> None:
        """Append a reference to a property, unless it exists.

        :param pk: the referenced object
        """
        # The lock fixes the next position.
        session.lock(self._lock, {"key_": owner})
        self.remove(session, owner, property_name, pk)
        session.run(self._append, {"owner_": owner, "member_": property_name, "object_": pk})

    def remove(self, session: Session, owner: str, property_name: str, pk: str) -> None:
        """Delete a reference of a property, if it exists."""
        session.run(self._remove, {"owner_": owner, "member_": property_name, "object_": pk})


def _reaches() -> sa.Select[Any]:
    """The query of `ReferenceRows.reaches`. It ends on stored cycles too: `UNION` drops rows that are found twice."""
    member = references.c.member == sa.bindparam("member_")
    first = sa.select(references.c.object).where(references.c.owner == sa.bindparam("start_"), member)
    found = first.cte("found", recursive=True)
    further = references.alias("further")
    step = sa.select(further.c.object).where(
        further.c.owner == found.c.object, further.c.member == sa.bindparam("member_")
    )
    found = found.union(step)
    return sa.select(found.c.object).where(found.c.object == sa.bindparam("object_")).limit(1)
