"""Check of operations: whether each can be served completely."""

import re
from collections import Counter
from collections.abc import Iterator, Set
from typing import Any

from app.contract.checks.constants import check_constant
from app.contract.checks.content import check_content
from app.contract.checks.parameters import check_parameters
from app.contract.compile.plan import parameters
from app.contract.document.contract import Contract, Pointer, cached
from app.contract.document.findings import Finding

_NAME = re.compile(r"[a-zA-Z0-9._-]+")
# The failures that a handler with `x-challenges` reports by a successful response.
_CHALLENGES = frozenset({"403", "406", "415"})
_PARAMETER = re.compile(r"\{[^{}]+\}")
# Characters that are equivalent with and without percent-encoding (RFC 3986, section 3.3).
_LITERAL = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")


def check_operations(contract: Contract, paths: Set[str]) -> Iterator[Finding]:
    """Check that names are unique, and that plans support every feature in use.

    :param paths: the paths whose operations have to be checked by themselves
    """
    seen: dict[str, Pointer] = {}
    # Operations share most of their responses and parameters.
    seen_responses: set[tuple[Pointer, str]] = set()
    seen_parameters: set[Pointer] = set()
    yield from _check_names(contract)
    yield from _check_paths(contract)
    for pointer, path, method, operation in contract.operations():
        name = operation.get("operationId")
        if name is None:
            yield contract.finding(pointer, "The operation has no operationId.", "Name the handler that serves it.")
        elif name in seen:
            yield contract.finding(
                (*pointer, "operationId"),
                f"The operationId {name!r} is taken by the operation at {contract.locate(seen[name])}.",
                "Give each operation a name of its own.",
            )
        else:
            seen[name] = pointer
        if path not in paths:
            continue
        if "callbacks" in operation:
            problem = "Callbacks are not served."
            yield contract.finding((*pointer, "callbacks"), problem, "Remove them.")
        yield from _check_security(contract, pointer, operation)
        yield from check_parameters(contract, pointer, path, method, seen_parameters)
        yield from check_content(contract, pointer, operation, seen_responses)
        yield from _check_responses(contract, pointer, path, method, operation)
        yield from check_constant(contract, pointer, path, method)


def _check_paths(contract: Contract) -> Iterator[Finding]:
    """Check that paths differ in more than the names of their parameters, and end with a slash."""
    shapes: dict[str, str] = {}
    for path in contract.document["paths"]:
        yield from _check_template(contract, path)
        shape = "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
        if shape in shapes:
            yield contract.finding(
                ("paths", path),
                f"The path is the same as {shapes[shape]!r} but for a parameter's name.",
                "Put the operations of both under one path.",
            )
        shapes.setdefault(shape, path)
        if not path.endswith("/"):
            yield contract.finding(("paths", path), "The path has no slash at its end.", "Write it with one.")


def _check_names(contract: Contract) -> Iterator[Finding]:
    """Check the characters of component names (OpenAPI 3.0.3, "Components Object")."""
    for section, named in contract.document.get("components", {}).items():
        for name in named:
            if not _NAME.fullmatch(name):
                yield contract.finding(
                    ("components", section, name),
                    f"A component can't be named {name!r}.",
                    "Write the name of letters, digits, dots, hyphens and underscores.",
                )


def _check_template(contract: Contract, path: str) -> Iterator[Finding]:
    """Check that each segment of a path is a literal or a parameter, and that no parameter is repeated."""
    segments = path.strip("/").split("/")
    names = [segment for segment in segments if _PARAMETER.fullmatch(segment)]
    for segment in segments:
        if not (_PARAMETER.fullmatch(segment) or _LITERAL.fullmatch(segment)) or segment in (".", ".."):
            problem = f"The segment {segment!r} of the path is not served."
            yield contract.finding(("paths", path), problem, "Make it a text, or one parameter: '{name}'.")
    for name in sorted({name for name in names if names.count(name) > 1}):
        problem = f"The parameter {name[1:-1]!r} is in the path twice."
        yield contract.finding(("paths", path), problem, "Give each a name of its own.")


def _check_security(contract: Contract, pointer: Pointer, operation: dict[str, Any]) -> Iterator[Finding]:
    if "security" not in operation and "security" not in contract.document:
        yield contract.finding(
            pointer,
            "The operation has no `security`.",
            "Add `security: [{authentik: []}]`, or `security: []` for public access.",
        )
        return
    requirements: list[dict[str, Any]] = operation.get("security", contract.document.get("security", []))
    schemes = contract.document.get("components", {}).get("securitySchemes", {})
    if operation.get("x-challenges"):
        # Callers without credentials are served, too.
        requirements = [requirement for requirement in requirements if requirement]
    if len(requirements) > 1 or any(len(requirement) != 1 for requirement in requirements):
        yield contract.finding(
            (*pointer, "security"), "Only one security scheme per operation is served.", "Keep one of them."
        )
        return
    for index, requirement in enumerate(requirements):
        for name in requirement:
            scheme = contract.resolve((), schemes.get(name, {}))[1]
            if (scheme.get("type"), str(scheme.get("scheme")).lower()) != ("http", "bearer"):
                yield contract.finding(
                    (*pointer, "security", index, name),
                    f"The security scheme {name!r} is not served.",
                    "Use one of `type: http` and `scheme: bearer`.",
                )
    if not requirements and "x-required-permissions" in operation:
        yield contract.finding(
            (*pointer, "x-required-permissions"),
            "A public operation can't require permissions.",
            "Remove them, or name a security scheme.",
        )


def _check_responses(
    contract: Contract, pointer: Pointer, path: str, method: str, operation: dict[str, Any]
) -> Iterator[Finding]:
    """Check that each possible response is documented, and that one of them is successful."""
    documented = set(operation["responses"])
    for code in sorted(documented):
        if not (code.isdigit() and len(code) == 3):
            yield contract.finding(
                (*pointer, "responses", code),
                f"The response {code!r} is not a single status code.",
                "Document each status code by itself.",
            )
    successes = [code for code in documented if code.isdigit() and code < "300"]
    if len(successes) != 1:
        yield contract.finding(
            (*pointer, "responses"),
            f"The operation has {len(successes)} successful responses.",
            "Document exactly one 2xx.",
        )
    query = [parameter for _, parameter in parameters(contract, path, method, "query").values()]
    possible = {"405": "the path lacks other methods", "406": "the client may not accept JSON"}
    possible["503"] = "the database may be down"
    if operation.get("security", contract.document.get("security")):
        possible["403"] = "the caller may lack permission"
    if query or "requestBody" in operation:
        possible["400"] = "what the client sends may be invalid"
    if "{" in path or any("x-not-found" in parameter for parameter in query):
        possible["404"] = "there may be no such object"
    if "requestBody" in operation:
        possible["413"] = "the body may be too large"
        possible["415"] = "the body may be of another media type"
    if operation.get("x-challenges"):
        for code in _CHALLENGES & possible.keys():
            del possible[code]
    for code in sorted(possible.keys() - documented):
        elsewhere = _documented_elsewhere(contract, code)
        remedy = f"Document {code}: `$ref: '{elsewhere}'`." if elsewhere else f"Document {code}."
        problem = f"The response {code} is not documented: {possible[code]}."
        yield contract.finding((*pointer, "responses"), problem, remedy)


@cached
def _documented_elsewhere(contract: Contract, code: str) -> str:
    """The reference by which most operations document a response; empty if there is none."""
    responses = (operation["responses"].get(code, {}) for _, _, _, operation in contract.operations())
    references = Counter(response["$ref"] for response in responses if "$ref" in response)
    return references.most_common(1)[0][0] if references else ""
