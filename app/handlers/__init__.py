"""The handlers: one function per operation of the contract, named as its operationId, in a module per area.

A handler gets the store and what its operation's parameters and body say, valid and complete. It parses nothing and validates
nothing: it calls the store and shapes the answer.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Set
from typing import Any

from app import errors
from app.store import Store
from app.store.flows import Flows

Handler = Callable[..., Any]

# The beginning of an operationId says which part of the store keeps what it is about.
_RESOURCES = {"flows_instances_": Flows}


def discover() -> dict[str, Handler]:
    """Every handler by name: the public functions of the modules of this package."""
    found: dict[str, Handler] = {}
    for module in pkgutil.iter_modules(__path__):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        found |= {
            name: function
            for name, function in inspect.getmembers(loaded, inspect.isfunction)
            if function.__module__ == loaded.__name__ and not name.startswith("_")
        }
    return found


def stored_members(operation_id: str) -> Set[str] | None:
    """The members that the store keeps of an operation's resource, None if it keeps none."""
    return next((kind.members for prefix, kind in _RESOURCES.items() if operation_id.startswith(prefix)), None)


def problems(
    store: Store, operation_id: str, members: Mapping[str, Any], path_values: Mapping[str, Any]
) -> dict[str, errors.NotUnique | errors.Missing]:
    """What the store has against members that the contract allows, by member.

    :param members: the members of a body that are unique or lead to other objects
    :param path_values: the path parameters of the object that they are meant for
    """
    if operation_id.startswith("flows_instances_"):
        slug = path_values.get("slug")
        return {
            member: errors.NotUnique(member)
            for member, value in members.items()
            if store.flows.taken(member, value, slug)
        }
    return {}
