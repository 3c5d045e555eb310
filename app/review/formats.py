"""Reports as text, as Markdown for a pull request, as JSON, and as annotations of GitHub."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from app.contract.document.findings import Finding as Note
from app.review.annotations import annotation
from app.review.comparing.differences import NOTHING, Rating
from app.review.evidence import Harm
from app.review.report import Report
from app.review.reviewing import Finding, Use
from app.review.stored import ADMITTED

# The maximum number of operations, and of exchanges, that are named where space is limited.
_NAMED = 4
_EXCHANGES = 20

_RATINGS = sorted(Rating, reverse=True)


def as_text(report: Report) -> str:
    """A report for a terminal: `file:line:column` first, so that editors can open the place."""
    return "\n".join(_text(report)) + "\n"


def _text(report: Report) -> Iterator[str]:
    yield from map(_note, report.notes)
    for finding in report.findings:
        yield f"{finding.location}: {finding.rating}: {_what(finding)}"
        if finding.was is not None:
            yield f"    It was at {finding.was}."
        yield from (f"    {line}" for line in _places(finding))
        for use in finding.uses:
            if text := _use(use, _few):
                yield f"    {text}"
        yield from (f"    {cause}" for cause in finding.causes)
        waiver = report.waived.by_name.get(finding.name)
        if waiver is not None:
            yield f"    Waived until {waiver.until}: {waiver.reason}"
        elif finding.rating is Rating.BREAKING and not report.released:
            yield f"    To waive it: {_quoted(finding.name)}"
    for problem in report.waived.problems:
        yield str(problem)
    if report.evidence is not None:
        yield str(report.evidence)
        for title, harms in _harms(report):
            yield f"{title}:"
            yield from (f"    {harm.exchange}: {harm.why}" for harm in harms)
    if report.stored is not None:
        yield from (f"{effect.location}: stored: {effect.what}" for effect in report.stored.effects)
        yield str(report.stored)
    cut = any(_is_cut(names) for finding in report.findings for names in _names(finding))
    yield _summary(report) + (" `--format json` lists all places and operations." if cut else "")


def _names(finding: Finding) -> Iterator[Sequence[Any]]:
    """The lists of names of a finding that `_few` may cut."""
    yield finding.also
    yield from (use.operations for use in finding.uses)


def _note(note: Note) -> str:
    """A finding in the old contract, which was compared nevertheless."""
    return f"{note.location}: note: {note.problem}"


def _summary(report: Report) -> str:
    if not report.findings:
        return f"Nothing differs from {report.base}."
    return f"Compared with {report.base}: {', '.join(_count(report, rating) for rating in _RATINGS)}."


def _what(finding: Finding) -> str:
    """The change in one line."""
    if finding.same is None or not finding.also:
        return finding.what
    return f"`{finding.subject}` and {len(finding.also)} more: {finding.same.detail}"


def _places(finding: Finding) -> Iterator[str]:
    """The further places of a change that was made in several schemas."""
    if finding.also:
        places = [f"`{part.subject}` ({part.location})" for part in finding.also]
        yield f"Likewise {_few(places)}."


def _count(report: Report, rating: Rating) -> str:
    found = report.rated(rating)
    waived = sum(finding.name in report.waived.by_name for finding in found)
    return f"{len(found)} {rating}{f' ({waived} waived)' if waived else ''}"


def _use(use: Use, names: Callable[[Sequence[str]], str]) -> str:
    """The affected operations, with the advice; empty if none is affected and there is no advice."""
    whom = f"{use.side.value} {names(use.operations)}" if use.side is not None and use.operations else ""
    advice = "" if use.advice == NOTHING and (use.rating is Rating.DOCS or not whom) else use.advice
    return ": ".join(filter(None, (whom, advice)))


def _quoted(name: str) -> str:
    """A name quoted for YAML."""
    return "'" + name.replace("'", "''") + "'"


def _is_cut(names: Sequence[Any]) -> bool:
    return len(names) > _NAMED + 1


def _few(names: Sequence[str]) -> str:
    if not _is_cut(names):
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"


def _harms(report: Report) -> list[tuple[str, Sequence[Harm]]]:
    if (evidence := report.evidence) is None:
        return []
    kinds = (
        ("Refused requests", evidence.refused),
        ("Requests of which a part would be ignored", evidence.ignored),
        ("Broken answers", evidence.broken),
    )
    return [(title, harms) for title, harms in kinds if harms]


def as_markdown(report: Report) -> str:
    """A report as a comment on a pull request."""
    return "\n".join(_markdown(report)) + "\n"


def _markdown(report: Report) -> Iterator[str]:
    worst = max((finding.rating for finding in report.findings), default=None)
    yield f"## The contract: {worst if worst is not None else 'nothing differs'}"
    yield ""
    yield _summary(report)
    for rating in _RATINGS:
        if found := report.rated(rating):
            yield from ("", f"### {str(rating).capitalize()}", "")
            for finding in found:
                yield from _bullet(report, finding)
    if report.notes:
        yield from ("", "### Notes", "")
        yield from (f"- {escaped(note.problem)} <sub>{note.location}</sub>" for note in report.notes)
    if report.waived.problems:
        yield from ("", "### Waivers of no use", "")
        yield from (f"- {problem}" for problem in report.waived.problems)
    if report.evidence is not None:
        yield from ("", "### Recorded traffic", "", str(report.evidence))
        for title, harms in _harms(report):
            yield from ("", f"<details><summary>{title}: {len(harms)}</summary>", "")
            yield from (f"- `{harm.exchange}` ({harm.operation}): {escaped(harm.why)}" for harm in harms)
            yield from ("", "</details>")
    if report.stored is not None:
        yield from ("", "### Stored objects", "", str(report.stored))
        for effect in report.stored.effects:
            yield f"- {escaped(effect.what)} <sub>{effect.location}</sub>"


def _bullet(report: Report, finding: Finding) -> Iterator[str]:
    waiver = report.waived.by_name.get(finding.name)
    yield f"- {escaped(_what(finding))} <sub>{finding.location}</sub>"
    if finding.was is not None:
        yield f"  - It was at {finding.was}."
    yield from (f"  - {escaped(line)}" for line in _places(finding))
    for use in finding.uses:
        if text := _use(use, _coded):
            yield f"  - {text}"
    yield from (f"  - **{cause.version}**: {escaped(cause.description)}" for cause in finding.causes)
    if waiver is not None:
        yield f"  - Waived until {waiver.until}: {escaped(waiver.reason)}"


def _coded(names: Sequence[str]) -> str:
    named = ", ".join(f"`{name}`" for name in names[: _NAMED if _is_cut(names) else len(names)])
    left = names[_NAMED:] if _is_cut(names) else ()
    if not left:
        return named
    rest = ", ".join(f"`{name}`" for name in left)
    return f"{named} <details><summary>and {len(left)} more</summary>{rest}</details>"


def escaped(text: str) -> str:
    """Text escaped for Markdown and HTML, apart from code in it."""
    parts = text.split("`")
    parts[::2] = [part.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_") for part in parts[::2]]
    return "`".join(parts)


def as_json(report: Report) -> str:
    """The complete report for programs."""
    evidence = report.evidence
    whole = {
        "base": report.base,
        "counts": {str(rating): len(report.rated(rating)) for rating in _RATINGS},
        "findings": [_finding(report, finding) for finding in report.findings],
        "waivers_of_no_use": [str(problem) for problem in report.waived.problems],
        "notes": [_note(note) for note in report.notes],
        "evidence": None if evidence is None else {**vars(evidence)},
        "stored": report.stored,
    }
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _finding(report: Report, finding: Finding) -> dict[str, Any]:
    waiver = report.waived.by_name.get(finding.name)
    return {
        "name": finding.name,
        "rule": finding.rule,
        "rating": str(finding.rating),
        "what": finding.what,
        "location": vars(finding.location),
        "was": None if finding.was is None else vars(finding.was),
        "also": [
            {
                "subject": part.subject,
                "location": vars(part.location),
                "was": None if part.was is None else vars(part.was),
            }
            for part in finding.also
        ],
        "uses": [
            {
                "side": use.side.name.lower() if use.side is not None else None,
                "rating": str(use.rating),
                "advice": use.advice,
                "operations": use.operations,
            }
            for use in finding.uses
        ],
        "causes": [
            {"version": cause.version, "description": cause.description, "location": vars(cause.location)}
            for cause in finding.causes
        ],
        "waived": None if waiver is None else {"reason": waiver.reason, "until": waiver.until.isoformat()},
    }


def as_annotations(report: Report) -> str:
    """Workflow commands of GitHub: each finding at its line in the new contract."""
    return "".join(f"{line}\n" for line in _annotations(report))


def _annotations(report: Report) -> Iterator[str]:
    for finding in report.findings:
        waiver = report.waived.by_name.get(finding.name)
        kind = "error" if finding.rating is Rating.BREAKING and waiver is None else "notice"
        lines = [_what(finding), *_places(finding), *filter(None, (_use(use, _few) for use in finding.uses))]
        if finding.was is not None:
            lines.append(f"It was at {finding.was}.")
        if waiver is not None:
            lines.append(f"Waived until {waiver.until}: {waiver.reason}")
        yield annotation(kind, finding.location, str(finding.rating).capitalize(), "\n".join(lines))
    for note in report.notes:
        yield annotation("notice", None, "Note", _note(note))
    for problem in report.waived.problems:
        yield annotation("error", problem.location, "Waiver", f"{problem.problem} {problem.remedy}")
    if report.evidence is not None:
        harmed = any(harms for _, harms in _harms(report))
        lines = [f"{harm.exchange}: {harm.why}" for _, harms in _harms(report) for harm in harms][:_EXCHANGES]
        text = "\n".join([str(report.evidence), *lines])
        yield annotation("warning" if harmed else "notice", None, "Recorded traffic", text)
    if report.stored is not None:
        for effect in report.stored.effects:
            kind = "notice" if effect.effect in ADMITTED else "warning"
            yield annotation(kind, effect.location, "Stored objects", effect.what)
        yield annotation("notice", None, "Stored objects", str(report.stored))
    yield annotation("notice", None, "The contract", _summary(report))


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "json": as_json,
    "github": as_annotations,
}
