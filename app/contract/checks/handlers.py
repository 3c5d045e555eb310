"""Does the code match the contract?"""

import contextlib
import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Set
from functools import partial
from pathlib import Path
from typing import Any

from app.contract.checks.grammar import similar
from app.contract.checks.headers import check_headers
from app.contract.checks.parameters import declared_parameters
from app.contract.findings import Finding, Location
from app.contract.plan import REQUEST, argument_names, handler_arguments, query_reader
from app.contract.schemas import admits_null, composed, flattened, properties
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
            yield from _check_columns(source, pointer, operation, types)
            yield from _check_new(source, pointer, operation, types)
        stored = stored_members(name)
        if stored is not None:
            yield from _check_stored(source, pointer, path, operation, stored)
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


def _check_stored(
    source: Source, pointer: Pointer, path: str, operation: dict[str, Any], stored: Set[str]
) -> Iterator[Finding]:
    """Every member that is written, filtered, searched or sorted by is one that the store keeps."""
    named: list[tuple[Pointer, str]] = []
    for place, declared in declared_parameters(source, pointer, path):
        where, parameter = source.resolve(place, declared)
        if "x-filters" in parameter:
            named.append(((*where, "x-filters"), parameter["x-filters"]))
        for extension in ("x-searches", "x-orders-by"):
            named += [((*where, extension, index), name) for index, name in enumerate(parameter.get(extension, ()))]
    if "requestBody" in operation:
        where, body = source.resolve((*pointer, "requestBody"), operation["requestBody"])
        for media_type, media in body["content"].items():
            members = properties(source, media["schema"], (*where, "content", media_type, "schema"))
            if members.keys().isdisjoint(_answered(source, operation)):
                # What is sent is no object that is stored and answered, but what to do with one.
                continue
            named += [
                (place, name)
                for name, (place, schema) in members.items()
                if not schema.get("readOnly") and not schema.get("x-ignored")
            ]
    for place, name in named:
        if name not in stored:
            yield source.finding(
                place,
                f"The store keeps no member {name!r}.",
                "Add a column and a migration in app/store/, or correct the name.",
            )


def _check_columns(
    source: Source, pointer: Pointer, operation: dict[str, Any], types: Mapping[str, str]
) -> Iterator[Finding]:
    """What is written is of the types of the columns that it goes to, and never null."""
    where, body = source.resolve((*pointer, "requestBody"), operation["requestBody"])
    for media_type, media in body["content"].items():
        members = properties(source, media["schema"], (*where, "content", media_type, "schema"))
        if members.keys().isdisjoint(_answered(source, operation)):
            continue
        for name, (place, schema) in members.items():
            wanted = types.get(name)
            if wanted is None or any(schema.get(key) for key in ("readOnly", "x-ignored", "x-references")):
                continue
            if (kind := schema.get("type")) != wanted:
                problem = f"The store keeps {name!r} as {wanted}, and not as {kind or 'a value of any type'}."
                yield source.finding(place, problem, f"Make it `type: {wanted}`.")
            elif admits_null(source, source.at(place)):
                yield source.finding(place, f"The store keeps no null for {name!r}.", "Take `nullable` away.")
            elif wanted == "integer" and not _fits(source, source.at(place)):
                problem = f"The store keeps {name!r} in 32 bits."
                yield source.finding(place, problem, "Add `format: int32`, or a `minimum` and a `maximum` within.")


def _check_new(
    source: Source, pointer: Pointer, operation: dict[str, Any], types: Mapping[str, str]
) -> Iterator[Finding]:
    """A new object has a value for each column."""
    if "201" not in operation["responses"]:
        return
    where, body = source.resolve((*pointer, "requestBody"), operation["requestBody"])
    (sent,) = (media["schema"] for media in body["content"].values())
    answer = source.resolve((), operation["responses"]["201"])[1]
    created = [media["schema"] for media in answer.get("content", {}).values()]
    given = set(flattened(source, sent).get("required", ()))
    for schema in (sent, *created):
        given |= {name for name, (_, member) in properties(source, schema).items() if "x-create-default" in member}
        given |= {name for name, (_, member) in properties(source, schema).items() if "x-references" in member}
    for name in sorted(types.keys() - given):
        problem = f"A new object may lack {name!r}, of which the store keeps a value."
        place = properties(source, sent, (*where, "content", next(iter(body["content"])), "schema")).get(
            name, (where, {})
        )[0]
        yield source.finding(place, problem, "Make it `required`, or give it an `x-create-default`.")


def _fits(source: Source, schema: dict[str, Any]) -> bool:
    """Whether all integers of a schema are of 32 bits."""
    parts = list(composed(source, schema))
    least = max((part["minimum"] for part in parts if "minimum" in part), default=-math.inf)
    most = min((part["maximum"] for part in parts if "maximum" in part), default=math.inf)
    return any(part.get("format") == "int32" for part in parts) or (least >= -(2**31) and most < 2**31)


def _answered(source: Source, operation: dict[str, Any]) -> Iterator[str]:
    """The members of what an operation answers."""
    for code, answer in operation["responses"].items():
        if code < "300":
            for media in source.resolve((), answer)[1].get("content", {}).values():
                yield from properties(source, media["schema"])


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
