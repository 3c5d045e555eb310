"""Parser of blueprints: version, context and entries, with the place of each part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice

from app.blueprints.document import Objection, Value, parse
from app.blueprints.findings import START, BlueprintError, BlueprintFinding, Note, Place, finding
from app.blueprints.limits import MAX_ENTRIES, MAX_NAME, MAX_NOTES, shortened

VERSION = 1
INVALID_VERSION = "Invalid blueprint version"
STATES = ("present", "created", "must_created", "absent")

_KEYS = frozenset({"version", "metadata", "context", "entries"})
KEYS_OF_AN_ENTRY = frozenset({"model", "state", "id", "identifiers", "attrs", "conditions", "permissions"})


@dataclass(frozen=True, slots=True)
class Entry:
    """An object that a blueprint lists.

    :param number: its number, from 1
    :param place: its beginning
    :param model: the model of the object
    :param state: the requested state: one of `STATES`; default: present
    :param id: the name for references from other entries
    :param identifiers: the properties that identify the object
    :param attrs: its other properties
    :param conditions: the entry is skipped unless all of them are true
    :param permissions: permissions for single objects, which are not supported
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
    """A parsed blueprint.

    :param context: values for `!Context`
    :param entries: the valid entries, in its order
    :param findings: errors of the rest: the blueprint can't be applied
    :param ids: the ids of all entries, invalid ones included
    :param notes: on ignored parts
    """

    context: Mapping[str, Value] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    findings: tuple[BlueprintFinding, ...] = ()
    ids: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()


def read(text: bytes, objection: Objection) -> Blueprint:
    """Parse a blueprint without its `metadata`. YAML that is not a mapping is empty, as in authentik.

    :param objection: the objection to a tag
    :raises BlueprintError: it is not YAML, no blueprint of this version, or has too many entries
    """
    findings: list[BlueprintFinding] = []
    try:
        document = parse(text, objection, findings)
        if document is None:
            raise finding(START, "The file is empty.")
        if document.tag is not None or not isinstance(document.content, dict):
            return Blueprint(
                findings=tuple(findings),
                notes=(Note(document.place, "This is not a blueprint: there are no entries."),),
            )
        return _blueprint(document.content, findings)
    except BlueprintError as error:
        raise BlueprintError([*findings, *error.findings]) from error


def _blueprint(properties: Mapping[str, Value], findings: list[BlueprintFinding]) -> Blueprint:
    """:param findings: the known errors"""
    version = properties.get("version")
    if version is not None and (type(version.content) is not int or version.content != VERSION):
        raise finding(version.place, INVALID_VERSION)
    context = properties.get("context")
    if context is not None and (context.tag is not None or not isinstance(context.content, dict)):
        raise finding(context.place, "The context must be a mapping.")
    values = list(_values(properties.get("entries")))
    if len(values) > MAX_ENTRIES:
        raise finding(values[MAX_ENTRIES].place, f"A blueprint may have at most {MAX_ENTRIES} entries: split it.")
    found: list[Entry] = []
    ids: set[str] = set()
    for number, value in enumerate(values, 1):
        try:
            found.append(_entry(number, value))
        except BlueprintError as error:
            findings += error.findings
        if isinstance(value.content, dict) and (id_ := value.content.get("id")) and isinstance(id_.content, str):
            ids.add(id_.content)
    # Aliases repeat long keys in every entry.
    notes = tuple(islice(_notes(properties, values), MAX_NOTES + 1))
    return Blueprint({} if context is None else context.content, tuple(found), tuple(findings), frozenset(ids), notes)


def _values(entries: Value | None) -> Iterator[Value]:
    """The entries: those of a list, or of the lists in a mapping (authentik 2025.8)."""
    if entries is None:
        return
    parts = entries.content.values() if isinstance(entries.content, dict) else [entries]
    for part in parts if entries.tag is None else [entries]:
        if part.tag is not None or not isinstance(part.content, list):
            raise finding(part.place, "The entries must be a list, or a mapping of lists.")
        yield from part.content


def _notes(properties: Mapping[str, Value], values: list[Value]) -> Iterator[Note]:
    """Notes on ignored keys of a document and its entries."""
    kind = properties.get("kind")
    if not values and "apiVersion" in properties and kind is not None and isinstance(kind.content, str):
        wrapped = properties.get("data", kind)
        names = wrapped.content if isinstance(wrapped.content, dict) else ()
        files = [shortened(name, MAX_NAME) for name in names if name.endswith((".yaml", ".yml"))]
        keys = f" ({', '.join(files)})" if files else ""
        problem = f"The {kind.content} of Kubernetes around a blueprint is not read."
        yield Note(wrapped.place, f"{problem} Save each blueprint in it{keys} as a file of its own, and import that.")
        return
    if not values:
        yield Note(START, "There are no entries, so that there is nothing to do.")
    yield from _unknown_keys(properties, _KEYS, "A blueprint")
    entries = (value.content for value in values if isinstance(value.content, dict))
    yield from chain.from_iterable(_unknown_keys(entry, KEYS_OF_AN_ENTRY, "An entry") for entry in entries)


def _unknown_keys(properties: Mapping[str, Value], known: frozenset[str], what: str) -> Iterator[Note]:
    for key, value in properties.items():
        if key not in known:
            problem = f"{what} has no key {shortened(key, MAX_NAME)!r}: it is ignored."
            yield Note(value.place, f"{problem} The keys are {', '.join(sorted(known))}.")


def _entry(number: int, value: Value) -> Entry:
    if value.tag is not None or not isinstance(value.content, dict):
        raise finding(value.place, "An entry must be a mapping.")
    properties: dict[str, Value] = value.content
    model = properties.get("model")
    if model is None:
        raise finding(value.place, "The entry has no model.")
    id_ = properties.get("id")
    if id_ is not None and (id_.tag is not None or not isinstance(id_.content, str | None)):
        raise finding(id_.place, "The id must be text.")
    return Entry(
        number,
        value.place,
        model,
        state=properties.get("state"),
        id=None if id_ is None else id_.content,
        identifiers=properties.get("identifiers"),
        attrs=properties.get("attrs"),
        conditions=properties.get("conditions"),
        permissions=properties.get("permissions"),
    )
