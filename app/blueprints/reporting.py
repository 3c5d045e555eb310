"""Logs of an import: one per entry and per note, in the format of the contract's `LogEvent`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app import determinism
from app.blueprints.findings import BlueprintFinding, Note
from app.blueprints.limits import MAX_FINDINGS, MAX_MESSAGE, MAX_NAME, MAX_NOTES, MAX_SKIPPED, shortened
from app.blueprints.reading import INVALID_VERSION, Entry

LOGGER = "flows.blueprints"


@dataclass(frozen=True, slots=True)
class Done:
    """The result of an entry.

    :param action: created, updated, unchanged, deleted, skipped, or error
    :param pk: of the object, if there is one
    :param note: additional information
    :param findings: its errors
    :param notes: on ignored parts
    """

    entry: Entry
    action: str
    pk: str | int | None = None
    note: str = ""
    findings: Sequence[BlueprintFinding] = ()
    notes: Sequence[Note] = ()


@dataclass(frozen=True)
class Outcome:
    """The outcome of an import.

    :param success: whether all of it was applied; otherwise nothing was changed
    :param logs: one per entry and one per note, or the errors of the text as a whole
    :param findings: the errors
    :param notes: on ignored parts
    """

    success: bool
    logs: list[dict[str, Any]]
    findings: tuple[BlueprintFinding, ...] = ()
    notes: tuple[Note, ...] = ()


def applied(done: Sequence[Done], notes: Sequence[Note] = ()) -> Outcome:
    """The outcome of an applied blueprint. :param notes: those that belong to no entry"""
    now, listed = _now(), _Listed(MAX_NOTES, "notes")
    logs = [_note_log(now, note) for note in listed.first(notes)]
    for one in done:
        logs += [_log(now, one), *(_note_log(now, note, one.entry) for note in listed.first(one.notes))]
    return Outcome(True, logs, notes=tuple(listed.reported))


def rejected(findings: Sequence[BlueprintFinding], done: Sequence[Done] = (), notes: Sequence[Note] = ()) -> Outcome:
    """The outcome of a rejected blueprint.

    :param findings: errors that belong to no entry, or to invalid ones, up to a limit
    :param done: the results of its entries before the rollback
    :param notes: those that belong to no entry
    """
    now, wrong = _now(), [one.entry.number for one in done if one.findings]
    listed, noted = _Listed(MAX_FINDINGS, "mistakes"), _Listed(MAX_NOTES, "notes")
    logs = [_error_log(now, [finding]) for finding in listed.first(findings)]
    logs += [_note_log(now, note) for note in noted.first(notes)]
    which = f"entry {wrong[0]} is wrong" if len(wrong) == 1 else "entries are wrong"
    skipped = 0
    for one in done:
        if found := listed.first(one.findings):
            logs.append(_error_log(now, found, one.entry))
        else:
            skipped += 1
            if skipped <= MAX_SKIPPED:
                logs.append(_log(now, Done(one.entry, "skipped", note=f"{which}, so that nothing is changed")))
        logs += [_note_log(now, note, one.entry) for note in noted.first(one.notes)]
    if skipped > MAX_SKIPPED:
        rest = f"{skipped - MAX_SKIPPED} other entries: skipped ({which}, so that nothing is changed)"
        logs.append(_info(now, rest, {"action": "skipped"}))
    return Outcome(False, logs, tuple(listed.reported), tuple(noted.reported))


class _Listed:
    """Errors or notes up to a limit, and a message if there are more.

    :param most: the limit
    :param what: their name
    """

    def __init__(self, most: int, what: str) -> None:
        self.reported: list[BlueprintFinding] = []
        self._known: set[BlueprintFinding] = set()
        self._most = most
        self._what = what

    def first(self, found: Sequence[BlueprintFinding]) -> list[BlueprintFinding]:
        """Those that were not listed before, with truncated messages."""
        reported: list[BlueprintFinding] = []
        for one in found:
            if len(self.reported) > self._most:
                break
            # An error in a shared part, such as a value of the context, is listed once.
            if one in self._known:
                continue
            self._known.add(one)
            if len(self.reported) == self._most:
                shown = BlueprintFinding(one.place, f"There are more than these {self._most} {self._what}.")
            else:
                property_name = one.property_name and shortened(one.property_name, MAX_NAME)
                shown = BlueprintFinding(one.place, shortened(one.message, MAX_MESSAGE), property_name)
            reported.append(shown)
            self.reported.append(shown)
        return reported


def _log(now: str, done: Done) -> dict[str, Any]:
    entry = done.entry
    event = f"{entry.place}: {_model(entry)}: {done.action}" + (f" ({done.note})" if done.note else "")
    attributes = {"action": done.action, **_about(entry)} | ({"pk": done.pk} if done.pk else {})
    return _info(now, event, attributes)


def _info(now: str, event: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": now, "log_level": "info", "logger": LOGGER, "event": event, "attributes": attributes}


def _note_log(now: str, note: Note, entry: Entry | None = None) -> dict[str, Any]:
    about = {**(_about(entry) if entry else {}), "line": note.place.line, "column": note.place.column}
    return {
        "timestamp": now,
        "log_level": "warning",
        "logger": LOGGER,
        "event": str(note),
        "attributes": {"action": "note", **about, "message": note.message},
    }


def _error_log(now: str, findings: Sequence[BlueprintFinding], entry: Entry | None = None) -> dict[str, Any]:
    # For a wrong version authentik returns only this message, which clients may match.
    event = "\n".join(INVALID_VERSION if one.message == INVALID_VERSION else str(one) for one in findings)
    errors = [
        {"line": one.place.line, "column": one.place.column, "member": one.property_name, "message": one.message}
        for one in findings
    ]
    attributes = {"action": "error", **(_about(entry) if entry else {}), "errors": errors}
    return {"timestamp": now, "log_level": "error", "logger": LOGGER, "event": event, "attributes": attributes}


def _about(entry: Entry) -> dict[str, Any]:
    """The attributes that identify an entry."""
    place = {"line": entry.place.line, "column": entry.place.column}
    return {"entry": entry.number, "id": entry.id and shortened(entry.id, MAX_NAME), "model": _model(entry), **place}


def _model(entry: Entry) -> str:
    """The model as written; a tag is shown by its name."""
    content = entry.model.content
    return entry.model.tag or (shortened(content, MAX_NAME) if isinstance(content, str) else "")


def _now() -> str:
    return datetime.fromtimestamp(determinism.now(), UTC).isoformat().replace("+00:00", "Z")
