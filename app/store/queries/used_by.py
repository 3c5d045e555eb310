"""Objects connected with an object, and the effect of its deletion on them.

The order is authentik's: by the name of the relation, which for references of other models is derived from the model's name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from app.domain import CASCADE, CASCADE_MANY, Collection, Model
from app.store.engine.database import Database, Query, Session
from app.store.queries.binding_views import STAGE_BINDING_COLUMNS, target_identity
from app.store.queries.dialects import json_value, readable
from app.store.queries.flow_row import Flow
from app.store.queries.object_views import object_references
from app.store.queries.people import USERS
from app.store.queries.references import shown_key
from app.store.schema.tables import flows, objects, policy_bindings, references, sessions, stage_bindings


class Use(NamedTuple):
    """An object connected with another one.

    :param model: its model
    :param pk: its identifier
    :param name: its display name
    :param action: the effect on it, or on the connection
    :param kind: its model or collection, for the permission to view it
    """

    model: str
    pk: str
    name: str
    action: str
    kind: Model | Collection


_Connection = tuple[str, Use]


class UsedBy:
    """The connections of a database's objects.

    :param database: the database
    :param models: the models by name
    :param collections: the collections by name; objects of others are left out
    """

    def __init__(self, database: Database, models: Mapping[str, Model], collections: Mapping[str, Collection]) -> None:
        self._database = database
        self._models = models
        self._collections = collections
        self._named_by = {model.collection: model.named_by for model in models.values()}
        self._query = cache(self._compile)

    def of(self, collection: str, pk: str) -> list[Use]:
        """The uses of an object of a collection."""
        match collection:
            case "flows":
                return self._sorted(pk, self._stages_of_flow, self._policies_of, self._owners)
            case "stage_bindings":
                return self._sorted(pk, self._policies_of)
            case "policy_bindings" | "tokens" | "user_consents" | "authenticated_sessions":
                return []
        sources = (self._flows_of_stage, self._guarded_by, self._bound_to, self._owners, self._owned)
        return self._sorted(pk, *sources, *((self._sessions_of,) if collection == USERS else ()))

    def _sorted(self, pk: str, *sources: Callable[[Session, str], Iterator[_Connection]]) -> list[Use]:
        with self._database.read() as session:
            found = [connection for source in sources for connection in source(session, pk)]
        return [use for _, use in sorted(found, key=lambda connection: connection[0])]

    def _use(
        self,
        relation: str,
        collection: Collection | None,
        values: Mapping[str, Any],
        action: str,
        model: Model | None = None,
    ) -> Iterator[_Connection]:
        """A connection with an object.

        :param relation: the sort key
        :param collection: the collection of the object; None if the contract does not have it
        :param model: the model of the object, if it matters
        """
        if collection is not None:
            name = model.name if model is not None else collection.model
            key = shown_key(values["pk"])
            yield relation, Use(name, key, collection.title_of(values), action, model or collection)

    def _binding(self, row: Sequence[Any]) -> Iterator[_Connection]:
        """The connection with a stage binding."""
        bindings = self._collections.get("stage_bindings")
        relation = bindings.relation if bindings is not None else ""
        return self._use(relation, bindings, dict(zip(STAGE_BINDING_COLUMNS, row, strict=True)), CASCADE)

    def _stages_of_flow(self, session: Session, pk: str) -> Iterator[_Connection]:
        stages = self._collections.get("stages")
        for row in session.rows(self._query("stages"), {"pk_": pk}):
            yield from self._binding(row[: len(STAGE_BINDING_COLUMNS)])
            yield from self._use("stages", stages, _values(*row[len(STAGE_BINDING_COLUMNS) :]), CASCADE_MANY)

    def _flows_of_stage(self, session: Session, pk: str) -> Iterator[_Connection]:
        known = self._collections.get("flows")
        relation = known.relation if known is not None else ""
        for row in session.rows(self._query("flows"), {"pk_": pk}):
            flow = Flow._make(row[len(STAGE_BINDING_COLUMNS) :])
            yield from self._use(relation, known, flow._asdict(), CASCADE_MANY)
            yield from self._binding(row[: len(STAGE_BINDING_COLUMNS)])

    def _policies_of(self, session: Session, pk: str) -> Iterator[_Connection]:
        policies = self._collections.get("policies")
        for row in session.rows(self._query("policies"), {"pk_": pk}):
            yield from self._use("policies", policies, _values(*row), CASCADE_MANY)

    def _guarded_by(self, session: Session, pk: str) -> Iterator[_Connection]:
        bindings = self._collections.get("policy_bindings")
        targets = bindings.targets if bindings is not None else None
        for (guarded,) in session.rows(self._query("guarded"), {"pk_": pk}):
            yield from self._use("bindings", targets, {"pk": guarded}, CASCADE_MANY)

    def _bound_to(self, session: Session, pk: str) -> Iterator[_Connection]:
        """The bindings of a user or a group."""
        bindings = self._collections.get("policy_bindings")
        for key, order, model, person, *row in session.rows(self._query("bound"), {"pk_": pk}):
            known = self._models.get(model)
            target = self._target(row)
            if known is None or bindings is None or target is None:
                continue
            values = {"pk": key, "target": target, "order": order, known.model_name: f"{known.verbose_name} {person}"}
            yield from self._use(bindings.relation, bindings, values, CASCADE)

    def _target(self, row: Sequence[Any]) -> str | None:
        """The title of the target in a row of `_bound`, None if the contract does not have its collection."""
        for name, values in _targets(row):
            if values["pk"] is not None:
                known = self._collections.get(name)
                return None if known is None else known.title_of(values)
        return None

    def _sessions_of(self, session: Session, pk: str) -> Iterator[_Connection]:
        """The sessions of a user."""
        known = self._collections.get("authenticated_sessions")
        relation = known.relation if known is not None else ""
        for (uuid,) in session.rows(self._query("sessions"), {"pk_": pk}):
            yield from self._use(relation, known, {"pk": uuid, "uuid": uuid}, CASCADE)

    def _owners(self, session: Session, pk: str) -> Iterator[_Connection]:
        """The objects that refer to this one."""
        for stored_name, model, *row in session.rows(self._query("owners"), {"pk_": pk}):
            # The contract may no longer have the model or the reference.
            known = self._models.get(model)
            name = None if known is None else known.stored_references.get(stored_name)
            if known is not None and name is not None:
                relation, action = f"{known.model_name}_set", known.references[name].on_delete
                values = _values(*row, named_by=known.named_by)
                yield from self._use(relation, self._collections.get(known.collection), values, action, known)

    def _owned(self, session: Session, pk: str) -> Iterator[_Connection]:
        """The objects that this one refers to."""
        for stored_name, owner_model, collection, *row in session.rows(self._query("owned"), {"pk_": pk}):
            known = self._models.get(owner_model)
            name = None if known is None else known.stored_references.get(stored_name)
            if known is not None and name is not None and known.references[name].many:
                values = _values(*row, named_by=self._named_by.get(collection, "name"))
                yield from self._use(name, self._collections.get(collection), values, CASCADE_MANY)

    def _compile(self, name: str) -> Query:
        return self._database.compile(_QUERIES[name]())


def _object() -> list[sa.ColumnElement[Any]]:
    """The columns for `_values`."""
    return [*(objects.c[name] for name in ("pk", "name", "members")), object_references()]


def _values(pk: str, name: str, properties: str, references: str, *, named_by: str = "name") -> dict[str, Any]:
    """The stored properties of an object. :param named_by: the property with its name"""
    leads = {property_name: shown_key(identity) for property_name, identity in orjson.loads(references)}
    return {**orjson.loads(properties), **leads, named_by: name, "pk": pk}


def _pk() -> sa.BindParameter[str]:
    return sa.bindparam("pk_")


def _stages() -> Any:
    """The stages of a flow, by their bindings."""
    binding = stage_bindings.c
    columns = (*(binding[name] for name in STAGE_BINDING_COLUMNS), *_object())
    joined = stage_bindings.join(objects, objects.c.pk == binding.stage)
    return sa.select(*columns).select_from(joined).where(binding.target == _pk()).order_by(binding.order, binding.pk)


def _flows() -> Any:
    """The flows of a stage, by its bindings."""
    binding = stage_bindings.c
    columns = (*(binding[name] for name in STAGE_BINDING_COLUMNS), *(flows.c[name] for name in Flow._fields))
    joined = stage_bindings.join(flows, flows.c.pk == binding.target)
    order = (binding.target, binding.order, binding.pk)
    return sa.select(*columns).select_from(joined).where(binding.stage == _pk()).order_by(*order)


def _policies() -> Any:
    """The policies of a flow, a stage binding or an application."""
    binding = policy_bindings.c
    bound = sa.or_(binding.flow == _pk(), binding.stage_binding == _pk(), binding.application == _pk())
    joined = policy_bindings.join(objects, objects.c.pk == binding.policy)
    return sa.select(*_object()).select_from(joined).where(bound).order_by(binding.order, binding.pk)


def _guarded() -> Any:
    """The targets of a policy."""
    binding = policy_bindings.c
    joined = policy_bindings.outerjoin(flows, flows.c.pk == binding.flow)
    joined = joined.outerjoin(stage_bindings, stage_bindings.c.pk == binding.stage_binding)
    found = sa.select(target_identity()).select_from(joined).where(binding.policy == _pk())
    return found.order_by(binding.order, binding.pk)


def _bound() -> Any:
    """The targets of a user or group."""
    binding = policy_bindings.c
    joined = policy_bindings.join(objects, sa.or_(objects.c.pk == binding.user, objects.c.pk == binding.group))
    joined = joined.outerjoin(flows, flows.c.pk == binding.flow)
    joined = joined.outerjoin(stage_bindings, stage_bindings.c.pk == binding.stage_binding)
    application = objects.alias("application")
    joined = joined.outerjoin(application, application.c.pk == binding.application)
    called = sa.func.coalesce(json_value(readable(objects.c.members), "name", "string"), objects.c.name)
    columns = [binding.pk, binding.order, objects.c.model, called, *(flows.c[name] for name in Flow._fields)]
    columns += [*(stage_bindings.c[name] for name in STAGE_BINDING_COLUMNS), application.c.pk]
    columns.append(json_value(readable(application.c.members), "name", "string"))
    found = sa.select(*columns).select_from(joined)
    return found.where(objects.c.pk == _pk()).order_by(binding.order, binding.pk)


def _sessions() -> Any:
    """The sessions of a user."""
    return sa.select(sessions.c.uuid).where(sessions.c.user == _pk()).order_by(sessions.c.uuid)


_APPLICATION = ("pk", "name")


def _targets(row: Sequence[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The targets in a row of `_bound`, of which one is set: collection and values."""
    start = 0
    for collection, names in (
        ("flows", Flow._fields),
        ("stage_bindings", STAGE_BINDING_COLUMNS),
        ("applications", _APPLICATION),
    ):
        yield collection, dict(zip(names, row[start : start + len(names)], strict=True))
        start += len(names)


def _owners() -> Any:
    """The objects that refer to one."""
    reference = references.alias("reference")
    joined = reference.join(objects, objects.c.pk == reference.c.owner)
    found = sa.select(reference.c.member, objects.c.model, *_object()).select_from(joined)
    found = found.where((reference.c.flow == _pk()) | (reference.c.object == _pk()))
    return found.order_by(objects.c.name, reference.c.member, reference.c.position)


def _owned() -> Any:
    """The objects that one refers to."""
    owner, reference = objects.alias("owner"), references.alias("reference")
    joined: Any = reference.join(owner, owner.c.pk == reference.c.owner)
    joined = joined.join(objects, objects.c.pk == reference.c.object)
    columns = (reference.c.member, owner.c.model, objects.c.collection, *_object())
    found = sa.select(*columns).select_from(joined)
    return found.where(owner.c.pk == _pk()).order_by(reference.c.member, reference.c.position)


_QUERIES: Mapping[str, Callable[[], Any]] = {
    "stages": _stages,
    "flows": _flows,
    "policies": _policies,
    "guarded": _guarded,
    "bound": _bound,
    "sessions": _sessions,
    "owners": _owners,
    "owned": _owned,
}
