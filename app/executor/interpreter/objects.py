"""The objects that expressions see: read-only copies of users, groups and requests."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

Data = Mapping[str, Any]


class View:
    """An object with the attributes that expressions may read.

    :param kind: its type, for messages
    :param attributes: the attributes by name
    :param shown: the object as text
    """

    __slots__ = ("attributes", "kind", "shown")

    def __init__(self, kind: str, attributes: Data, shown: str = "") -> None:
        self.kind = kind
        self.attributes = MappingProxyType(attributes)
        self.shown = shown or f"<{kind}>"

    def __getattr__(self, name: str) -> Any:
        # Imports of names read attributes without a guard.
        try:
            return self.attributes[name]
        except KeyError:
            raise AttributeError(f"'{self.kind}' object has no attribute '{name}'") from None

    def __str__(self) -> str:
        return self.shown

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, View) and (self.kind, self._pk) == (other.kind, other._pk)

    def __hash__(self) -> int:
        return hash((self.kind, self._pk))

    @property
    def _pk(self) -> Any:
        return self.attributes.get("pk", id(self))


class User(View):
    """A user. :param data: see `app.executor.expressions.people`; `key` identifies the user in the store"""

    __slots__ = ("data",)

    def __init__(self, data: Data, look_up: Callable[..., Any]) -> None:
        self.data = data
        groups, all_groups = (records(map(group, data[name])) for name in ("groups", "all_groups"))
        attributes = {name: value for name, value in data.items() if name not in ("key", "groups", "all_groups")}
        attributes |= {
            "is_authenticated": True,
            "is_anonymous": False,
            "groups": groups,
            "ak_groups": groups,
            "all_groups": lambda: all_groups,
            "group_attributes": lambda _request=None: _merged(
                *(one["attributes"] for one in sorted(data["all_groups"], key=lambda one: str(one["name"]))),
                data["attributes"],
            ),
            "has_usable_password": lambda: look_up("has_usable_password", {"key": data["key"]}),
        }
        super().__init__("User", attributes, data["username"])


class Application(View):
    """An application. :param data: its attributes"""

    __slots__ = ("data",)

    def __init__(self, data: Data) -> None:
        self.data = data
        super().__init__("Application", data, str(data["name"]))


def anonymous() -> View:
    """The user of a client who has not logged in."""
    attributes = {"pk": None, "username": "", "is_active": False, "is_superuser": False}
    return View("AnonymousUser", {**attributes, "is_authenticated": False, "is_anonymous": True}, "AnonymousUser")


def group(data: Data) -> View:
    """A group. :param data: its attributes"""
    return View("Group", data, str(data["name"]))


class Records(View):
    """Objects that can be filtered by attributes, as Django does it with rows."""

    __slots__ = ("found",)

    def __init__(self, found: list[View]) -> None:
        self.found = found
        attributes = {
            "all": lambda: self,
            "filter": lambda **wanted: records(one for one in found if _has(one, wanted)),
            "exists": lambda: bool(found),
            "first": lambda: next(iter(found), None),
            "count": lambda: len(found),
        }
        super().__init__("QuerySet", attributes, str(found))

    def __iter__(self) -> Any:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]


def records(found: Iterable[View]) -> Records:
    """Objects that can be filtered."""
    return Records(list(found))


def _has(one: View, wanted: Data) -> bool:
    for lookup, value in wanted.items():
        name, _, how = lookup.partition("__")
        found = getattr(one, name)
        if how == "iexact":
            found, value = str(found).lower(), str(value).lower()  # compared as one
        elif how == "in":
            found, value = True, found in value  # compared as one
        elif how:
            raise TypeError(f"Unsupported lookup '{lookup}': give {name}, {name}__iexact or {name}__in")
        if found != value:
            return False
    return True


def _merged(*parts: Data) -> dict[str, Any]:
    """Merge nested objects: later values win, and lists are joined."""
    merged: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            known = merged.get(name)
            if isinstance(known, dict) and isinstance(value, dict):
                merged[name] = _merged(known, value)
            elif isinstance(known, list) and isinstance(value, list):
                merged[name] = known + value
            else:
                merged[name] = value
    return merged
