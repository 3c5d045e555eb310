"""Representations of rows of the store as objects of the contract. Each is a pure function of its row.

A row may have a model that the contract no longer has: its representation has the common properties of the collection's models,
and the name of its own one.
"""

from collections.abc import Callable, Mapping, Set
from functools import cache, partial
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from app.domain import Collection, Model
from app.representations.applications import ShownApplication, application_properties
from app.representations.people import group_properties, member, user_properties
from app.representations.sessions import session
from app.store import Store
from app.store.collections.repositories import properties_of_token, values_of
from app.store.queries.binding_views import PolicyBindingRow, StageBindingRow
from app.store.queries.consent_views import ConsentRow
from app.store.queries.flow_row import Flow
from app.store.queries.moments import moment_of
from app.store.queries.object_views import FLOW_SET, RELATIONS, ObjectRow
from app.store.queries.token_views import TokenRow

Represent = Callable[[Any], dict[str, Any]]

# The common properties of a collection's objects, if the contract has no model of it.
_COMMON = ("pk", "name", "component", "verbose_name", "verbose_name_plural", "meta_model_name", "bound_to")

URL = ""
"""The placeholder of a URL: it is filled in from the contract when the response is written."""


def flow(row: Flow) -> dict[str, Any]:
    """A flow, properties in authentik's order. Flows are not planned here, so no plan is cached."""
    return {
        "pk": row.pk,
        "policybindingmodel_ptr_id": row.policybindingmodel_ptr_id,
        "name": row.name,
        "slug": row.slug,
        "title": row.title,
        "designation": row.designation,
        "background": row.background,
        "stages": row.stages.split(),
        "policies": row.policies.split(),
        "cache_count": 0,
        "policy_engine_mode": row.policy_engine_mode,
        # SQLite returns 0 and 1 for booleans.
        "compatibility_mode": bool(row.compatibility_mode),
        "export_url": URL,
        "layout": row.layout,
        "denied_action": row.denied_action,
        "authentication": row.authentication,
    }


class Representations:
    """The representations of objects of the contract's models.

    :param models: the models by name
    :param collections: the collections by name
    """

    def __init__(self, models: Mapping[str, Model], collections: Mapping[str, Collection]) -> None:
        self._models = models
        self._related_of = {name: collection.related for name, collection in collections.items()}
        self._nested = {name: collection.nested for name, collection in collections.items()}
        # A version has the URL of a flow's background beside the background, and for the flows of a stage in its place.
        flows = [model for model in models.values() if model.collection == "flows"]
        self._has_url = any("background_url" in model.in_responses for model in flows)
        shown = self._nested["stages"].get("flow_set", ()) if "stages" in collections else ()
        self._background_of_stage = "background_url" if "background_url" in shown else "background"
        self._stand_in = cache(self._make_stand_in)
        # Each representation is created once: a response is cached by its row and representation.
        self.of = cache(self._make_shape)

    def object(self, row: ObjectRow) -> dict[str, Any]:
        """An object of any model, with all known properties of the model."""
        return self._object(row, self._models[row.model])

    def application(self, row: ShownApplication) -> dict[str, Any]:
        """An application, with its URL for a user."""
        return {**self.object(row.row), "launch_url": row.launch_url}

    def apart(self, row: ObjectRow) -> dict[str, Any]:
        """A user without its group objects, or a group without its user objects."""
        found = self.object(row)
        return {**found, **{name: None for name in ("groups_obj", "users_obj") if name in found}}

    def _flow(self, row: Flow) -> dict[str, Any]:
        return {**flow(row), "background_url": row.background} if self._has_url else flow(row)

    def stage(self, row: ObjectRow) -> dict[str, Any]:
        """The common properties of all stages."""
        return {**self._names(row.pk, row.name, self._model("stages", row.model)), **self._related("stages", row)}

    def stage_binding(self, row: StageBindingRow) -> dict[str, Any]:
        """The binding of a stage to a flow."""
        return {
            "pk": row.pk,
            "policybindingmodel_ptr_id": row.policybindingmodel_ptr_id,
            "target": row.target,
            "stage": row.stage,
            "stage_obj": self._stage(row.stage, row.stage_name, row.stage_model, row.flow_set),
            "evaluate_on_plan": bool(row.evaluate_on_plan),
            "re_evaluate_policies": bool(row.re_evaluate_policies),
            "order": row.order,
            "policy_engine_mode": row.policy_engine_mode,
            "invalid_response_action": row.invalid_response_action,
        }

    def token(self, row: TokenRow) -> dict[str, Any]:
        """A token without its secret."""
        owner = ObjectRow(row.user, row.user_model, row.user_name, row.user_properties, "[]", row.user_related)
        stored = properties_of_token(row)
        return {
            "pk": stored["pk"],
            "managed": stored["managed"],
            "identifier": stored["identifier"],
            "intent": stored["intent"],
            "user": stored["user"],
            "user_obj": self._any("users", owner),
            "description": stored["description"],
            "expires": stored["expires"],
            "expiring": stored["expiring"],
        }

    def consent(self, row: ConsentRow) -> dict[str, Any]:
        """The consent of a user to an application."""
        return {
            "pk": row.pk,
            "expires": moment_of(row.expires) if row.expires else None,
            "expiring": bool(row.expires),
            "user": self._any("users", row.user),
            "application": self._any("applications", row.application),
            "permissions": row.permissions,
        }

    def policy_binding(self, row: PolicyBindingRow) -> dict[str, Any]:
        """The binding of a policy, a user or a group."""
        bound = self._bound(row)
        nested = self._nested["policy_bindings"]
        return {
            "pk": row.pk,
            "policy": row.policy,
            "group": row.group,
            "user": None if row.user is None else int(row.user),
            "policy_obj": bound.get(row.policy),
            "group_obj": _some(bound.get(row.group), nested.get("group_obj")),
            "user_obj": _some(bound.get(row.user), nested.get("user_obj")),
            "target": row.target,
            "negate": bool(row.negate),
            "enabled": bool(row.enabled),
            "order": row.order,
            "timeout": row.timeout,
            "failure_result": bool(row.failure_result),
        }

    def _bound(self, row: PolicyBindingRow) -> dict[str | None, dict[str, Any]]:
        """The bound object of a binding, by its key."""
        found: dict[str | None, dict[str, Any]] = {}
        if row.policy is not None:
            own = (row.policy_properties, row.policy_references, row.bound_to)
            found[row.policy] = self._any("policies", ObjectRow(row.policy, row.policy_model, row.policy_name, *own))
        for person in map(ObjectRow._make, orjson.loads(row.people)):
            collection = "users" if person.pk == row.user else "groups"
            found[person.pk] = self._any(collection, person)
        return found

    def _make_shape(self, scope: str) -> Represent:
        """The representation of objects of a model, or of a collection with any model."""
        collection = self._models[scope].collection if scope in self._models else scope
        match collection:
            case "flows":
                return self._flow
            case "stage_bindings":
                return self.stage_binding
            case "policy_bindings":
                return self.policy_binding
            case "tokens":
                return self.token
            case "user_consents":
                return self.consent
            case "authenticated_sessions":
                return session
        if scope in self._models:
            return self.object
        return self.stage if scope == "stages" else partial(self._any, collection)

    def _any(self, collection: str, row: ObjectRow) -> dict[str, Any]:
        """An object of any model of a collection, with the properties of its model."""
        return self._object(row, self._model(collection, row.model))

    def generated(self, row: ObjectRow, model: Model) -> dict[str, Any]:
        """The generated properties of an object."""
        found = {**self._names(row.pk, row.name, model), **self._related(model.collection, row)}
        written = {"name", model.named_by, *model.references}
        return {name: value for name, value in found.items() if name not in written}

    def _object(self, row: ObjectRow, model: Model) -> dict[str, Any]:
        values = {
            **values_of(model, row.name, row.properties, row.references),
            **self._names(row.pk, row.name, model),
            **self._related(model.collection, row),
        }
        if model.collection == "applications":
            values |= application_properties(values, model.properties)
        for name, details in model.details.items():
            values[name] = [details.objects[item] for item in values.get(details.of, ()) if item in details.objects]
        in_responses = {name: values[name] for name in model.in_responses if name in values}
        if model.leave_out is not None:
            model.leave_out(in_responses)
        return in_responses

    def _model(self, collection: str, name: str) -> Model:
        return self._models.get(name) or self._stand_in(collection, name)

    def _make_stand_in(self, collection: str, name: str) -> Model:
        """A placeholder for a model that the contract does not have, with the common properties of its collection's models."""
        known = [model for model in self._models.values() if model.collection == collection]
        common = (
            property_name
            for property_name in (known[0].in_responses if known else _COMMON)
            if all(property_name in one.in_responses for one in known)
        )
        return Model(
            name=name,
            collection=collection,
            component="",
            verbose_name=name,
            verbose_name_plural=name,
            description="",
            in_responses=tuple(common),
            properties={},
            references={},
            defaults={},
            read_new=dict,
            read_change=dict,
            messages_of=lambda _: {},
            unstored=known[0].unstored if known else {},
        )

    def _names(self, pk: str, name: str, model: Model) -> dict[str, Any]:
        return {
            "pk": int(pk) if model.numbered else pk,
            model.named_by: name,
            "component": model.component,
            "verbose_name": model.verbose_name,
            "verbose_name_plural": model.verbose_name_plural,
            "meta_model_name": model.name,
        }

    def _stage(self, pk: str, name: str, model: str, flow_set: str) -> dict[str, Any]:
        return {**self._names(pk, name, self._model("stages", model)), "flow_set": self._flow_set(flow_set)}

    def _flow_set(self, flows: str) -> list[dict[str, Any]]:
        """The flows of a stage, from the JSON of the store."""
        return [
            {
                "pk": values["pk"],
                "policybindingmodel_ptr_id": values["policybindingmodel_ptr_id"],
                "name": values["name"],
                "slug": values["slug"],
                "title": values["title"],
                "designation": values["designation"],
                self._background_of_stage: values["background"],
                "policy_engine_mode": values["policy_engine_mode"],
                "compatibility_mode": bool(values["compatibility_mode"]),
                "export_url": URL,
                "layout": values["layout"],
                "denied_action": values["denied_action"],
            }
            for values in (dict(zip(FLOW_SET, row, strict=True)) for row in orjson.loads(flows))
        ]

    def _related(self, collection: str, row: ObjectRow) -> dict[str, Any]:
        """The related objects in a representation."""
        name = self._related_of.get(collection)
        if not name:
            return {}
        related = RELATIONS[name].samples[0] if row.related is None else row.related
        match name:
            case "flow_set":
                return {name: self._flow_set(related)}
            case "groups_obj":
                return user_properties(row.properties, related)
            case "users_obj":
                return group_properties(row.pk, related)
            case "flow_obj":
                return self._invitation_properties(related)
            case "promptstage_set":
                stages = map(ObjectRow._make, orjson.loads(related))
                return {name: [self._stage(one.pk, one.name, one.model, one.related) for one in stages]}
            case "prompt_stages_obj":
                return {name: [self._any("stages", ObjectRow._make(one)) for one in orjson.loads(related)]}
        return {name: related}

    def _invitation_properties(self, related: str) -> dict[str, Any]:
        """The properties of an invitation that show other objects.

        :param related: the objects that it refers to, as JSON
        """
        found: dict[str, Any] = {"flow_obj": None}
        for name, pk, username, properties, *columns in orjson.loads(related):
            if pk is not None:
                found[name] = member(pk, username, properties)
            else:
                found["flow_obj"] = self._flow(Flow._make(columns))
        return found


_representations: WeakKeyDictionary[Store, Representations] = WeakKeyDictionary()


def representations_of(store: Store) -> Representations:
    """The representations of a store's objects, created once: a response is cached by its row and representation."""
    found = _representations.get(store)
    if found is None:
        found = _representations[store] = Representations(store.models, store.collections)
    return found


def _some(found: dict[str, Any] | None, names: Set[str] | None) -> dict[str, Any] | None:
    """The properties that a nested object has in the contract."""
    if found is None or names is None or found.keys() <= names:
        return found
    return {name: value for name, value in found.items() if name in names}
