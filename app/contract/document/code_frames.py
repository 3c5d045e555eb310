"""Code frames: the lines of a file around a location."""

from collections.abc import Iterable
from typing import NamedTuple

from app.contract.document.bundling import path_of
from app.contract.document.findings import Finding, Location

# Lines before and after the marked one.
_AROUND = 2


class CodeFrame(NamedTuple):
    """A finding with its code frame, read when the finding was made."""

    finding: Finding
    lines: str


def framed(findings: Iterable[Finding]) -> tuple[CodeFrame, ...]:
    """Add a code frame to each finding."""
    return tuple(CodeFrame(finding, frame(finding.location)) for finding in findings)


def frame(location: Location) -> str:
    """The numbered lines around a location with a mark below it; empty if they can't be read."""
    try:
        lines = path_of(location.file).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    first = max(1, location.line - _AROUND)
    width = len(str(location.line + _AROUND))
    framed = []
    for number, text in enumerate(lines[first - 1 : location.line + _AROUND], first):
        here = number == location.line
        framed.append(f"{'>' if here else ' '} {number:>{width}} | {text}".rstrip())
        if here:
            framed.append(f"  {' ' * width} | {' ' * (location.column - 1)}^")
    return "\n".join(framed)
