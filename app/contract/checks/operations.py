"""Can each operation be served whole, and does the code match it?"""

import contextlib
import inspect
import keyword
from collections.abc import Callable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from app.contract.findings import Finding, Location
from app.contract.parameters import QueryReader
from app.contract.plan import handler_arguments, parameters, path_arguments
from app.contract.schemas import flattened, properties
from app.contract.source import Pointer, Source

JSON = "application/json"


def check_operations(source: Source) -> Iterator[Finding]:
    """Names are unique, and nothing is asked for that a plan can't do."""
    seen: dict[str, Pointer] = {}
    shapes: dict[str, str] = {}
    for path in source.document["paths"]:
        shape = "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
        if shape in shapes:
            yield source.finding(
                ("paths", path),
                f"The path is the same as {shapes[shape]!r} but for a parameter's name.",
                "Put the operations of both under one path.",
            )
        shapes.setdefault(shape, path)
        if not path.endswith("/"):
            yield source.finding(("paths", path), "The path has no slash at its end.", "Write it with one.")
    for pointer, path, method, operation in source.operations():
        name = operation.get("operationId")
        if name is None:
            yield source.finding(pointer, "The operation has no operationId.", "Name the handler that serves it.")
        elif name in seen:
            yield source.finding(
                (*pointer, "operationId"),
                f"The operationId {name!r} is taken by the operation at {source.locate(seen[name])}.",
                "Give each operation a name of its own.",
            )
        else:
            seen[name] = pointer
        yield from _check_security(source, pointer, operation)
        yield from _check_parameters(source, pointer, path, method)
        yield from _check_media_types(source, pointer, operation)
        yield from _check_responses(source, pointer, path, method, operation)
    yield from _check_arguments(source)


def _check_security(source: Source, pointer: Pointer, operation: dict[str, Any]) -> Iterator[Finding]:
    if "security" not in operation and "security" not in source.document:
        yield source.finding(
            pointer,
            "The operation does not say who may call it.",
            "Add `security: [{authentik: []}]`, or `security: []` for everybody.",
        )
        return
    requirements: list[dict[str, Any]] = operation.get("security", source.document.get("security", []))
    schemes = source.document.get("components", {}).get("securitySchemes", {})
    if len(requirements) > 1 or any(len(requirement) != 1 for requirement in requirements):
        yield source.finding(
            (*pointer, "security"), "Only one security scheme per operation is served.", "Keep one of them."
        )
        return
    for index, requirement in enumerate(requirements):
        for name in requirement:
            scheme = source.resolve((), schemes.get(name, {}))[1]
            if (scheme.get("type"), str(scheme.get("scheme")).lower()) != ("http", "bearer"):
                yield source.finding(
                    (*pointer, "security", index, name),
                    f"The security scheme {name!r} is not served.",
                    "Use one of `type: http` and `scheme: bearer`.",
                )
    if not requirements and "x-required-permissions" in operation:
        yield source.finding(
            (*pointer, "x-required-permissions"),
            "An operation for everybody can't require permissions.",
            "Remove them, or name a security scheme.",
        )


def _check_parameters(source: Source, pointer: Pointer, path: str, method: str) -> Iterator[Finding]:
    for place, declared in _declared_parameters(source, pointer, path):
        where, parameter = source.resolve(place, declared)
        location, name = parameter["in"], parameter["name"]
        if location not in ("query", "path"):
            yield source.finding(
                (*where, "in"), f"Parameters in {location!r} are not served.", "Send it in the query or the path."
            )
        elif "schema" not in parameter:
            yield source.finding(where, f"The parameter {name!r} has no schema.", "Describe it by a schema.")
        elif parameter.get("style", "form" if location == "query" else "simple") not in ("form", "simple") or (
            location == "query" and parameter.get("explode") is False
        ):
            yield source.finding(
                where, f"The style of the parameter {name!r} is not served.", "Remove style and explode."
            )
        elif (kind := flattened(source, parameter["schema"]).get("type")) == "object" or (
            location == "path" and kind != "string"
        ):
            yield source.finding(
                (*where, "schema"),
                f"A parameter of type {kind!r} in the {location} is not served.",
                "Make it a string." if location == "path" else "Use one parameter for each member.",
            )
        if "x-argument" in parameter:
            yield from _check_argument(source, (*where, "x-argument"), parameter)
    for parameter in parameters(source, path, method, "query"):
        below = parameter.get("x-default-below")
        if below is not None and "default" not in flattened(source, parameter.get("schema", {})):
            yield source.finding(
                pointer,
                f"The parameter {parameter['name']!r} has `x-default-below` and no default.",
                "Give its schema a default.",
            )


def _check_arguments(source: Source) -> Iterator[Finding]:
    """All operations of a path get its values under the same names: they are named before it is known which is asked for."""
    called: dict[tuple[str, str], str] = {}
    for pointer, path, method, _ in source.operations():
        for parameter, argument in path_arguments(source, path, method).items():
            if called.setdefault((path, parameter), argument) != argument:
                yield source.finding(
                    (*pointer, "parameters"),
                    f"The parameter {parameter!r} has another `x-argument` than in the path's other operations.",
                    "Declare it once, beside the operations.",
                )


def _check_argument(source: Source, pointer: Pointer, parameter: dict[str, Any]) -> Iterator[Finding]:
    argument = parameter["x-argument"]
    if parameter["in"] != "path":
        yield source.finding(pointer, "Only a parameter of the path has an argument of another name.", "Remove it.")
    elif not argument.isidentifier() or keyword.iskeyword(argument):
        yield source.finding(
            pointer, f"{argument!r} can't be the name of an argument.", "Give an identifier of Python."
        )


def _declared_parameters(source: Source, pointer: Pointer, path: str) -> Iterator[tuple[Pointer, Any]]:
    for owner in (pointer, ("paths", path)):
        for index, declared in enumerate(source.at(owner).get("parameters", [])):
            yield (*owner, "parameters", index), declared


def _check_media_types(source: Source, pointer: Pointer, operation: dict[str, Any]) -> Iterator[Finding]:
    contents = [((*pointer, "requestBody"), operation.get("requestBody", {}))]
    contents += [((*pointer, "responses", code), answer) for code, answer in operation["responses"].items()]
    for place, declared in contents:
        where, described = source.resolve(place, declared)
        for media_type, media in described.get("content", {}).items():
            if media_type != JSON or len(described["content"]) > 1:
                yield source.finding(
                    (*where, "content", media_type),
                    f"The media type {media_type!r} is not served here.",
                    f"Describe one content, {JSON}.",
                )
            elif "schema" not in media:
                yield source.finding((*where, "content", media_type), "The content has no schema.", "Add a schema.")


def _check_responses(
    source: Source, pointer: Pointer, path: str, method: str, operation: dict[str, Any]
) -> Iterator[Finding]:
    """Each answer that the operation can give is documented, and one of them is its success."""
    documented = set(operation["responses"])
    for code in sorted(documented):
        if not (code.isdigit() and len(code) == 3):
            yield source.finding(
                (*pointer, "responses", code),
                f"The response {code!r} does not say one status code.",
                "Document each status code by itself.",
            )
    successes = [code for code in documented if code.isdigit() and code < "300"]
    if len(successes) != 1:
        yield source.finding(
            (*pointer, "responses"),
            f"The operation has {len(successes)} successful responses.",
            "Document exactly one 2xx.",
        )
    query = parameters(source, path, method, "query")
    possible = {"405": "the path lacks other methods", "406": "the client may not accept JSON"}
    possible["503"] = "the database may be down"
    if operation.get("security", source.document.get("security")):
        possible["403"] = "the caller may lack permission"
    if query or "requestBody" in operation:
        possible["400"] = "what the client sends may be invalid"
    if "{" in path or any("x-not-found" in parameter for parameter in query):
        possible["404"] = "there may be no such object"
    if "requestBody" in operation:
        possible["413"] = "the body may be too large"
        possible["415"] = "the body may be of another media type"
    for code in sorted(possible.keys() - documented):
        yield source.finding(
            (*pointer, "responses"), f"The response {code} is not documented: {possible[code]}.", f"Document {code}."
        )


def check_handlers(
    source: Source,
    handlers: Mapping[str, Callable[..., Any]],
    stored_members: Callable[[str], Set[str] | None],
) -> Iterator[Finding]:
    """Each operation has its handler and each handler its operation; both have the same parameters; the store has the members."""
    served = set()
    for pointer, path, method, operation in source.operations():
        name = operation["operationId"]
        served.add(name)
        handler = handlers.get(name)
        if handler is None:
            yield source.finding(
                (*pointer, "operationId"),
                f"No handler is named {name!r}.",
                "Write the function in app/handlers/, or correct the operationId.",
            )
            continue
        query = QueryReader(source, parameters(source, path, method, "query"))
        given = handler_arguments(query, path_arguments(source, path, method), "requestBody" in operation)
        actual = set(list(inspect.signature(handler).parameters)[1:])
        if len(given) > len(set(given)):
            yield source.finding(
                (*pointer, "operationId"),
                "Two parts of the operation give the handler an argument of the same name.",
                "Give the path's parameter another `x-argument`.",
            )
        elif actual != set(given):
            yield source.finding(
                (*pointer, "operationId"),
                f"The handler {name!r} takes {_names(actual)}, and the operation gives {_names(set(given))}.",
                f"Change the parameters here or those of the function at {_location(handler)}.",
            )
        stored = stored_members(name)
        if stored is not None:
            yield from _check_stored(source, pointer, path, operation, stored)
    for name in sorted(handlers.keys() - served):
        yield Finding(
            _location(handlers[name]),
            f"The handler {name!r} serves no operation of {source.name}.",
            "Add the operation to the contract, or begin the function's name with an underscore.",
        )


def _check_stored(
    source: Source, pointer: Pointer, path: str, operation: dict[str, Any], stored: Set[str]
) -> Iterator[Finding]:
    """Every member that is written, filtered, searched or sorted by is one that the store keeps."""
    named: list[tuple[Pointer, str]] = []
    for place, declared in _declared_parameters(source, pointer, path):
        where, parameter = source.resolve(place, declared)
        if "x-filters" in parameter:
            named.append(((*where, "x-filters"), parameter["x-filters"]))
        for extension in ("x-searches", "x-orders-by"):
            named += [((*where, extension, index), name) for index, name in enumerate(parameter.get(extension, ()))]
    if "requestBody" in operation:
        where, body = source.resolve((*pointer, "requestBody"), operation["requestBody"])
        for media_type, media in body["content"].items():
            members = properties(source, media["schema"], (*where, "content", media_type, "schema"))
            named += [(place, name) for name, (place, schema) in members.items() if not schema.get("readOnly")]
    for place, name in named:
        if name not in stored:
            yield source.finding(
                place,
                f"The store keeps no member {name!r}.",
                "Add a column and a migration in app/store/, or correct the name.",
            )


def _names(names: Set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _location(function: Callable[..., Any]) -> Location:
    code = inspect.unwrap(function).__code__
    path = Path(code.co_filename)
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return Location(str(path), code.co_firstlineno, 1)
