"""Check of operations with `x-constant`."""

from collections.abc import Iterator
from typing import Any

from app.contract.compile.plan import parameters
from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding
from app.contract.validation.schemas import is_file


def check_constant(contract: Contract, pointer: Pointer, path: str, method: str) -> Iterator[Finding]:
    """Check that a constant operation has no input, and one example in JSON."""
    operation = contract.at(pointer)
    if "x-constant" not in operation:
        return
    place = (*pointer, "x-constant")
    if method != "get":
        yield contract.finding(place, "Only a GET has a constant response.", "Remove it, and write a handler.")
    elif any(parameters(contract, path, method, location) for location in ("path", "query")):
        problem = "The response is constant, whatever the parameters are."
        yield contract.finding(place, problem, "Remove the parameters, or `x-constant`.")
    elif not _has_example(contract, operation):
        problem = "The successful response has no `example` in JSON."
        yield contract.finding(place, problem, "Give it one, or remove `x-constant`.")


def _has_example(contract: Contract, operation: dict[str, Any]) -> bool:
    successes = [described for code, described in operation["responses"].items() if code < "300"]
    contents = [
        media for described in successes for media in contract.resolve((), described)[1].get("content", {}).values()
    ]
    return len(contents) == 1 and "example" in contents[0] and not is_file(contract, contents[0].get("schema", {}))
