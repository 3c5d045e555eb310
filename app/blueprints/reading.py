"""A blueprint as it is uploaded: version, context and entries, of which each part knows its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.blueprints.document import Value, parse
from app.blueprints.limits import MAX_ENTRIES, MAX_MISTAKES
from app.blueprints.mistakes import START, BlueprintError, Mistake, Place, mistake
from app.blueprints.tags import objection

VERSION = 1
INVALID_VERSION = "Invalid blueprint version"
STATES = ("present", "created", "must_created", "absent")

_NOTHING: Mapping[str, Value] = {}


@dataclass(frozen=True, slots=True)
class Entry:
    """An object that a blueprint asks for.

    :param number: which entry it is, from 1
    :param place: where it begins
    :param model: the kind of object
    :param state: what is asked for: one of `STATES`; present if it is left out
    :param id: the name by which other entries refer to its object
    :param identifiers: members by which the object is known
    :param attrs: its other members
    :param conditions: what all has to hold for the entry to count
    :param permissions: permissions for single objects, which are not kept here
    """

    number: int
    place: Place
    model: Value
    state: Value | None = None
    id: str | None = None
    identifiers: Value | None = None
    attrs: Value | None = None
    conditions: Value | None = None
    permissions: Value | None = None


@dataclass(frozen=True)
class Blueprint:
    """What a blueprint says.

    :param context: values for `!Context`
    :param entries: the objects it asks for, in its order
    """

    context: Mapping[str, Value] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()


def read(text: bytes) -> Blueprint:
    """Read a blueprint.

    Members that no blueprint has are ignored, and so is `metadata`. YAML that is not a mapping asks for nothing, as in authentik.

    :raises BlueprintError: it is no YAML, no blueprint of this version, or has too many entries; or entries are wrong, which are
        all looked at, until there are more mistakes than are told of
    """
    document = parse(text, objection)
    if document is None:
        raise mistake(START, "The file is empty.")
    if document.tag is not None or not isinstance(document.content, dict):
        return Blueprint()
    members: dict[str, Value] = document.content
    version = members.get("version")
    if version is not None and (type(version.content) is not int or version.content != VERSION):
        raise mistake(version.place, INVALID_VERSION)
    context = members.get("context")
    if context is not None and (context.tag is not None or not isinstance(context.content, dict)):
        raise mistake(context.place, "The context is a mapping.")
    entries = members.get("entries")
    if entries is not None and (entries.tag is not None or not isinstance(entries.content, list)):
        raise mistake(entries.place, "The entries are a list.")
    values = [] if entries is None else entries.content
    if len(values) > MAX_ENTRIES:
        raise mistake(values[MAX_ENTRIES].place, f"A blueprint has no more than {MAX_ENTRIES} entries: split it.")
    found: list[Entry] = []
    mistakes: list[Mistake] = []
    for number, value in enumerate(values, 1):
        try:
            found.append(_entry(number, value))
        except BlueprintError as error:
            mistakes += error.mistakes
            if len(mistakes) > MAX_MISTAKES:
                break
    if mistakes:
        raise BlueprintError(mistakes)
    return Blueprint(_NOTHING if context is None else context.content, tuple(found))


def _entry(number: int, value: Value) -> Entry:
    if value.tag is not None or not isinstance(value.content, dict):
        raise mistake(value.place, "An entry is a mapping.")
    members: dict[str, Value] = value.content
    model = members.get("model")
    if model is None:
        raise mistake(value.place, "The entry has no model.")
    id_ = members.get("id")
    if id_ is not None and (id_.tag is not None or not isinstance(id_.content, str | None)):
        raise mistake(id_.place, "The id is text.")
    return Entry(
        number,
        value.place,
        model,
        state=members.get("state"),
        id=None if id_ is None else id_.content,
        identifiers=members.get("identifiers"),
        attrs=members.get("attrs"),
        conditions=members.get("conditions"),
        permissions=members.get("permissions"),
    )
