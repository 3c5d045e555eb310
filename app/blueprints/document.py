"""Parser of untrusted YAML to a tree of values with their places.

The tree is built from PyYAML's events without recursion. An alias shares the value of its anchor, so that the tree takes no more
memory than its text; its size with aliases expanded is counted, and limited.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from app.blueprints.findings import START, BlueprintError, BlueprintFinding, Place, finding
from app.blueprints.limits import MAX_FINDINGS, MAX_NAME, shortened

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
# The maximum number of values, with aliases expanded.
MAX_VALUES = 200_000
# The maximum number of directives, as parsing them takes quadratic time.
_MOST_DIRECTIVES = 100
# The maximum length of a number: a regular expression on a longer one blocks all other threads.
_LONGEST_NUMBER = 1000

_TOO_MANY = f"There are more than {MAX_VALUES} values, with aliases written out."
_TEXT, _MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
# The types of scalars in authentik's loader. Dates stay text, as the API has none.
_KINDS = {
    "tag:yaml.org,2002:null": "construct_yaml_null",
    "tag:yaml.org,2002:bool": "construct_yaml_bool",
    "tag:yaml.org,2002:int": "construct_yaml_int",
    "tag:yaml.org,2002:float": "construct_yaml_float",
}
_AS_TEXT = {_TEXT, "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}
_CONTAINERS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!"}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
    """PyYAML in C, with the scalars of YAML 1.1 as in authentik's loader: `on` and `yes` are true."""


@dataclass(frozen=True, slots=True)
class Value:
    """A part of the document. Its place is stored as numbers: as objects, places would slow down the garbage collector.

    :param line: the line of its beginning, from 1
    :param column: the column of its beginning, from 1
    :param content: text, number, boolean or None; a list of values; or a mapping from text to values
    :param tag: its tag, such as `!KeyOf`; the content of a tagged scalar is its text
    :param size: the number of its values, itself included and aliases expanded
    :param depth: its maximum nesting depth
    """

    line: int
    column: int
    content: Any
    tag: str | None = None
    size: int = field(default=1, repr=False)
    depth: int = field(default=1, repr=False)

    @property
    def place(self) -> Place:
        """The place of its beginning."""
        return Place(self.line, self.column)


@dataclass(slots=True)
class _Open:
    """An open list or mapping. The children of a mapping are its keys and values in turn."""

    place: Place
    tag: str | None
    anchor: str | None
    mapping: bool
    children: list[Value] = field(default_factory=list)


Objection = Callable[[str], str | None]
"""A function that returns the objection to a tag that is not of YAML itself, None if it is allowed."""


def parse(text: bytes, objection: Objection, rejected: list[BlueprintFinding] | None = None) -> Value | None:
    """Parse a document.

    :param text: YAML as UTF-8
    :param objection: the objection to a tag
    :param rejected: a list for the findings on tags, up to a limit; default: the first one is raised
    :returns: the document, None if it is empty
    :raises BlueprintError: it is not YAML, exceeds a limit, or has an invalid tag or number
    """
    if len(text) > MAX_BYTES:
        raise finding(START, f"The file is larger than {MAX_BYTES} bytes.")
    loader = _Loader(_decoded(text))
    try:
        return _Builder(loader, objection, rejected).build()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise finding(_place(mark) if mark else START, f"This is not valid YAML: {problem}.") from error
    except yaml.YAMLError as error:
        raise finding(START, f"This is not valid YAML: {str(error).splitlines()[0]}.") from error
    finally:
        loader.dispose()


def _decoded(text: bytes) -> str:
    """Decode the text, and check that YAML allows its characters."""
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise finding(_end(text[: error.start].decode("utf-8-sig")), "The file is not UTF-8 text.") from error
    if bad := yaml.reader.Reader.NON_PRINTABLE.search(decoded):
        raise finding(_end(decoded[: bad.start()]), f"The character U+{ord(bad[0]):04X} is not allowed in YAML.")
    if decoded.count("%TAG") > _MOST_DIRECTIVES:
        raise finding(START, f"A blueprint may have at most {_MOST_DIRECTIVES} %TAG directives.")
    return decoded


def _end(text: str) -> Place:
    """The place after a text."""
    return Place(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


class _Builder:
    """Builds the tree."""

    def __init__(self, loader: Any, objection: Objection, rejected: list[BlueprintFinding] | None) -> None:
        self._loader = loader
        self._objection = objection
        self._rejected = rejected
        self._anchors: dict[str, Value] = {}
        self._open: list[_Open] = []
        self._values = 0

    def build(self) -> Value | None:
        """Build the only document of the text."""
        root: Value | None = None
        documents = 0
        while (event := self._loader.get_event()) is not None:
            place = _place(event.start_mark)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise finding(place, "A second document begins here: give each a file of its own.")
            elif isinstance(event, yaml.CollectionStartEvent):
                if len(self._open) >= MAX_DEPTH:
                    raise self._too_deep(place)
                mapping = isinstance(event, yaml.MappingStartEvent)
                self._open.append(_Open(place, self._container_tag(event, place), event.anchor, mapping))
            elif (value := self._value(event, place)) is not None:
                self._values += 1
                if self._values > MAX_VALUES:
                    raise finding(place, _TOO_MANY)
                if self._open:
                    self._open[-1].children.append(value)
                else:
                    root = value
        return None if root is None or root.content is None else root

    def _value(self, event: Any, place: Place) -> Value | None:
        """The value that ends with an event, None if there is none."""
        anchor: str | None = None
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise finding(place, f"The alias *{event.anchor} names no anchor that is complete above it.")
            return self._anchors[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            anchor, value = event.anchor, self._scalar(event, place)
        elif isinstance(event, yaml.CollectionEndEvent):
            opened = self._open.pop()
            anchor, value = opened.anchor, self._container(opened)
        else:
            return None
        if anchor is not None:
            self._anchors[anchor] = value
        return value

    def _scalar(self, event: Any, place: Place) -> Value:
        tag = event.tag
        if tag is None or tag == "!":
            beginning = event.value[: _LONGEST_NUMBER + 1]
            tag = self._loader.resolve(yaml.ScalarNode, beginning, event.implicit)
        if tag == _MERGE:
            return Value(*place, event.value, _MERGE)
        within = self._open[-1] if self._open else None
        is_key = within is not None and within.mapping and len(within.children) % 2 == 0
        if tag in _AS_TEXT or (is_key and tag in _KINDS):
            return Value(*place, event.value)
        if tag not in _KINDS:
            return Value(*place, event.value, self._known(tag, place))
        try:
            if len(event.value) > _LONGEST_NUMBER:
                raise ValueError
            content = getattr(self._loader, _KINDS[tag])(yaml.ScalarNode(tag, event.value))
        except OverflowError:
            # A float in base 60, such as 1:30.5, with many digits.
            content = math.inf
        except (ValueError, KeyError, IndexError) as error:
            raise finding(place, f"{event.value[:50]!r} is not of the type of its tag.") from error
        if (isinstance(content, float) and not math.isfinite(content)) or (
            isinstance(content, int) and not -(2**63) <= content < 2**63
        ):
            raise finding(place, "A number must be finite, and an integer must fit into 64 bits.")
        return Value(*place, content)

    def _container_tag(self, event: Any, place: Place) -> str | None:
        return None if event.tag is None or event.tag in _CONTAINERS else self._known(event.tag, place)

    def _known(self, tag: str, place: Place) -> str:
        if (objection := self._objection(tag)) is not None:
            if self._rejected is None or len(self._rejected) > MAX_FINDINGS:
                raise finding(place, objection)
            self._rejected.append(BlueprintFinding(place, objection))
        # A directive expands a short tag to any length.
        return shortened(tag, MAX_NAME)

    def _container(self, opened: _Open) -> Value:
        """A list or a mapping with its children."""
        size = 1 + sum(child.size for child in opened.children)
        depth = 1 + max((child.depth for child in opened.children), default=0)
        if size > MAX_VALUES:
            raise finding(opened.place, _TOO_MANY)
        if depth > MAX_DEPTH:
            raise self._too_deep(opened.place)
        content = _mapping(opened.children) if opened.mapping else opened.children
        return Value(*opened.place, content, opened.tag, size, depth)

    def _too_deep(self, place: Place) -> BlueprintError:
        return finding(place, f"Values are nested more than {MAX_DEPTH} levels deep.")


def _mapping(children: list[Value]) -> dict[str, Value]:
    """A mapping from keys and values. Explicit keys override those merged by `<<`."""
    written: dict[str, Value] = {}
    sources: list[dict[str, Value]] = []
    for key, value in zip(children[::2], children[1::2], strict=True):
        if key.tag == _MERGE:
            for source in value.content if isinstance(value.content, list) else [value]:
                if not isinstance(source.content, dict):
                    raise finding(source.place, "Only mappings can be merged.")
                sources.append(source.content)
        elif key.tag is not None or not isinstance(key.content, str):
            raise finding(key.place, "A key must be plain text.")
        else:
            if key.content in written:
                raise finding(key.place, f"The key {key.content!r} is a duplicate.")
            written[key.content] = value
    merged: dict[str, Value] = {}
    # The first of several merged mappings takes precedence.
    for content in reversed(sources):
        merged |= content
    return merged | written
