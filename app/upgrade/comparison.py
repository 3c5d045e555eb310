"""Comparison of the responses to the same request by two versions."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from app.contract.document.contract import Contract
from app.contract.document.findings import Location
from app.recording.secrets import MASK, Secrets
from app.review.comparing.differences import Side, shown
from app.review.comparing.discriminators import chosen
from app.review.comparing.objects import properties_of
from app.review.comparing.views import Position, View, type_of
from app.upgrade.effects import Kind


class Change(NamedTuple):
    """A difference between two responses.

    :param kind: its kind
    :param property: the property, with the way to it
    :param what: one clause
    :param locations: where the two contracts describe it
    """

    kind: Kind
    property: str
    what: str
    locations: Sequence[Location]


class Comparison:
    """Compares responses.

    :param old: the contract of the older version
    :param new: that of the newer one
    """

    def __init__(self, old: Contract, new: Contract) -> None:
        self._old = old
        self._new = new
        self._secrets = Secrets(old)

    def compare(self, was: Any, now: Any, old: View, new: View, path: str = "") -> Iterator[Change]:
        """The differences of a value; in the items of a list, possibly several times the same.

        :param was: the value in the older version's response
        :param now: in the newer one's
        :param old: its schema in the older version
        :param new: its schema in the newer one
        :param path: the way to the value
        """
        old, new = chosen(old, was), chosen(new, now)
        if isinstance(was, dict) and isinstance(now, dict):
            yield from self._objects(was, now, old, new, path)
        elif isinstance(was, list) and isinstance(now, list):
            yield from self._lists(was, now, old, new, path)
        elif (type_of(was), was) != (type_of(now), now) and not self._is_random(was, now, path):
            yield self._values(was, now, old, new, path)

    def _objects(self, was: Any, now: Any, old: View, new: View, path: str) -> Iterator[Change]:
        known, still = properties_of(old, Side.ANSWER), properties_of(new, Side.ANSWER)
        for name in dict.fromkeys((*was, *now)):
            inner = f"{path}.{name}" if path else name
            before, after = old.view(_of(old, known, name)), new.view(_of(new, still, name))
            if name in was and name in now:
                yield from self.compare(was[name], now[name], before, after, inner)
            elif name in was:
                yield self._change(Kind.GONE, inner, "is gone", before, after)
            else:
                yield self._change(Kind.NEW, inner, "is new", before, after)

    def _lists(self, was: Any, now: Any, old: View, new: View, path: str) -> Iterator[Change]:
        items = old.view(old.items), new.view(new.items)
        if len(was) == len(now):
            for one, other in zip(was, now, strict=True):
                yield from self.compare(one, other, *items, f"{path}[]")
            return
        yield self._change(Kind.CHANGED, path, f"has {len(now)} items, it had {len(was)}", old, new)
        # It is unknown which items correspond, but all have the same schema.
        for one, other in product(was[:1], now):
            changes = self.compare(one, other, *items, f"{path}[]")
            yield from (change for change in changes if change.kind is not Kind.CHANGED)

    def _is_random(self, was: Any, now: Any, path: str) -> bool:
        """Whether two values are secrets, which are never equal."""
        return isinstance(was, str) and isinstance(now, str) and self._secrets.masked(path.split("."), was) == MASK

    def _values(self, was: Any, now: Any, old: View, new: View, path: str) -> Change:
        found = (new.enum or {}).get(shown(now))
        places = [self._new.locate(found[0])] if found is not None else []
        admitted = old.admits_null if now is None else _admits(old, now)
        kind = Kind.UNKNOWN if old.position and not admitted else Kind.CHANGED
        return self._change(kind, path, f"is {shown(now)}, it was {shown(was)}", old, new, places)

    def _change(
        self, kind: Kind, path: str, what: str, old: View, new: View, places: Sequence[Location] = ()
    ) -> Change:
        own = [contract.locate(place) for contract, view in ((self._new, new), (self._old, old)) for place in _at(view)]
        return Change(kind, path, what, [*places, *own])


def _admits(view: View, value: Any) -> bool:
    """Whether a schema admits a value, apart from its parts."""
    if view.groups:
        return True
    return view.admits(value) and (view.enum is None or shown(value) in view.enum)


def _of(view: View, properties: dict[str, Position], name: str) -> Position:
    """The schema of a property; that of additional ones if it is not declared."""
    return properties.get(name, view.others or ())


def _at(view: View) -> Sequence[Any]:
    return view.position[:1]
