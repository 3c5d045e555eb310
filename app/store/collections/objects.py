"""Objects of models without a table of their own, such as stages, prompts and users, and all statements on their tables.

No model is known by name here: the contract declares their properties and references.
"""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa

from app import determinism, errors
from app.caches import bounded_cache
from app.domain import CASCADE, Collection, Model
from app.store.collections.identity import Numbers, new_uuid
from app.store.collections.reference_rows import ReferenceRows
from app.store.collections.rows import Rows
from app.store.engine.database import Database, Query, Session
from app.store.queries.listing import Page, PageRequest
from app.store.queries.moments import NO_MOMENT, in_utc, seconds_of, written
from app.store.queries.object_views import ObjectRow, view
from app.store.queries.references import References, key_of
from app.store.queries.view import View, condition_count
from app.store.schema.search import search_text_of_object
from app.store.schema.tables import objects, references


class Objects:
    """The objects of a database.

    A *scope* is the name of a model, or that of a collection for the objects of all its models.

    :param database: the database
    :param models: the models by name
    :param collections: the collections by name
    :param searched: the searched properties, by collection
    """

    def __init__(
        self,
        database: Database,
        models: Mapping[str, Model],
        collections: Mapping[str, Collection],
        searched: Mapping[str, Sequence[str]],
    ) -> None:
        self._database = database
        self._models = models
        self._collections = collections
        self._searched = searched
        self._references = References(database)
        self._reference_rows = ReferenceRows(database)
        self._numbers = Numbers(database)
        self.view = cache(self._make_view)
        self._rows = cache(lambda scope: Rows(database, self.view(scope), ObjectRow._make, objects.c.pk, cut=True))
        self._values_query = bounded_cache(16)(self._compile_values)
        compiled = database.compile
        self._insert = compiled(sa.insert(objects).values({c.name: sa.bindparam(c.name) for c in objects.c}))
        changed = ("name", "members", "search")
        values: dict[str, sa.BindParameter[Any]] = {name: sa.bindparam(f"new_{name}") for name in changed}
        self._update = compiled(sa.update(objects).where(objects.c.pk == sa.bindparam("pk_")).values(values))
        self._delete = compiled(sa.delete(objects).where(objects.c.pk == sa.bindparam("pk_")))
        self._cascades = {
            (to, model.name, name)
            for model in models.values()
            for name, reference in model.references.items()
            if reference.on_delete == CASCADE
            for to in reference.to
        }
        self._owners = compiled(
            sa.select(objects.c.pk)
            .join(references, references.c.owner == objects.c.pk)
            .where(
                objects.c.model == sa.bindparam("model_"),
                references.c.member == sa.bindparam("member_"),
                references.c.object == sa.bindparam("object_"),
            )
        )
        self._by_name = compiled(
            sa.select(objects.c.pk).where(
                objects.c.collection == sa.bindparam("collection_"), objects.c.name == sa.bindparam("name_")
            )
        )

    def page(self, scope: str, request: PageRequest) -> Page[ObjectRow]:
        """A page of objects, see `Rows`."""
        return self._rows(scope).page(request)

    def values(self, scope: str, property_name: str, terms: Sequence[str]) -> list[Any]:
        """The distinct values of a property, sorted.

        :param terms: search terms that must match the object
        """
        query = self._values_query(scope, property_name, condition_count(terms))
        with self._database.read() as session:
            return [value for (value,) in session.rows(query, self.view(scope).values({}, terms))]

    def get(self, scope: str, pk: str | int, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> ObjectRow:
        """Get an object, see `Rows`."""
        return self._rows(scope).get(key_of(pk), filters, terms)

    def add(self, model: str, properties: Mapping[str, Any]) -> ObjectRow:
        """Store a new object.

        :param properties: all writable properties
        :raises DanglingReference: a reference dangles
        :raises NotUnique: the name is taken
        """
        with self._database.write() as session:
            return self.read(session, model, self.insert(session, model, properties))

    def change(
        self,
        model: str,
        pk: str | int,
        properties: Mapping[str, Any],
        filters: Mapping[str, Any] = {},
        terms: Sequence[str] = (),
    ) -> ObjectRow:
        """Update some properties of an object.

        :raises NotFound: there is no such object, or it does not match
        :raises DanglingReference: a reference dangles
        :raises NotUnique: the new name is taken
        """
        self._rows(model).check(filters)
        with self._database.write() as session:
            row = self.read(session, model, pk, filters, terms, lock=True)
            self.update(session, row, properties)
            return self.read(session, model, pk)

    def remove(self, scope: str, pk: str | int, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> None:
        """Delete an object, with its bindings and the references to it.

        :raises NotFound: there is no such object, or it does not match
        """
        self._rows(scope).check(filters)
        with self._database.write() as session:
            row = self.read(session, scope, pk, filters, terms, lock=True)
            self.delete(session, row.model, row.pk)

    def refer(self, collection: str, pk: str, property_name: str, to: Any, *, add: bool) -> None:
        """Add an object to the references of a property, or remove it. Does nothing if there is nothing to change.

        :param collection: a collection with one model
        :param to: the object's identifier
        :param add: whether to add it
        :raises NotFound: there is no such object, or none with that identifier
        """
        with self._database.write() as session:
            self.refer_within(session, collection, pk, property_name, to, add=add)

    def refer_within(
        self, session: Session, collection: str, pk: str, property_name: str, to: Any, *, add: bool
    ) -> None:
        """See `refer`, within a transaction."""
        (known,) = (model for model in self._models.values() if model.collection == collection)
        reference = known.references[property_name]
        self.read(session, collection, pk)
        target = self._references.find(session, reference, to)
        if target is None:
            raise errors.NotFound
        inverse = reference.inverse_of
        owner, name, other = (target.pk, inverse, pk) if inverse else (pk, property_name, target.pk)
        (self._reference_rows.append if add else self._reference_rows.remove)(session, owner, name, other)

    def key_of_name(self, collection: str, name: str) -> str:
        """The primary key of the object of a collection with a name. :raises NotFound: there is none"""
        found = self._named(collection, name)
        if found is None:
            raise errors.NotFound
        return found

    def taken(self, collection: str, name: str, identity: str | int | None) -> bool:
        """Whether another object of a collection has a name.

        :param identity: the primary key or the name of the object to ignore, if any
        """
        found = self._named(collection, name)
        return found is not None and (identity is None or key_of(identity) not in (found, name))

    def read(
        self,
        session: Session,
        scope: str,
        pk: str | int,
        filters: Mapping[str, Any] = {},
        terms: Sequence[str] = (),
        *,
        lock: bool = False,
    ) -> ObjectRow:
        """Get an object within a transaction, see `Rows`."""
        return self._rows(scope).read(session, key_of(pk), filters, terms, lock=lock)

    def insert(self, session: Session, model: str, properties: Mapping[str, Any], pk: str | None = None) -> str:
        """Store a new object, within a transaction. :returns: its primary key"""
        known = self._models[model]
        properties = self.as_stored(known, {**dict.fromkeys(known.lifetimes), **properties})
        found = self._references.resolve(session, known.references, properties)
        own = {**self._own(known, properties), **{generated: new_uuid() for generated in known.generated}}
        pk = self._numbers.next(session) if known.numbered else pk or new_uuid()
        name = {"pk": pk, **properties}[known.named_by]
        row = {"pk": pk, "collection": known.collection, "model": model, "name": name}
        row |= {"members": orjson.dumps(own).decode(), "search": self._search(known, name, own)}
        with self._database.translating(_taken(known)):
            session.run(self._insert, row)
        for property_name, targets in found.items():
            if inverse := known.references[property_name].inverse_of:
                self._reference_rows.replace_inverse(session, pk, inverse, (target.pk for target in targets))
            else:
                self._reference_rows.insert(session, pk, known.stored_as(property_name), targets)
        return pk

    def update(self, session: Session, row: ObjectRow, properties: Mapping[str, Any]) -> None:
        """Update some properties of an object that was read in this transaction.

        :raises Invalid: it refers to itself, directly or by other objects, or a fixed reference changes
        """
        known = self._models[row.model]
        properties = self.as_stored(known, properties)
        found = self._references.resolve(session, known.references, properties)
        stored = orjson.loads(row.properties)
        own = {**stored, **self._own(known, _not_as_shown(known, stored, properties))}
        name = properties.get(known.named_by, row.name)
        changed = {"pk_": row.pk, "new_name": name, "new_members": orjson.dumps(own).decode()}
        changed["new_search"] = self._search(known, name, own)
        for property_name, targets in found.items():
            reference = known.references[property_name]
            kept_as = known.stored_as(property_name)
            before = {pk for name, pk in orjson.loads(row.references) if name == kept_as}
            if reference.itself and any(
                self._reference_rows.reaches(session, one.pk, kept_as, row.pk) for one in targets
            ):
                raise errors.Invalid({property_name: [reference.itself]})
            if reference.fixed and {target.pk for target in targets} != before:
                raise errors.Invalid({property_name: [reference.fixed]})
        with self._database.translating(_taken(known)):
            session.run(self._update, changed)
        for property_name, targets in found.items():
            if inverse := known.references[property_name].inverse_of:
                self._reference_rows.replace_inverse(session, row.pk, inverse, (target.pk for target in targets))
            else:
                self._reference_rows.replace(session, row.pk, known.stored_as(property_name), targets)

    def delete(self, session: Session, model: str, pk: str) -> None:
        """Delete an object with those that depend on it, within a transaction. :raises NotFound: there is none"""
        known = self._models.get(model)
        scopes = {model, *([known.collection] if known is not None else ())}
        owners = {
            (owner, str(owner_pk)): None
            for to, owner, property_name in sorted(self._cascades)
            if to in scopes
            for (owner_pk,) in session.rows(self._owners, {"model_": owner, "member_": property_name, "object_": pk})
        }
        if not session.run(self._delete, {"pk_": pk}):
            raise errors.NotFound
        for owner, owner_pk in owners:
            # Objects that refer to one another are deleted once.
            with contextlib.suppress(errors.NotFound):
                self.delete(session, owner, owner_pk)

    def rebuild_search(self, session: Session) -> None:
        """Rebuild the `search` column, after a change of the searched properties."""
        columns = (objects.c.pk, objects.c.model, objects.c.name, objects.c.members)
        search = sa.update(objects).where(objects.c.pk == sa.bindparam("pk_")).values(search=sa.bindparam("new_search"))
        update = self._database.compile(search)
        for pk, model, name, properties in session.rows(self._database.compile(sa.select(*columns))):
            if (known := self._models.get(model)) is not None:
                session.run(update, {"pk_": pk, "new_search": self._search(known, name, orjson.loads(properties))})

    def as_stored(self, model: Model, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Convert properties of an object: times to UTC, and null to the end of a lifetime that begins now.

        :raises Invalid: a time can't be stored
        """
        for name in model.lifetimes.keys() & properties.keys():
            if properties[name] is not None and seconds_of(properties[name]) is None:
                raise errors.Invalid({name: [NO_MOMENT]})
        now = datetime.fromtimestamp(determinism.now(), UTC)
        times = {
            name: written(now + timedelta(seconds=seconds)) if properties[name] is None else in_utc(properties[name])
            for name, seconds in model.lifetimes.items()
            if name in properties
        }
        return {**properties, **times}

    def _named(self, collection: str, name: str) -> str | None:
        with self._database.read() as session:
            row = None if "\0" in name else session.row(self._by_name, {"collection_": collection, "name_": name})
        return None if row is None else str(row[0])

    def _own(self, model: Model, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The properties to store as JSON."""
        beside = {model.named_by, *model.references}
        return {name: value for name, value in properties.items() if name not in beside}

    def _search(self, model: Model, name: str, properties: Mapping[str, Any]) -> str:
        searched = self._searched.get(model.collection, ())
        return search_text_of_object(name, (properties.get(other, model.unstored.get(other)) for other in searched))

    def _make_view(self, scope: str) -> View:
        model = self._models.get(scope)
        collection = model.collection if model else scope
        seen = [model] if model else [one for one in self._models.values() if one.collection == collection]
        named_by = seen[0].named_by if seen else "name"
        by_name = named_by in self._searched.get(collection, (named_by,))
        related = self._collections[collection].related if collection in self._collections else ""
        return view(collection, seen, related, self._models, all_of_it=model is None, by_name=by_name)

    def _compile_values(self, scope: str, property_name: str, terms: int) -> Query:
        seen = self.view(scope)
        value = seen.fields[property_name].key()
        found = sa.select(value).where(*seen.matches(frozenset(), terms))
        return self._database.compile(found.distinct().order_by(value))


def _taken(model: Model) -> Mapping[tuple[str, ...], str]:
    """The property to report for a violation of the table's unique constraint."""
    return {("collection", "name"): model.named_by}


def _not_as_shown(model: Model, stored: Mapping[str, Any], properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Remove properties that a client sends back as its version shows the value that another version has stored."""
    shown = {
        name
        for name, form in model.forms.items()
        if name in stored and name in properties and form(stored[name]) == properties[name]
    }
    return {name: value for name, value in properties.items() if name not in shown} if shown else properties
