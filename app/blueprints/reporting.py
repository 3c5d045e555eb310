"""What an import says of itself: one log per entry, in the form of the contract's `LogEvent`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app import determinism
from app.blueprints.limits import MAX_MESSAGE, MAX_MISTAKES, MAX_NAME, MAX_SKIPPED, shortened
from app.blueprints.mistakes import Mistake
from app.blueprints.reading import INVALID_VERSION, Entry

LOGGER = "flows.blueprints"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an entry.

    :param action: created, updated, unchanged, deleted or skipped
    :param pk: the object it is about, if there is one
    :param note: what else there is to know
    """

    entry: Entry
    action: str
    pk: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a blueprint.

    :param success: whether all of it was applied; otherwise nothing was changed
    :param logs: one per entry, or what is wrong with the text as a whole
    :param mistakes: what is wrong, empty if nothing is
    """

    success: bool
    logs: list[dict[str, Any]]
    mistakes: tuple[Mistake, ...] = ()


def applied(done: Sequence[Done]) -> Outcome:
    """The outcome of a blueprint whose entries were applied."""
    now = _now()
    return Outcome(True, [_log(now, one) for one in done])


def refused(mistakes: Sequence[Mistake], entries: Sequence[Entry] = (), wrong: Entry | None = None) -> Outcome:
    """The outcome of a blueprint that was not applied.

    :param mistakes: what is wrong; only so much is told of it
    :param entries: the entries, if it could be read
    :param wrong: the entry that the mistakes are in
    """
    now, mistakes = _now(), _told(mistakes)
    if wrong is None:
        return Outcome(False, [_error_log(now, [mistake]) for mistake in mistakes], tuple(mistakes))
    note = f"entry {wrong.number} is wrong, so that nothing is changed"
    others = [entry for entry in entries if entry is not wrong]
    logs = [_log(now, Done(entry, "skipped", note=note)) for entry in others[:MAX_SKIPPED]]
    if len(others) > MAX_SKIPPED:
        logs.append(_info(now, f"{len(others) - MAX_SKIPPED} other entries: skipped ({note})", {"action": "skipped"}))
    logs.insert(min(wrong.number - 1, len(logs)), _error_log(now, mistakes, wrong))
    return Outcome(False, logs, tuple(mistakes))


def _told(mistakes: Sequence[Mistake]) -> Sequence[Mistake]:
    """The first mistakes, and that there are more, in messages of a bounded length."""
    told = [
        Mistake(one.place, shortened(one.message, MAX_MESSAGE), one.member and shortened(one.member, MAX_NAME))
        for one in mistakes[:MAX_MISTAKES]
    ]
    if len(mistakes) > MAX_MISTAKES:
        told.append(Mistake(mistakes[MAX_MISTAKES].place, f"There are more than these {MAX_MISTAKES} mistakes."))
    return told


def _log(now: str, done: Done) -> dict[str, Any]:
    entry = done.entry
    event = f"{entry.place}: {_model(entry)}: {done.action}" + (f" ({done.note})" if done.note else "")
    attributes = {"action": done.action, **_about(entry)} | ({"pk": done.pk} if done.pk else {})
    return _info(now, event, attributes)


def _info(now: str, event: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": now, "log_level": "info", "logger": LOGGER, "event": event, "attributes": attributes}


def _error_log(now: str, mistakes: Sequence[Mistake], entry: Entry | None = None) -> dict[str, Any]:
    # Of a wrong version authentik says this and nothing else, so that a client may look for it.
    event = "\n".join(INVALID_VERSION if one.message == INVALID_VERSION else str(one) for one in mistakes)
    errors = [
        {"line": one.place.line, "column": one.place.column, "member": one.member, "message": one.message}
        for one in mistakes
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
