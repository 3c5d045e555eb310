"""Permissions of the sender of a blueprint: to look up, create, change and delete objects of each model."""

from collections.abc import Callable, Collection, Iterable

from app.blueprints.findings import Place, finding
from app.domain import Grant, Model

May = Callable[[str], bool]
"""Whether a permission is granted, by its name."""


class Permissions:
    """The permissions of the sender of a blueprint.

    :param may: whether a permission is granted; None if all are
    """

    def __init__(self, may: May | None) -> None:
        self._may = may

    def check_find(self, model: str, seen_by: Iterable[Grant], properties: Collection[str], place: Place) -> None:
        """Check the permission to look up objects of a model by some properties: a match reveals their values.

        :param seen_by: the permissions to see an object
        :raises BlueprintError: it is missing
        """
        sufficient = (grant.permissions for grant in seen_by if grant.properties.issuperset(properties))
        self._check(sufficient, f"To look up {model} by {', '.join(sorted(properties))}", place)

    def visible(self, model: str, seen_by: Collection[Grant], place: Place) -> frozenset[str]:
        """The properties of objects of a model that the sender may see. :raises BlueprintError: there are none"""
        self._check((grant.permissions for grant in seen_by), f"To see {model}", place)
        granted = (grant for grant in seen_by if self._grants(grant.permissions))
        return frozenset().union(*(grant.properties for grant in granted))

    def check_identifiers(self, model: Model, properties: Collection[str], place: Place) -> None:
        """Check the permission to identify an entry's object by some properties other than `pk`. The permission to create objects
        suffices for unique ones: an attempt to create an object reveals whether a value is taken.

        :raises BlueprintError: it is missing
        """
        unique = not properties or frozenset(properties) in model.unique
        if not (unique and any(map(self._grants, model.created_by))):
            self.check_find(model.name, model.seen_by, properties or ("pk",), place)

    def check_create(self, model: Model, place: Place) -> None:
        """Check the permission to create objects of a model. :raises BlueprintError: it is missing"""
        self._check(model.created_by, f"To create {model.name}", place)

    def check_change(self, model: Model, place: Place) -> None:
        """Check the permission to change objects of a model. :raises BlueprintError: it is missing"""
        self._check(model.changed_by, f"To change {model.name}", place)

    def check_set(self, model: Model, secret: str, place: Place) -> None:
        """Check the permission to set a secret of objects of a model. :raises BlueprintError: it is missing"""
        self._check((model.set_with[secret],), f"To set the {secret} of {model.name}", place)

    def check_delete(self, model: Model, place: Place) -> None:
        """Check the permission to delete objects of a model. :raises BlueprintError: it is missing"""
        self._check(model.deleted_by, f"To delete {model.name}", place)

    def _grants(self, needed: frozenset[str]) -> bool:
        """Whether all permissions of an operation are granted. An operation without permissions covers the caller's own objects;
        those of others need all permissions.
        """
        return self._may is None or (bool(needed) and all(map(self._may, needed)))

    def _check(self, alternatives: Iterable[frozenset[str]], purpose: str, place: Place) -> None:
        """Check that all permissions of an alternative are granted."""
        alternatives = tuple(filter(None, alternatives))
        if self._may is None or any(map(self._grants, alternatives)):
            return
        missing = [[name for name in sorted(needed) if not self._may(name)] for needed in alternatives]
        wanted = " or ".join(map(" and ".join, missing)) or "of a superuser"
        raise finding(place, f"{purpose} requires the permission {wanted}, which the token does not have.")
