"""Check of the documented headers of responses."""

from collections.abc import Iterator
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding
from app.contract.response.examples import header_value
from app.contract.response.responses import SENT
from app.contract.validation.schemas import Direction, SchemaReader

# The `content` of a response states its media type (OpenAPI 3.0.3, "Response Object").
_IGNORED = "content-type"


def check_headers(
    contract: Contract, pointer: Pointer, operation: dict[str, Any], seen: set[tuple[str, bool]], *, handled: bool
) -> Iterator[Finding]:
    """Check that each required header of a response is sent, and its example is valid.

    :param seen: the references to responses checked for other operations, and whether these were handled
    :param handled: whether a handler responds, which sends no headers of its own; otherwise the examples are sent
    """
    reader = SchemaReader(contract, Direction.RESPONSE)
    for code, response in operation["responses"].items():
        if "$ref" in response:
            if (response["$ref"], handled) in seen:
                continue
            seen.add((response["$ref"], handled))
        where, response = contract.resolve((*pointer, "responses", code), response)
        for name, header in response.get("headers", {}).items():
            place, header = contract.resolve((*where, "headers", name), header)
            if name.lower() == _IGNORED:
                yield contract.finding(place, f"OpenAPI ignores the header {name!r} here.", "Express it by `content`.")
                continue
            if "schema" not in header:
                yield contract.finding(place, f"The header {name!r} has no schema.", "Describe it by a schema.")
                continue
            value = header_value(contract, header)
            if value is None:
                if header.get("required", False) and not handled and name.lower() not in SENT:
                    yield contract.finding(
                        place, f"The header {name!r} is required and has no example.", "Add an `example`."
                    )
            elif not _may_be_sent(value):
                problem = f"The example of the header {name!r} can't be sent."
                yield contract.finding(place, problem, "Write it in one line, in characters of Latin-1.")
            else:
                for error in reader.validator(header["schema"]).iter_errors(value):
                    problem = f"The example of the header violates its schema: {error.message}."
                    yield contract.finding(place, problem, "Correct the example or the schema.")
            if handled and header.get("required", False) and name.lower() not in SENT:
                problem = f"The header {name!r} is required, and no handler sends it."
                yield contract.finding(place, problem, "Remove it, or make it optional.")


def _may_be_sent(value: Any) -> bool:
    """Whether a value is valid in a header (RFC 9110, section 5.5)."""
    text = str(value)
    return all(" " <= character <= "\xff" and character != "\x7f" for character in text) and text == text.strip()
