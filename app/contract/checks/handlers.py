"""Check of the code against the contract."""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from app.contract.checks.collections import check_relations
from app.contract.checks.generated_values import Samples, check_generated_objects, check_generated_responses
from app.contract.checks.headers import check_headers
from app.contract.checks.queries import Searched, check_queries
from app.contract.checks.responses import check_responses
from app.contract.checks.storage import check_columns, check_stored
from app.contract.checks.texts import takes_nul
from app.contract.compile.constants import Constant
from app.contract.compile.plan import REQUEST, argument_names, handler_arguments, parameters, query_reader
from app.contract.compile.scopes import VERBS, scope_of
from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding, Location, similar
from app.contract.validation.schemas import (
    Direction,
    SchemaReader,
    admits_null,
    composed,
    flattened,
    is_file,
    schema_properties,
)
from app.domain import Capabilities, Upload


def check_handlers(
    contract: Contract,
    paths: Set[str],
    handlers: Mapping[str, Callable[..., Any]],
    capabilities: Callable[[str], Capabilities],
    samples: Samples,
    *,
    examples: bool = False,
) -> Iterator[Finding]:
    """Check that operations and handlers correspond, have the same parameters, and are supported by the store.

    :param paths: the paths whose operations have to be checked by themselves
    :param capabilities: the store's capabilities for a model or collection
    :param samples: samples of generated responses
    :param examples: whether an operation without a handler responds with its examples
    """
    served = set()
    lacking: dict[str, Pointer] = {}
    # Operations share most of their bodies and responses.
    compared: set[tuple[Pointer, Pointer]] = set()
    seen: set[tuple[str, bool]] = set()
    searched: dict[str, Searched] = {}
    responses = SchemaReader(contract, Direction.RESPONSE)
    for pointer, path, method, operation in contract.operations():
        name = operation["operationId"]
        served.add(name)
        handler = handlers.get(name)
        scope = scope_of(contract, path)
        if scope is not None and (handler is not None or examples):
            yield from check_queries(contract, pointer, path, capabilities(scope), searched)
        if handler is None:
            lacking[name] = (*pointer, "operationId")
        if path not in paths:
            continue
        yield from check_headers(contract, pointer, operation, seen, handled=handler is not None)
        if "x-constant" in operation and handler is not None and not isinstance(handler, Constant):
            problem = f"The handler at {_location(handler)} serves the operation."
            yield contract.finding((*pointer, "x-constant"), problem, "Remove `x-constant`, or the function.")
        if handler is not None:
            yield from _check_arguments(contract, pointer, path, method, handler)
            if "requestBody" in operation:
                yield from check_responses(contract, pointer, operation, compared)
            yield from check_generated_responses(contract, pointer, operation, samples.responses(name), responses)
        elif not examples:
            continue
        if scope is not None and "requestBody" in operation:
            yield from check_stored(contract, pointer, operation, scope, capabilities)
            yield from check_columns(contract, pointer, operation, capabilities(scope).columns)
    yield from check_relations(contract, capabilities)
    yield from check_generated_objects(contract, samples)
    # A later version may lack operations of the first, whose handlers serve it.
    alone = handlers.keys() - served if not contract.overlays else ()
    idle = [name for name in alone if not getattr(handlers[name], "of_later_versions", False)]
    yield from _check_names(contract, {name: handlers[name] for name in sorted(idle)}, lacking, examples=examples)


def _check_names(
    contract: Contract, idle: Mapping[str, Callable[..., Any]], lacking: dict[str, Pointer], *, examples: bool
) -> Iterator[Finding]:
    """Check for handlers without an operation and operations without a handler, paired if one seems to have been renamed.

    :param idle: the handlers without an operation
    :param lacking: the pointer of the operationId of each operation without a handler
    """
    alone = len(idle) == len(lacking) == 1
    for name, handler in idle.items():
        renamed = next(iter(lacking)) if alone else similar(name, lacking)
        if renamed:
            yield contract.finding(
                lacking.pop(renamed),
                f"No handler is named {renamed!r}, and the handler {name!r} serves no operation.",
                f"Name the operation {name!r}, or the function at {_location(handler)} as the operation.",
            )
        else:
            yield Finding(
                _location(handler),
                f"The handler {name!r} serves no operation of {contract.name}.",
                "Add the operation to the contract, or begin the function's name with an underscore.",
            )
    for name, place in () if examples else lacking.items():
        yield contract.finding(place, f"No handler is named {name!r}.", _remedy(contract, name, *place[1:3]))


def _remedy(contract: Contract, name: str, path: Any, method: Any) -> str:
    """The remedy for an operation without a handler."""
    verbs = [f"_{verb}" for verb, known in VERBS.items() if known == method]
    if scope_of(contract, path) is not None:
        if not name.endswith(tuple(verbs)):
            return f"End it with {' or '.join(verbs)}, or write the function in app/handlers/."
        if name.endswith("_create"):
            return "Let `x-serves` name the model of the new object, or write the function in app/handlers/."
    return "Write the function in app/handlers/, or correct the operationId."


def _check_arguments(
    contract: Contract, pointer: Pointer, path: str, method: str, handler: Callable[..., Any]
) -> Iterator[Finding]:
    """Check that a handler takes the arguments of its operation."""
    given = handler_arguments(contract, path, method, query_reader(contract, path, method))
    for argument in sorted({argument for argument in given if given.count(argument) > 1}):
        yield contract.finding(
            pointer,
            f"The handler is given two arguments of the name {argument!r}.",
            "Rename one of the parameters, or give that of the path another `x-argument`.",
        )
    yield from _check_annotations(contract, path, method, handler)
    if is_typeddict(hint := _hints(handler).get("body")) and "requestBody" in contract.at(pointer):
        yield from _check_body(contract, pointer, hint)
    expected = set(given)
    # Arguments with a default may be omitted, and the context of the request is optional.
    takes = argument_names(handler)
    actual = {name for name, needed in takes.items() if name in expected or (needed and name != REQUEST)}
    if actual != expected:
        name = contract.at((*pointer, "operationId"))
        yield contract.finding(
            (*pointer, "operationId"),
            f"The handler {name!r} takes {_names(actual)}, and the operation gives {_names(expected)}.",
            f"Change the parameters here or those of the function at {_location(handler)}.",
        )


_JSON_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean"}


def _check_annotations(contract: Contract, path: str, method: str, handler: Callable[..., Any]) -> Iterator[Finding]:
    """Check that query parameters have the types that their handler declares, and no missing values."""
    query = parameters(contract, path, method, "query")
    for name, hint in _hints(handler).items():
        if name not in query:
            continue
        place, parameter = query[name]
        if get_origin(hint) is Sequence:
            extension = "x-searches" if get_args(hint) == (str,) else "x-orders-by"
            if extension not in parameter:
                yield contract.finding(
                    place, f"The handler takes {name!r} in the form of `{extension}`.", f"Add `{extension}`."
                )
            continue
        wanted = _JSON_TYPES.get(hint)
        if wanted is None:
            continue
        if not {"x-filters", "x-searches", "x-orders-by"}.isdisjoint(parameter):
            continue
        schema = flattened(contract, parameter["schema"])
        if (kind := schema.get("type")) != wanted:
            problem = f"The handler takes {name!r} as {wanted}, and not as {kind or 'a value of any type'}."
            yield contract.finding((*place, "schema"), problem, f"Make it `type: {wanted}`.")
        elif schema.get("default") is None and (
            not parameter.get("required", False) or parameter.get("allowEmptyValue")
        ):
            problem = f"The handler requires {name!r}, which is optional here."
            yield contract.finding((*place, "schema"), problem, "Give it a default.")


def _check_body(contract: Contract, pointer: Pointer, hint: Any) -> Iterator[Finding]:
    """Check that a body has the properties of the handler's `TypedDict`, if it declares one."""
    where, body = contract.resolve((*pointer, "requestBody"), contract.at((*pointer, "requestBody")))
    for media_type, media in body["content"].items():
        place = (*where, "content", media_type, "schema")
        properties = schema_properties(contract, media["schema"], place)
        required = {name for part in composed(contract, media["schema"]) for name in part.get("required", ())}
        for name, kind in sorted(get_type_hints(hint).items()):
            at, schema = properties.get(name, (place, {}))
            remedy = "Describe it so, and require it."
            wanted = _JSON_TYPES.get(kind, "string")
            if name not in properties or any(schema.get(key) for key in ("readOnly", "x-ignored")):
                problem = f"The handler takes {name!r} from the body, which has no such property."
            elif schema.get("type") != wanted or is_file(contract, schema) != (kind is Upload):
                problem = (
                    f"The handler takes {name!r} as {'a file' if kind is Upload else wanted}, which it is not here."
                )
            elif name not in required or admits_null(contract, contract.at(at)):
                problem = f"The handler requires {name!r}, which may be missing or null."
            elif kind is str and takes_nul(contract, contract.at(at)):
                problem = f"The store can't keep NUL characters in {name!r}."
                remedy = "Add `pattern: '^[^\\x00]*$'`."
            else:
                continue
            yield contract.finding(at, problem, remedy)


def _hints(handler: Callable[..., Any]) -> Mapping[str, Any]:
    """The declared types of a handler's arguments."""
    return _hints_of(_written(handler))


@lru_cache(maxsize=1024)
def _hints_of(function: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError):
        # A name defined for type checkers only, or a callable object.
        return {}


def _written(handler: Callable[..., Any]) -> Any:
    """The function behind a handler, without its wrappers."""
    function = inspect.unwrap(handler)
    while isinstance(function, partial):
        function = inspect.unwrap(function.func)
    return function


def _names(names: Set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _location(function: Callable[..., Any]) -> Location:
    code = _written(function).__code__
    path = Path(code.co_filename)
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return Location(str(path), code.co_firstlineno, 1)
