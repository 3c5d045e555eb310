"""Does following a schema come to an end?"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from app.contract.findings import Finding
from app.contract.source import Pointer, Source, parse_reference

# Keywords whose schemas say something of the same value as the schema around them.
_OF_THE_SAME_VALUE = frozenset({"allOf", "anyOf", "oneOf", "not"})
# How many schemas one may be made of, and how many references may lead on from one to the next.
_PARTS, _STEPS = 2_000, 100


def check_circles(source: Source) -> Iterator[Finding]:
    """No schema is made of itself, or of so many others that to look at one value takes long.

    One that holds itself in a property or an item is right: values come to an end.
    """
    walk = _Walk(source)
    # Those into other parts of the document as well.
    for reference in dict.fromkeys(node["$ref"] for _, _, node in source.references()):
        yield from walk.of_one_value(parse_reference(reference), ())
    yield from walk.nested()


class _Walk:
    """Goes from schema to schema.

    :param source: the contract, whose references lead somewhere
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        # How many parts each schema has that was gone through, and what it refers to.
        self._parts: dict[Pointer, int] = {}
        self._referred: dict[Pointer, list[_Reference]] = {}

    def of_one_value(self, pointer: Pointer, around: tuple[Pointer, ...]) -> Iterator[Finding]:
        """What is wrong with the schemas that one is made of.

        :param around: the schemas that are made of this one
        """
        if pointer in self._parts:
            return
        self._parts[pointer] = 1
        referred = self._referred[pointer] = []
        _collect(self._source.at(pointer), pointer, referred, same=True)
        for place, target, same in referred:
            if not same:
                continue
            if target == pointer or target in around:
                problem = f"The schema {target[-1]!r} is made of itself."
                yield self._source.finding((*place, "$ref"), problem, "Refer to another, or put it in a property.")
            elif len(around) >= _STEPS:
                problem = f"More than {_STEPS} schemas are made of one another."
                yield self._source.finding((*place, "$ref"), problem, "Refer to the last of them.")
                return
            else:
                yield from self.of_one_value(target, (*around, pointer))
                self._parts[pointer] += self._parts[target]
                if self._parts[pointer] > _PARTS >= self._parts[target]:
                    problem = f"The schema {pointer[-1]!r} is made of more than {_PARTS} others."
                    yield self._source.finding(pointer, problem, "Make it of fewer.")
                # What is made of it is so because of it.
                self._parts[pointer] = min(self._parts[pointer], _PARTS + 1)

    def nested(self) -> Iterator[Finding]:
        """Whether schemas lie within one another too deeply."""
        seen: set[Pointer] = set()
        for start in list(self._parts):
            waiting: list[tuple[Pointer, int]] = [(start, 0)]
            while waiting:
                pointer, depth = waiting.pop()
                if pointer in seen:
                    continue
                seen.add(pointer)
                if depth > _STEPS:
                    problem = f"Schemas lie within one another more than {_STEPS} levels deep."
                    yield self._source.finding(pointer, problem, "Nest fewer of them.")
                    return
                waiting += [(target, depth + 1) for _, target, _ in self._referred.get(pointer, ())]


class _Reference(NamedTuple):
    """A reference of a schema to another.

    :param place: where it stands
    :param target: where it leads
    :param same: whether both say something of the same value
    """

    place: Pointer
    target: Pointer
    same: bool


def _collect(node: Any, pointer: Pointer, found: list[_Reference], *, same: bool) -> None:
    """The references of a schema to others."""
    if not isinstance(node, dict):
        return
    if isinstance(reference := node.get("$ref"), str):
        found.append(_Reference(pointer, parse_reference(reference), same))
        return
    for keyword in _OF_THE_SAME_VALUE & node.keys():
        inner = node[keyword]
        for index, part in enumerate(inner if isinstance(inner, list) else ()):
            _collect(part, (*pointer, keyword, index), found, same=same)
        _collect(inner, (*pointer, keyword), found, same=same)
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            _collect(node[keyword], (*pointer, keyword), found, same=False)
    if isinstance(members := node.get("properties"), dict):
        for name, member in members.items():
            _collect(member, (*pointer, "properties", name), found, same=False)
