"""What is connected with an object, and what becomes of it when the object is deleted.

The order is authentik's: by the name of the relation, which for references from elsewhere is made of the other model's name.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from app.domain import Model
from app.store.engine.database import Database, Query, Session
from app.store.schema.tables import flows, objects, policy_bindings, references, stage_bindings


class Use(NamedTuple):
    """An object that is connected with another one.

    :param model: what it is
    :param pk: its identity
    :param name: what people call it
    :param action: what becomes of it, or of its connection
    """

    model: str
    pk: str
    name: str
    action: str


_FLOW, _BINDING, _GUARDED = (
    "authentik_flows.flow",
    "authentik_flows.flowstagebinding",
    "authentik_policies.policybindingmodel",
)

# What authentik calls objects of a collection when their model does not matter, and one of them.
_COLLECTIONS: Mapping[str, tuple[str, str]] = {
    "stages": ("authentik_flows.stage", "Stage {name}"),
    "policies": ("authentik_policies.policy", "{name}"),
    "prompts": ("authentik_stages_prompt.prompt", "Prompt field '{field_key}' type {type}"),
}

_Connection = tuple[str, Use]


class UsedBy:
    """The connections of a database's objects.

    :param database: where they are
    :param models: the models by name
    """

    def __init__(self, database: Database, models: Mapping[str, Model]) -> None:
        self._database = database
        self._models = models
        self._query = cache(self._compile)

    def flow(self, pk: str) -> list[Use]:
        """What is connected with a flow."""
        return self._sorted(pk, self._stages_of_flow, self._policies_of, self._owners)

    def stage_binding(self, pk: str) -> list[Use]:
        """What is connected with a stage's binding."""
        return self._sorted(pk, self._policies_of)

    def object(self, pk: str) -> list[Use]:
        """What is connected with a stage, a policy or a prompt."""
        return self._sorted(pk, self._flows_of_stage, self._guarded_by, self._owners, self._owned)

    def _sorted(self, pk: str, *sources: Callable[[Session, str], Iterator[_Connection]]) -> list[Use]:
        with self._database.read() as session:
            found = [connection for source in sources for connection in source(session, pk)]
        return [use for _, use in sorted(found, key=lambda connection: connection[0])]

    def _stages_of_flow(self, session: Session, pk: str) -> Iterator[_Connection]:
        for binding, target, order, stage, name in session.rows(self._query("stages"), {"pk_": pk}):
            yield "flowstagebinding_set", _binding(binding, order, target)
            yield "stages", Use("authentik_flows.stage", stage, f"Stage {name}", "cascade_many")

    def _flows_of_stage(self, session: Session, pk: str) -> Iterator[_Connection]:
        for binding, target, order, name, slug in session.rows(self._query("flows"), {"pk_": pk}):
            yield "flow_set", Use(_FLOW, target, f"Flow {name} ({slug})", "cascade_many")
            yield "flowstagebinding_set", _binding(binding, order, target)

    def _policies_of(self, session: Session, pk: str) -> Iterator[_Connection]:
        for policy, name in session.rows(self._query("policies"), {"pk_": pk}):
            yield "policies", Use("authentik_policies.policy", policy, name, "cascade_many")

    def _guarded_by(self, session: Session, pk: str) -> Iterator[_Connection]:
        for (guarded,) in session.rows(self._query("guarded"), {"pk_": pk}):
            yield "bindings", Use(_GUARDED, guarded, f"PolicyBindingModel {guarded}", "cascade_many")

    def _owners(self, session: Session, pk: str) -> Iterator[_Connection]:
        """The objects that refer to this one."""
        for member, owner, model, name, members in session.rows(self._query("owners"), {"pk_": pk}):
            # The contract may have lost the model, or the reference.
            known = self._models.get(model)
            if known is not None and member in known.references:
                action = known.references[member].on_delete
                use = Use(model, owner, _text(known.collection, name, members), action)
                yield f"{known.model_name}_set", use

    def _owned(self, session: Session, pk: str) -> Iterator[_Connection]:
        """The objects of the lists of this one."""
        for member, owner_model, owned, collection, name, members in session.rows(self._query("owned"), {"pk_": pk}):
            known = self._models.get(owner_model)
            if known is not None and member in known.references and known.references[member].many:
                model = _COLLECTIONS[collection][0]
                yield member, Use(model, owned, _text(collection, name, members), "cascade_many")

    def _compile(self, name: str) -> Query:
        return self._database.compile(_QUERIES[name]())


def _pk() -> sa.BindParameter[str]:
    return sa.bindparam("pk_")


def _stages() -> Any:
    """The stages of a flow, by their bindings."""
    binding = stage_bindings.c
    columns = (binding.pk, binding.target, binding.order, binding.stage, objects.c.name)
    joined = stage_bindings.join(objects, objects.c.pk == binding.stage)
    return sa.select(*columns).select_from(joined).where(binding.target == _pk()).order_by(binding.order, binding.pk)


def _flows() -> Any:
    """The flows of a stage, by its bindings."""
    binding = stage_bindings.c
    columns = (binding.pk, binding.target, binding.order, flows.c.name, flows.c.slug)
    joined = stage_bindings.join(flows, flows.c.pk == binding.target)
    order = (binding.target, binding.order, binding.pk)
    return sa.select(*columns).select_from(joined).where(binding.stage == _pk()).order_by(*order)


def _policies() -> Any:
    """The policies of a flow, or of a stage's binding."""
    binding = policy_bindings.c
    bound = (binding.flow == _pk()) | (binding.stage_binding == _pk())
    joined = policy_bindings.join(objects, objects.c.pk == binding.policy)
    columns = (binding.policy, objects.c.name)
    return sa.select(*columns).select_from(joined).where(bound).order_by(binding.order, binding.pk)


def _guarded() -> Any:
    """What a policy is bound to."""
    binding = policy_bindings.c
    joined = policy_bindings.outerjoin(flows, flows.c.pk == binding.flow)
    joined = joined.outerjoin(stage_bindings, stage_bindings.c.pk == binding.stage_binding)
    identity = sa.func.coalesce(flows.c.policybindingmodel_ptr_id, stage_bindings.c.policybindingmodel_ptr_id)
    found = sa.select(identity).select_from(joined).where(binding.policy == _pk())
    return found.order_by(binding.order, binding.pk)


def _owners() -> Any:
    """The objects that refer to one."""
    columns = (references.c.member, objects.c.pk, objects.c.model, objects.c.name, objects.c.members)
    joined = references.join(objects, objects.c.pk == references.c.owner)
    found = sa.select(*columns).select_from(joined)
    found = found.where((references.c.flow == _pk()) | (references.c.object == _pk()))
    return found.order_by(objects.c.name, references.c.member, references.c.position)


def _owned() -> Any:
    """The objects that one refers to."""
    owner = objects.alias("owner")
    joined: Any = references.join(owner, owner.c.pk == references.c.owner)
    joined = joined.join(objects, objects.c.pk == references.c.object)
    of_object = [objects.c[name] for name in ("pk", "collection", "name", "members")]
    found = sa.select(references.c.member, owner.c.model, *of_object).select_from(joined)
    return found.where(owner.c.pk == _pk()).order_by(references.c.member, references.c.position)


_QUERIES: Mapping[str, Callable[[], Any]] = {
    "stages": _stages,
    "flows": _flows,
    "policies": _policies,
    "guarded": _guarded,
    "owners": _owners,
    "owned": _owned,
}


def _binding(pk: str, order: int, target: str) -> Use:
    return Use(_BINDING, pk, f"Flow-stage binding #{order} to {target}", "cascade")


def _text(collection: str, name: str, members: str) -> str:
    """What authentik calls an object."""
    values = defaultdict(str, {**orjson.loads(members), "name": name})
    return _COLLECTIONS[collection][1].format_map(values)
