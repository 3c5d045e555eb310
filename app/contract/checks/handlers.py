"""Does the code match the contract?"""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Set
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, get_type_hints

from app.contract.checks.answers import check_answers
from app.contract.checks.grammar import similar
from app.contract.checks.headers import check_headers
from app.contract.checks.storage import check_columns, check_stored
from app.contract.findings import Finding, Location
from app.contract.plan import REQUEST, argument_names, handler_arguments, parameters, query_reader
from app.contract.schemas import flattened
from app.contract.source import Pointer, Source


def check_handlers(
    source: Source,
    handlers: Mapping[str, Callable[..., Any]],
    stored_members: Callable[[str], Set[str] | None],
    column_types: Callable[[str, bool], Mapping[str, str]],
    *,
    examples: bool = False,
) -> Iterator[Finding]:
    """Each operation has its handler and each handler its operation; both have the same parameters; the store has the members.

    :param examples: whether an operation without a handler answers its examples
    """
    served = set()
    lacking: dict[str, Pointer] = {}
    for pointer, path, method, operation in source.operations():
        name = operation["operationId"]
        served.add(name)
        handler = handlers.get(name)
        yield from check_headers(source, pointer=pointer, operation=operation, handled=handler is not None)
        if handler is not None:
            yield from _check_arguments(source, pointer, path, method, handler)
        else:
            lacking[name] = (*pointer, "operationId")
            if not examples:
                continue
        types = column_types(name, "x-serves" in source.document["paths"][path])
        if types and "requestBody" in operation:
            yield from check_columns(source, pointer, operation, types)
        if handler is not None and "requestBody" in operation:
            yield from check_answers(source, pointer, operation)
        stored = stored_members(name)
        if stored is not None:
            yield from check_stored(source, pointer, path, operation, stored)
    yield from _check_names(
        source, {name: handlers[name] for name in sorted(handlers.keys() - served)}, lacking, examples=examples
    )


def _check_names(
    source: Source, idle: Mapping[str, Callable[..., Any]], lacking: dict[str, Pointer], *, examples: bool
) -> Iterator[Finding]:
    """Handlers and operations without one another, in pairs where one seems to have got another name.

    :param idle: the handlers without an operation
    :param lacking: where the operationId of each operation without a handler stands
    """
    alone = len(idle) == len(lacking) == 1
    for name, handler in idle.items():
        renamed = next(iter(lacking)) if alone else similar(name, lacking)
        if renamed:
            yield source.finding(
                lacking.pop(renamed),
                f"No handler is named {renamed!r}, and the handler {name!r} serves no operation.",
                f"Name the operation {name!r}, or the function at {_location(handler)} as the operation.",
            )
        else:
            yield Finding(
                _location(handler),
                f"The handler {name!r} serves no operation of {source.name}.",
                "Add the operation to the contract, or begin the function's name with an underscore.",
            )
    for name, place in () if examples else lacking.items():
        yield source.finding(
            place, f"No handler is named {name!r}.", "Write the function in app/handlers/, or correct the operationId."
        )


def _check_arguments(
    source: Source, pointer: Pointer, path: str, method: str, handler: Callable[..., Any]
) -> Iterator[Finding]:
    """A handler takes what its operation gives."""
    given = handler_arguments(source, path, method, query_reader(source, path, method))
    for argument in sorted({argument for argument in given if given.count(argument) > 1}):
        yield source.finding(
            pointer,
            f"The handler is given two arguments of the name {argument!r}.",
            "Rename one of the parameters, or give that of the path another `x-argument`.",
        )
    yield from _check_annotations(source, path, method, handler)
    expected = set(given)
    # What has a default may be left out, and the request's context is there for the asking.
    takes = argument_names(handler)
    actual = {name for name, needed in takes.items() if name in expected or (needed and name != REQUEST)}
    if actual != expected:
        name = source.at((*pointer, "operationId"))
        yield source.finding(
            (*pointer, "operationId"),
            f"The handler {name!r} takes {_names(actual)}, and the operation gives {_names(expected)}.",
            f"Change the parameters here or those of the function at {_location(handler)}.",
        )


_JSON_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean"}


def _check_annotations(source: Source, path: str, method: str, handler: Callable[..., Any]) -> Iterator[Finding]:
    """A query parameter that a handler gets by name is of the type that it takes, and always there."""
    hints = _hints(handler)
    for name, (place, parameter) in parameters(source, path, method, "query").items():
        wanted = _JSON_TYPES.get(hints.get(name, object))
        if wanted is None or not {"x-filters", "x-searches", "x-orders-by"}.isdisjoint(parameter):
            continue
        schema = flattened(source, parameter["schema"])
        if (kind := schema.get("type")) != wanted:
            problem = f"The handler takes {name!r} as {wanted}, and not as {kind or 'a value of any type'}."
            yield source.finding((*place, "schema"), problem, f"Make it `type: {wanted}`.")
        elif schema.get("default") is None and (
            not parameter.get("required", False) or parameter.get("allowEmptyValue")
        ):
            problem = f"The handler takes a value of {name!r} always, and it may be left out."
            yield source.finding((*place, "schema"), problem, "Give it a default.")


@lru_cache(maxsize=1024)
def _hints(handler: Callable[..., Any]) -> Mapping[str, Any]:
    handler = inspect.unwrap(handler)
    while isinstance(handler, partial):
        handler = inspect.unwrap(handler.func)
    try:
        return get_type_hints(handler)
    except NameError:
        # A name that is there for type checkers only.
        return {}


def _names(names: Set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _location(function: Callable[..., Any]) -> Location:
    while isinstance(function, partial):
        function = function.func
    code = inspect.unwrap(function).__code__
    path = Path(code.co_filename)
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return Location(str(path), code.co_firstlineno, 1)
