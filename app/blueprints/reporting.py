"""What an import says of itself: one log per entry and per note, in the form of the contract's `LogEvent`."""

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
    """What became of an entry.

    :param action: created, updated, unchanged, deleted, skipped, or error
    :param pk: the object it is about, if there is one
    :param note: what else there is to know
    :param findings: what is wrong with it
    :param notes: what is ignored in it
    """

    entry: Entry
    action: str
    pk: str | None = None
    note: str = ""
    findings: Sequence[BlueprintFinding] = ()
    notes: Sequence[Note] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a blueprint.

    :param success: whether all of it was applied; otherwise nothing was changed
    :param logs: one per entry and one per note, or what is wrong with the text as a whole
    :param findings: what is wrong, empty if nothing is
    :param notes: what is ignored
    """

    success: bool
    logs: list[dict[str, Any]]
    findings: tuple[BlueprintFinding, ...] = ()
    notes: tuple[Note, ...] = ()


def applied(done: Sequence[Done], notes: Sequence[Note] = ()) -> Outcome:
    """The outcome of a blueprint whose entries were applied. :param notes: what is ignored outside of what they say"""
    now, listed = _now(), _Listed(MAX_NOTES, "notes")
    logs = [_note_log(now, note) for note in listed.first(notes)]
    for one in done:
        logs += [_log(now, one), *(_note_log(now, note, one.entry) for note in listed.first(one.notes))]
    return Outcome(True, logs, notes=tuple(listed.reported))


def rejected(findings: Sequence[BlueprintFinding], done: Sequence[Done] = (), notes: Sequence[Note] = ()) -> Outcome:
    """The outcome of a blueprint that was not applied.

    :param findings: what is wrong outside of its entries, or with entries that can't be read; only so much is told of it
    :param done: what became of its entries before all of it was undone
    :param notes: what is ignored outside of what they say
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
    """Errors or notes up to a number, and that there are more.

    :param most: how many are listed
    :param what: what they are
    """

    def __init__(self, most: int, what: str) -> None:
        self.reported: list[BlueprintFinding] = []
        self._known: set[BlueprintFinding] = set()
        self._most = most
        self._what = what

    def first(self, found: Sequence[BlueprintFinding]) -> list[BlueprintFinding]:
        """Those that are listed for the first time, in messages of a bounded length."""
        reported: list[BlueprintFinding] = []
        for one in found:
            if len(self.reported) > self._most:
                break
            # What entries share, such as a value of the context, is told once.
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
    # Of a wrong version authentik says this and nothing else, so that a client may look for it.
    event = "\n".join(INVALID_VERSION if one.message == INVALID_VERSION else str(one) for one in findings)
    errors = [
        {"line": one.place.line, "column": one.place.column, "member": one.property_name, "message": one.message}
        for one in findings
    ]
    attributes = {"action": "error", **(_about(entry) if entry else {}), "errors": errors}
    return {"timestamp": now, "log_level": "error", "logger": LOGGER, "event": event, "attributes": attributes}


def _about(entry: Entry) -> dict[str, Any]:
    """Which entry it is."""
    place = {"line": entry.place.line, "column": entry.place.column}
    return {"entry": entry.number, "id": entry.id and shortened(entry.id, MAX_NAME), "model": _model(entry), **place}


def _model(entry: Entry) -> str:
    """The model as it is written; a tag is shown by its name."""
    content = entry.model.content
    return entry.model.tag or (shortened(content, MAX_NAME) if isinstance(content, str) else "")


def _now() -> str:
    return datetime.fromtimestamp(determinism.now(), UTC).isoformat().replace("+00:00", "Z")
