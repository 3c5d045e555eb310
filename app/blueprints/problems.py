"""Messages on the properties of an entry, with their places in its text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.blueprints import releases
from app.blueprints.document import Value
from app.blueprints.findings import BlueprintError, BlueprintFinding, Note, NotHere, Place
from app.blueprints.limits import MAX_NAME, shortened
from app.blueprints.reading import Entry
from app.blueprints.references import DependsOnLost, IsGone
from app.blueprints.suggestions import similar
from app.domain import Model


@dataclass(slots=True)
class Problems:
    """The errors of an entry, collected while the rest of it is checked.

    :param reason: the reason why it can't be applied, other than its own errors
    """

    findings: list[BlueprintFinding] = field(default_factory=list)
    reason: NotHere | DependsOnLost | IsGone | None = None

    def __bool__(self) -> bool:
        return bool(self.findings) or self.reason is not None

    def raise_all(self) -> None:
        """Raise the collected errors: the entry's own ones take precedence over those from other entries.

        :raises BlueprintError: there are errors
        :raises DependsOnLost: it refers to an entry without an object
        :raises IsGone: it refers to a deleted object
        """
        if self.findings:
            raise BlueprintError(self.findings)
        if self.reason is not None:
            raise self.reason


def all_about(
    entry: Entry, model: Model, messages: Mapping[str, Any], properties: Mapping[str, Any]
) -> list[BlueprintFinding]:
    """Errors of properties, from messages by property.

    :param properties: the values of the properties, if known
    """
    return [
        about(entry, name, f"{message} {releases.about_value(model.name, name, properties.get(name))}".rstrip())
        for name, texts in messages.items()
        for message in (texts if isinstance(texts, list) else [texts])
    ]


def about(entry: Entry, name: str, message: str) -> BlueprintFinding:
    """An error of a property, at its value, or at the attributes if it is left out."""
    return BlueprintFinding(place_of(value_of(entry, name) or entry.attrs, entry), message, name)


def value_of(entry: Entry, name: str) -> Value | None:
    """The value of a property as it is written, None if it is left out."""
    parts = (part.content for part in (entry.identifiers, entry.attrs) if part is not None)
    return next((part[name] for part in parts if isinstance(part, dict) and name in part), None)


def unknown(entry: Entry, model: Model, attrs: Mapping[str, Any]) -> Iterator[Note]:
    """The properties that a model does not have."""
    known = {*model.properties, *model.preset}
    parts = entry.attrs.content if entry.attrs is not None and isinstance(entry.attrs.content, dict) else {}
    for name in (name for name in attrs if name not in known):
        place = parts[name].place if name in parts else place_of(entry.attrs, entry)
        problem = f"{model.name} has no property {shortened(name, MAX_NAME)!r} to set: it is ignored."
        yield Note(place, problem + hint(model, name))


def hint(model: Model, name: str) -> str:
    """A hint on a property that a model does not have."""
    if reported := releases.about_property(model.name, name):
        return f" {reported}"
    near = similar(name, (*model.properties, *model.preset))
    return f" {near!r} is similar." if near else ""


def place_of(value: Value | None, entry: Entry) -> Place:
    """The place of a part of an entry, or of the entry if the part is left out."""
    return entry.place if value is None else value.place
