"""Can an operation with `x-constant` be answered by its example?"""

from collections.abc import Iterator
from typing import Any

from app.contract.compile.plan import parameters
from app.contract.document.findings import Finding
from app.contract.document.source import Pointer, Source
from app.contract.validation.schemas import is_file


def check_constant(source: Source, pointer: Pointer, path: str, method: str) -> Iterator[Finding]:
    """Check that a constant operation takes nothing, and has one example in JSON."""
    operation = source.at(pointer)
    if "x-constant" not in operation:
        return
    place = (*pointer, "x-constant")
    if method != "get":
        yield source.finding(place, "Only a GET has a constant response.", "Remove it, and write a handler.")
    elif any(parameters(source, path, method, location) for location in ("path", "query")):
        problem = "The response is constant, whatever the parameters are."
        yield source.finding(place, problem, "Remove the parameters, or `x-constant`.")
    elif not _has_example(source, operation):
        problem = "The successful response has no `example` in JSON."
        yield source.finding(place, problem, "Give it one, or remove `x-constant`.")


def _has_example(source: Source, operation: dict[str, Any]) -> bool:
    successes = [described for code, described in operation["responses"].items() if code < "300"]
    contents = [
        media for described in successes for media in source.resolve((), described)[1].get("content", {}).values()
    ]
    return len(contents) == 1 and "example" in contents[0] and not is_file(source, contents[0].get("schema", {}))
