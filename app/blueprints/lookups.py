"""Lookup of stored objects for a blueprint: by identifiers, `!Find` and `!FindObject`."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from app import errors
from app.blueprints import releases
from app.blueprints.findings import NotHere, Place, finding
from app.blueprints.limits import MAX_NAME, Allowance, shortened
from app.blueprints.permissions import Permissions
from app.blueprints.suggestions import similar
from app.domain import Grant, Model, Reference
from app.store import Store
from app.store.queries.references import key_of

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# The maximum number of references that a lookup follows, as in `target__flow__slug`.
_MOST_LINKS = 8


class Scope(NamedTuple):
    """The scope of a `!Find`.

    :param name: as in the blueprint
    :param models: one model, or all of a collection
    :param properties: their common properties
    :param seen_by: the permissions to see an object of any of them
    """

    name: str
    models: tuple[Model, ...]
    properties: Collection[str]
    seen_by: Collection[Grant]


class Lookups:
    """The lookups of one import, within a transaction.

    :param permissions: of the sender
    :param allowance: the remaining lookups and time
    """

    def __init__(self, store: Store, session: Any, permissions: Permissions, allowance: Allowance) -> None:
        self._store = store
        self._session = session
        self._permissions = permissions
        self._allowance = allowance

    def model(self, name: Any, place: Place) -> Model:
        """The model of a name in the blueprint.

        :raises NotHere: the contract does not have it
        :raises BlueprintError: it is not the name of a model, or it is that of a base model
        """
        known = name.lower() if isinstance(name, str) else ""
        served = self._store.models.get(known)
        if served is not None and not served.read_only:
            return served
        if kinds := self._models_of_base(known):
            names = ", ".join(model.name for model in kinds)
            raise finding(place, f"{known} is a base model: name one of {names}.")
        if isinstance(name, str) and "." in name:
            raise _not_served(name, self._store.models, place)
        raise finding(place, f"There is no model {name!r} here.")

    def scope(self, name: Any, place: Place) -> Scope:
        """The scope of a `!Find`, by the name of a model or of a base model. :raises BlueprintError: as `model`"""
        models = self._models_of_base(str(name).lower())
        if not models:
            model = self.model(name, place)
            return Scope(model.name, (model,), {*model.properties, "pk"}, tuple(model.seen_by))
        return _common(str(name).lower(), models)

    def _targets(self, reference: Reference) -> Scope:
        """The scope of the objects that a reference can have."""
        to = reference.to
        return _common(
            " or ".join(to), [one for one in self._store.models.values() if {one.collection, one.name} & {*to}]
        )

    def _models_of_base(self, name: str) -> list[Model]:
        """The models of a collection, by the name of their base model, which only lookups accept."""
        if name in self._store.models:
            return []
        bases = {known for known, collection in self._store.collections.items() if collection.model == name}
        return [model for model in self._store.models.values() if model.collection in bases]

    def find(self, scope: Scope, properties: Mapping[str, Any], place: Place) -> tuple[Model, str] | None:
        """Model and pk of the object with the given properties; None if there is none.

        :raises BlueprintError: a property is unknown, its value is invalid, or the sender lacks the permission
        """
        followed = self._followed(scope, properties, place)
        if followed is None:
            return None
        properties = followed
        for name, value in properties.items():
            if name not in scope.properties:
                raise finding(place, f"{scope.name} has no property {name!r}.")
            if isinstance(value, list | dict):
                raise finding(place, "A list or a mapping identifies no object.")
        self._permissions.check_find(scope.name, scope.seen_by, properties, place)
        for model in scope.models:
            self._allowance.spend_lookup(place)
            try:
                wanted = checked(model, {name: value for name, value in properties.items() if name != "pk"})
            except errors.Invalid as error:
                problems = [f"{name}: {messages[0]}" for name, messages in error.messages.items()]
                raise finding(place, "; ".join(problems)) from error
            if "pk" in properties:
                # Any other value is the pk of no object.
                wanted["pk"] = stored_pk(model, properties["pk"]) or ""
            if (found := self._store.repository(model.name).find(self._session, wanted)) is not None:
                return model, found
        return None

    def _followed(self, scope: Scope, properties: Mapping[str, Any], place: Place) -> dict[str, Any] | None:
        """The properties with `target` instead of `target__slug`: the object that has the slug; None if there is none."""
        followed: dict[str, Any] = {}
        for name, value in properties.items():
            own, _, its = name.partition("__")
            follows = own in scope.properties and its.count("__") < _MOST_LINKS
            reference = scope.models[0].references.get(own) if its and follows else None
            if reference is not None and reference.to and not reference.many:
                found = self.find(self._targets(reference), {its: value}, place)
                if found is None:
                    return None
                name, value = own, shown_pk(*found)
            if followed.setdefault(name, value) != value:
                return None
        return followed

    def visible(self, scope: Scope, found: tuple[Model, str], place: Place) -> dict[str, Any]:
        """The properties of an object that the sender may see. :raises BlueprintError: there are none"""
        model, pk = found
        shown = self._permissions.visible(scope.name, scope.seen_by, place)
        read = self._store.repository(model.name).read(self._session, pk)
        read["pk"] = shown_pk(model, pk)
        return {name: value for name, value in read.items() if name in shown}

    def existing(self, model: Model, pk: str | None, known_by: Mapping[str, Any], place: Place) -> str | None:
        """The object of an entry: the one with this pk or else, as in authentik, the one with the other identifiers.

        :raises Invalid: the value of an identifier is invalid
        :raises BlueprintError: the sender lacks the permission
        """
        self._permissions.check_identifiers(model, known_by, place)
        repository = self._store.repository(model.name)
        if pk is not None and (found := repository.find(self._session, {"pk": pk})) is not None:
            return found
        return repository.find(self._session, checked(model, known_by)) if known_by else None


def _common(name: str, models: list[Model]) -> Scope:
    """The scope of several models: their common properties. :param name: the name in messages"""
    first, *others = models
    return Scope(
        name,
        tuple(models),
        {"pk", *(name for name in first.properties if all(name in other.properties for other in others))},
        tuple(grant for grant in first.seen_by if all(grant in other.seen_by for other in others)),
    )


def checked(model: Model, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Validate some properties by the model. :raises Invalid: one of them is invalid"""
    try:
        return model.read_change(properties)
    except errors.Invalid as error:
        wrong = {name: messages for name, messages in error.messages.items() if name in properties}
        if wrong:
            raise errors.Invalid(wrong) from error
        # A rule across properties can't be checked on a part of them.
        return dict(properties)


def stored_pk(model: Model, value: Any) -> str | None:
    """A pk in the form of the store, None if it is invalid: a UUID with hyphens, or a positive integer."""
    if model.numbered:
        return key_of(value) if type(value) is int and 0 < value < 2**63 else None
    return value.lower() if is_uuid(value) else None


def shown_pk(model: Model, pk: str) -> str | int:
    """A pk of the store in the form of a reference."""
    return int(pk) if model.numbered else pk


def is_uuid(value: Any) -> bool:
    """Whether a value is a UUID with hyphens."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _not_served(name: str, served: Iterable[str], place: Place) -> NotHere:
    """The exception for a model that the contract does not have."""
    known = name.lower()
    if releases.knows(known):
        problem = " ".join(filter(None, (f"{name} is not served here.", releases.about_model(known))))
        return NotHere(place, problem, "Remove the entry, or import the file by `flows import --skip-unknown`.")
    near = similar(known, tuple(served), least=0.8)
    problem = f"There is no model {shortened(name, MAX_NAME)!r} here."
    return NotHere(place, problem, f"{near} is similar." if near else "")
