"""Reports of coverage: a summary, all details, JUnit, and annotations of GitHub."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any
from xml.etree import ElementTree as ET

from app.contract.document.findings import Location
from app.review.annotations import annotation

# The maximum numbers of rows of the summary, which fits on a page, and of annotations, which is that of GitHub for a step.
_TAGS, _OPERATIONS, _ANNOTATIONS = 14, 20, 10
_WIDTH = 120


def _percent(coverage: Mapping[str, Any]) -> str:
    return f"{coverage['exercised']} of {coverage['points']} exercised: {coverage['percent']} %"


def _incomplete(coverage: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The operations with missing points, those with calls and most missing points first."""
    found = [one for one in coverage["operations"] if one["missing"]]
    return sorted(found, key=lambda one: (not one["calls"], -len(one["missing"])))


def as_summary(coverage: Mapping[str, Any], _least: float) -> str:
    """The share of each tag, and the operations with calls that lack most, in at most 40 lines."""
    return "\n".join([*_tags(coverage["operations"]), *_rows(coverage), _percent(coverage)])


def _tags(operations: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    def tag(one: Mapping[str, Any]) -> str:
        return str(next(iter(one["tags"]), ""))

    groups = {name: list(group) for name, group in groupby(sorted(operations, key=tag), tag)}
    for name, group in list(groups.items())[:_TAGS]:
        called = sum(1 for one in group if one["calls"])
        exercised, points = (sum(one[key] for one in group) for key in ("exercised", "points"))
        yield f"{name or 'no tag'}: {called} of {len(group)} operations called, {exercised} of {points} points"
    if len(groups) > _TAGS:
        yield f"and {len(groups) - _TAGS} more tags"


def _rows(coverage: Mapping[str, Any]) -> Iterator[str]:
    called = [one for one in _incomplete(coverage) if one["calls"]]
    for one in called[:_OPERATIONS]:
        yield _cut(f"  {one['operation']}: {one['exercised']} of {one['points']}; never {', '.join(one['missing'])}")
    if len(called) > _OPERATIONS:
        yield f"  and {len(called) - _OPERATIONS} more operations with calls; --format details lists everything"


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 4]} ..."


def as_details(coverage: Mapping[str, Any], _least: float) -> str:
    """All missing points, a line each."""
    lines = []
    for one in coverage["operations"]:
        if one["missing"]:
            lines.append(f"{one['operation']}: {one['exercised']} of {one['points']}, {one['calls']} calls")
            lines += [f"  never: {point}" for point in one["missing"]]
    return "\n".join([*lines, _percent(coverage)])


def as_junit(coverage: Mapping[str, Any], least: float) -> str:
    """A test case for each operation, which fails below the threshold."""
    operations: Sequence[Mapping[str, Any]] = coverage["operations"]
    failed = [one["operation"] for one in operations if 100 * one["exercised"] < least * one["points"]]
    counts = {"tests": str(len(operations)), "failures": str(len(failed))}
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": "coverage of the contract", **counts})
    for one in operations:
        name = {"classname": next(iter(one["tags"]), ""), "name": one["operation"]}
        case = ET.SubElement(suite, "testcase", name)
        if one["operation"] in failed:
            message = {"message": f"{one['exercised']} of {one['points']} exercised"}
            ET.SubElement(case, "failure", message).text = "\n".join(f"never: {what}" for what in one["missing"])
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode")


def as_annotations(coverage: Mapping[str, Any], _least: float) -> str:
    """Workflow commands of GitHub: what is missing, at the line of its operation."""
    lines = [
        annotation("warning", _location(one["contract"]), one["operation"], f"never {', '.join(one['missing'])}")
        for one in _incomplete(coverage)[:_ANNOTATIONS]
    ]
    return "\n".join([*lines, annotation("notice", None, "Coverage of the contract", _percent(coverage))])


def _location(text: str) -> Location:
    file, line, column = text.rsplit(":", 2)
    return Location(file, int(line), int(column))


REPORTS: Mapping[str, Callable[[Mapping[str, Any], float], str]] = {
    "text": as_summary,
    "details": as_details,
    "junit": as_junit,
    "github": as_annotations,
}
