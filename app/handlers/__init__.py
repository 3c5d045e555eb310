"""Handlers: one function per operation that needs its own, named after its operationId; `_crud` serves all others.

A handler gets the store, and the parameters and body of its operation, valid and complete. It parses and validates nothing: it
calls the store and returns a representation.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from app import errors
from app.handlers._crud import crud_handlers
from app.handlers._samples import sample_responses
from app.store import Store

__all__ = ["crud_handlers", "discover", "problems", "sample_responses"]

Handler = Callable[..., Any]


@cache
def discover() -> dict[str, Handler]:
    """All handlers written for one operation, by name: the public functions of the modules of this package. Never to be changed."""
    found: dict[str, Handler] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        found |= {
            name: function
            for name, function in inspect.getmembers(loaded, inspect.isfunction)
            if function.__module__ == loaded.__name__ and not name.startswith("_")
        }
    return found


def problems(
    served: Mapping[str, tuple[str, str]],
    store: Store,
    operation_id: str,
    properties: Mapping[str, Any],
    path_values: Mapping[str, Any],
) -> dict[str, errors.NotUnique | errors.DanglingReference]:
    """Violated unique constraints and dangling references, by property.

    :param served: the model or collection, and the verb, of each operation
    :param properties: the unique properties and references of a body
    :param path_values: the path parameters
    """
    scope, _ = served.get(operation_id, ("", ""))
    return store.problems(scope, properties, path_values) if scope else {}
