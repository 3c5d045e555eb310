"""Lookups of expressions in the store."""

from collections.abc import Mapping
from typing import Any

import orjson

from app import errors
from app.executor.applications import APPLICATIONS, application_with
from app.executor.expressions.people import described
from app.executor.people import person
from app.store import Store
from app.store.queries.people import USERS
from app.store.queries.references import key_of

_IGNORING_CASE = "iexact"
_KEYS = frozenset({"pk", "id"})


def look_up(store: Store, name: str, arguments: Mapping[str, Any]) -> Any:
    """The result of a lookup, as JSON.

    :param name: of the question
    :param arguments: by name
    :raises ValueError: there is no such question, or it has other arguments. The message is for the author of the expression
    """
    if name == "user_by":
        return _user_by(store, arguments)
    if name == "application":
        return _application(store, arguments)
    if name == "has_usable_password":
        return store.passwords.of(str(arguments["key"])) is not None
    if name == "has_device":
        kinds = [device.kind for device in store.devices.of(str(arguments["key"]))]
        return bool(kinds) if arguments["kind"] is None else arguments["kind"] in kinds
    raise ValueError(f"There is no lookup {name}.")


def _user_by(store: Store, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The user with some properties, None if there is none."""
    if not wanted:
        raise ValueError("ak_user_by needs a property, such as ak_user_by(username='jane').")
    keys = {key_of(value) for lookup, value in wanted.items() if lookup in _KEYS}
    conditions = [_condition(store, lookup, value) for lookup, value in wanted.items() if lookup not in _KEYS]
    if len(keys) > 1 or any("\0" in str(value) for value in wanted.values()):
        return None  # no database stores NUL
    user = person(store, store.runnable_flows.user_matching(conditions, next(iter(keys), None)))
    return None if user is None else described(user)


def _application(store: Store, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The application with a slug or a primary key, None if there is none."""
    try:
        match dict(wanted):
            case {"slug": str(slug)}:
                row = application_with(store, slug)
            case {"pk": str(key)}:
                row = store.objects.get(APPLICATIONS, key)
            case _:
                raise ValueError("An application is found by its slug or pk, such as get(slug='wiki').")
    except errors.NotFound:
        return None
    return {"pk": row.pk, "slug": row.name, "name": orjson.loads(row.properties)["name"]}


def _condition(store: Store, lookup: str, value: Any) -> tuple[str, str, bool]:
    """The condition of one argument; see `RunnableFlows.user_matching`."""
    name, _, how = lookup.partition("__")
    if name not in _searchable(store) or how not in ("", _IGNORING_CASE) or not isinstance(value, str):
        raise ValueError(
            f"ak_user_by can't search by {lookup}={value!r}: give pk, or a text for {', '.join(sorted(_searchable(store)))};"
            f" {name}__{_IGNORING_CASE} ignores case."
        )
    return name, value, how == _IGNORING_CASE


def _searchable(store: Store) -> set[str]:
    """The text properties of users."""
    return {name for name, type_ in store.model_of(USERS).properties.items() if type_ == "string"}
