"""The objects of each model behind one interface, for units of work of several statements, such as an import."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import orjson
import sqlalchemy as sa

from app import errors
from app.caches import bounded_cache
from app.domain import Model
from app.store.collections.backgrounds import Backgrounds
from app.store.collections.bindings import Bindings
from app.store.collections.flows import Flows
from app.store.collections.objects import Objects
from app.store.engine.database import Database, Query, Row, Session
from app.store.queries.flow_row import Flow
from app.store.queries.moments import moment_of
from app.store.queries.object_views import ObjectRow
from app.store.queries.token_views import TokenRow
from app.store.queries.view import View, any_of, listed


class Repository(Protocol):
    """The objects of one model. All methods run within the transaction of a session."""

    def find(self, session: Session, identifiers: Mapping[str, Any]) -> str | None:
        """The primary key of the object whose properties equal all of these, None if there is none.

        :raises Invalid: a property can't identify objects
        """

    def read(self, session: Session, pk: str, *, lock: bool = False) -> dict[str, Any]:
        """All properties that clients or blueprints set, and `pk`.

        :param lock: whether to lock the object until the transaction ends
        :raises NotFound: there is no such object
        """

    def read_many(self, session: Session, pks: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The results of `read` by pk. Missing objects are left out."""

    def as_stored(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Convert properties to their stored form."""

    def changes(self, session: Session, pk: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The properties that differ from those of an object, which is locked. :raises NotFound: there is no such object"""

    def add(self, session: Session, properties: Mapping[str, Any], pk: str | None = None) -> str:
        """Store a new object. :returns: its primary key :raises NotUnique: :raises DanglingReference:"""

    def change(self, session: Session, pk: str, properties: Mapping[str, Any]) -> None:
        """Update some properties. :raises NotFound: :raises NotUnique: :raises DanglingReference:"""

    def remove(self, session: Session, pk: str) -> None:
        """Delete an object. :raises NotFound: there is no such object"""


class Reading(ABC):
    """Finds objects by their properties, and reads them."""

    def __init__(self, database: Database, view: View, columns: Sequence[sa.ColumnElement[Any]]) -> None:
        self._database = database
        self._view = view
        self._query = bounded_cache(256)(self._compile)
        read = sa.select(*columns).select_from(view.source)
        if view.always:
            # In one value: SQLite would prefer the index of a collection to the primary key.
            read = read.where(sa.case((sa.and_(*view.always), sa.true()), else_=sa.false()))
        self._by_keys = database.compile(read.where(any_of(view.key, sa.bindparam("pks", type_=sa.Text()))))
        by_key = read.where(view.key == sa.bindparam("pk_"))
        self._by_key = database.compile(by_key)
        # References to the object may still change.
        self._by_key_locked = database.compile(by_key.with_for_update(key_share=True, of=view.key.table))

    def find(self, session: Session, identifiers: Mapping[str, Any]) -> str | None:
        """See `Repository`."""
        unknown = [name for name in identifiers if name not in self._view.fields]
        if unknown:
            raise errors.Invalid({name: ["Objects can't be found by this property."] for name in unknown})
        row = session.row(self._query(frozenset(identifiers)), self._view.values(identifiers, ()))
        return None if row is None else str(row[0])

    def read(self, session: Session, pk: str, *, lock: bool = False) -> dict[str, Any]:
        """See `Repository`."""
        row = session.row(self._by_key_locked if lock else self._by_key, {"pk_": pk})
        if row is None:
            raise errors.NotFound
        return self._properties(row)

    def read_many(self, session: Session, pks: Iterable[str]) -> dict[str, dict[str, Any]]:
        """See `Repository`."""
        rows = session.rows(self._by_keys, {"pks": listed(list(pks))})
        return {properties["pk"]: properties for properties in map(self._properties, rows)}

    def as_stored(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """See `Repository`."""
        return dict(properties)

    def changes(self, session: Session, pk: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """See `Repository`."""
        stored = self.read(session, pk, lock=True)
        return {name: value for name, value in properties.items() if stored[name] != value}

    @abstractmethod
    def _properties(self, row: Row) -> dict[str, Any]:
        """All properties that clients or blueprints set, and `pk`."""

    def _compile(self, names: frozenset[str]) -> Query:
        view = self._view
        found = sa.select(view.key).select_from(view.source).where(*view.matches(names, 0)).order_by(view.key).limit(1)
        return self._database.compile(found)


class FlowRepository(Reading):
    """The repository of flows.

    :param backgrounds: their background images
    :param model: their model
    """

    def __init__(self, database: Database, flows: Flows, backgrounds: Backgrounds, model: Model) -> None:
        super().__init__(database, flows.view, flows.view.columns)
        self._flows = flows
        self._backgrounds = backgrounds
        self._model = model

    def _properties(self, row: Row) -> dict[str, Any]:
        flow = Flow._make(row)
        # SQLite returns 0 and 1 for booleans.
        values = {**flow._asdict(), "compatibility_mode": bool(flow.compatibility_mode)}
        return {name: values[name] for name in ("pk", *self._model.properties, *self._model.preset)}

    def as_stored(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """See `Repository`."""
        if "background" in properties:
            return {**properties, "background": self._backgrounds.url_of(properties["background"])}
        return dict(properties)

    def add(self, session: Session, properties: Mapping[str, Any], pk: str | None = None) -> str:
        """See `Repository`."""
        with self._database.translating():
            return self._flows.insert(session, properties, pk).pk

    def change(self, session: Session, pk: str, properties: Mapping[str, Any]) -> None:
        """See `Repository`."""
        with self._database.translating():
            flow = self._flows.read(session, pk, lock=True)
            self._backgrounds.release(session, flow, properties.get("background", flow.background))
            self._flows.update(session, flow, properties)

    def remove(self, session: Session, pk: str) -> None:
        """See `Repository`."""
        self._flows.delete(session, pk)


class ObjectRepository(Reading):
    """The repository of a model without a class of its own.

    :param model: the model
    """

    def __init__(self, database: Database, objects: Objects, model: Model) -> None:
        view = objects.view(model.name)
        # The related objects in the view of the collection may be as large as all bindings.
        super().__init__(database, view, view.columns[: ObjectRow._fields.index("related")])
        self._objects = objects
        self._model = model

    def _properties(self, row: Row) -> dict[str, Any]:
        pk, _, name, properties, references = row
        return {"pk": pk, **properties_of(self._model, name, properties, references)}

    def as_stored(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """See `Repository`."""
        return self._objects.as_stored(self._model, properties)

    def add(self, session: Session, properties: Mapping[str, Any], pk: str | None = None) -> str:
        """See `Repository`."""
        return self._objects.insert(session, self._model.name, properties, pk)

    def change(self, session: Session, pk: str, properties: Mapping[str, Any]) -> None:
        """See `Repository`."""
        self._objects.update(session, self._objects.read(session, self._model.name, pk, lock=True), properties)

    def remove(self, session: Session, pk: str) -> None:
        """See `Repository`."""
        self._objects.delete(session, self._model.name, pk)


class BindingRepository(Reading):
    """The repository of the bindings of stages, or of policies.

    :param columns: the names of the columns of their view
    :param model: their model
    """

    def __init__(self, database: Database, bindings: Bindings[Any], columns: Sequence[str], model: Model) -> None:
        known = dict(zip(columns, bindings.view.columns, strict=True))
        # The bound object in a view may be as large as its own bindings.
        self._names = [name for name in ("pk", *model.properties) if name in known]
        super().__init__(database, bindings.view, [known[name] for name in self._names])
        self._bindings = bindings
        self._model = model

    def _properties(self, row: Row) -> dict[str, Any]:
        values = dict(zip(self._names, row, strict=True))
        # SQLite returns 0 and 1 for booleans.
        return {name: self._value(name, values.get(name)) for name in ("pk", *self._model.properties)}

    def _value(self, name: str, value: Any) -> Any:
        reference = self._model.references.get(name)
        if value is not None and reference is not None and reference.integers:
            return int(value)
        return bool(value) if self._model.properties.get(name) == "boolean" else value

    def add(self, session: Session, properties: Mapping[str, Any], pk: str | None = None) -> str:
        """See `Repository`."""
        return self._bindings.insert(session, properties, pk)

    def change(self, session: Session, pk: str, properties: Mapping[str, Any]) -> None:
        """See `Repository`."""
        self._bindings.update(session, pk, properties)

    def remove(self, session: Session, pk: str) -> None:
        """See `Repository`."""
        self._bindings.delete(session, pk)


def properties_of_token(row: TokenRow) -> dict[str, Any]:
    """The stored properties of a token."""
    return {
        "pk": row.pk,
        "managed": row.managed,
        "identifier": row.identifier,
        "intent": row.intent,
        "user": int(row.user),
        "description": row.description,
        "expires": moment_of(row.expires) if row.expires else None,
        # SQLite returns 0 and 1 for booleans.
        "expiring": bool(row.expiring),
    }


def properties_of(model: Model, name: str, properties: str, references: str) -> dict[str, Any]:
    """The writable properties of an object, from their stored form. Properties that are not stored have their defaults, and are
    left out without one.
    """
    found = values_of(model, name, properties, references)
    names = (*model.properties, *model.preset)
    return {property_name: found[property_name] for property_name in names if property_name in found}


def values_of(model: Model, name: str, properties: str, references: str) -> dict[str, Any]:
    """All stored properties of an object, including read-only ones and those that the contract no longer has, and the defaults of
    properties that are not stored.
    """
    found: dict[str, Any] = {**model.unstored, **orjson.loads(properties), model.named_by: name}
    for property_name, form in model.forms.items():
        if property_name in found:
            found[property_name] = form(found[property_name])
    names = model.stored_references
    for property_name, reference in model.references.items():
        found.pop(property_name, None)
        if reference.many or reference.nullable:
            found[property_name] = [] if reference.many else None
    for stored_name, identity in orjson.loads(references):
        property_name = names.get(stored_name, stored_name)
        known = model.references.get(property_name)
        value = int(identity) if known is not None and known.integers else identity
        if known is not None and known.many:
            found[property_name].append(value)
        else:
            found[property_name] = value
    return found
