"""What the sender of a blueprint may see and delete. That the sender may create and change objects is the operation's condition."""

from collections.abc import Callable, Collection, Iterable

from app.blueprints.mistakes import Place, mistake
from app.blueprints.objects import Model

May = Callable[[str], bool]
"""Whether a permission is given."""


class Permissions:
    """What the sender of a blueprint may do.

    :param may: whether a permission is given; None if everything is allowed
    """

    def __init__(self, may: May | None) -> None:
        self._may = may

    def check_find(self, model: Model, members: Collection[str], place: Place) -> None:
        """Whether objects may be found by some members: who finds one knows their values.

        :raises BlueprintError: they may not
        """
        seen_by = (grant.permissions for grant in model.seen_by if grant.properties.issuperset(members))
        self._check(seen_by, f"To look up {model.name} by {', '.join(sorted(members))}", place)

    def check_identifiers(self, model: Model, members: Collection[str], place: Place) -> None:
        """Whether an entry's object may be known by some members, `pk` not among them. What no two objects have the same of is
        told to everybody who creates one.

        :raises BlueprintError: it may not
        """
        if members and frozenset(members) not in model.unique:
            self.check_find(model, members, place)

    def check_delete(self, model: Model, place: Place) -> None:
        """:raises BlueprintError: objects of a model may not be deleted"""
        self._check(model.deleted_by, f"To delete {model.name}", place)

    def _check(self, alternatives: Iterable[frozenset[str]], purpose: str, place: Place) -> None:
        """Whether all permissions of one of some alternatives are given."""
        if self._may is None:
            return
        missing = [[name for name in sorted(needed) if not self._may(name)] for needed in alternatives]
        if all(missing):
            wanted = " or ".join(map(" and ".join, missing)) or "of a superuser"
            raise mistake(place, f"{purpose} takes the permission {wanted}, which the token does not have.")
