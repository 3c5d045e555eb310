"""Check of the composition of schemas: neither circular nor too large."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from app.contract.document.contract import Contract, Pointer, Source, parse_reference
from app.contract.document.findings import Finding

# Keywords whose subschemas apply to the same value as the schema around them.
_OF_THE_SAME_VALUE = frozenset({"allOf", "anyOf", "oneOf", "not"})
# Limits of the schemas that one is composed of, and of a chain of references.
_PARTS, _STEPS = 2_000, 100


def check_cycles(contract: Contract) -> Iterator[Finding]:
    """Check that no schema is composed of itself, or of so many others that validating one value takes too long.

    A schema may contain itself in a property or an item, because values are finite.
    """
    walk = _Walk(contract)
    for target in walk.targets:
        yield from walk.of_one_value(target, ())
    yield from walk.nested()


class _Reference(NamedTuple):
    """A reference and its location.

    :param pointer: its pointer in the document
    :param within: its pointer in the file
    """

    pointer: Pointer
    target: Pointer
    file: Source
    within: Pointer


class _Walk:
    """Traversal of the references between schemas.

    :param contract: the contract, without dangling references

    `targets` are the targets of the references.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        # By component or operation.
        self._references: defaultdict[Pointer, list[_Reference]] = defaultdict(list)
        parsed: dict[str, Pointer] = {}
        for file, within, node in contract.references():
            reference = node["$ref"]
            target = parsed.get(reference)
            if target is None:
                target = parsed[reference] = parse_reference(reference)
            pointer = within if within[0] in ("paths", "components") else ("components", *within)
            self._references[pointer[:3]].append(_Reference(pointer, target, file, within))
        self.targets = tuple(parsed.values())
        # The parts of each visited schema, and its longest chain of references.
        self._parts: dict[Pointer, int] = {}
        self._heights: dict[Pointer, int] = {}

    def of_one_value(self, pointer: Pointer, around: tuple[Pointer, ...]) -> Iterator[Finding]:
        """Check the composition of one schema.

        :param around: the schemas that are composed of this one
        """
        if pointer in self._parts:
            return
        self._parts[pointer], self._heights[pointer] = 1, 0
        depth = len(pointer)
        for reference in self._references.get(pointer[:3], ()):
            if not (reference.pointer[:depth] == pointer and _is_same(reference.pointer[depth:])):
                continue
            target = reference.target
            if target == pointer or target in around:
                yield _found(reference, f"The schema {target[-1]!r} is composed of itself.", _APART)
            elif len(around) >= _STEPS:
                yield _found(reference, _TOO_LONG, _APART)
                return
            else:
                yield from self.of_one_value(target, (*around, pointer))
                height = self._heights[target] + 1
                if height > _STEPS:
                    # Independent of the order of declaration.
                    yield _found(reference, _TOO_LONG, _APART)
                    height = 0
                self._heights[pointer] = max(self._heights[pointer], height)
                self._parts[pointer] += self._parts[target]
                if self._parts[pointer] > _PARTS >= self._parts[target]:
                    problem = f"The schema {pointer[-1]!r} is composed of more than {_PARTS} others."
                    yield self._contract.finding(pointer, problem, "Use fewer.")
                # Schemas composed of this one are too large only because of it.
                self._parts[pointer] = min(self._parts[pointer], _PARTS + 1)

    def nested(self) -> Iterator[Finding]:
        """Check how deeply schemas are nested, in any order of declaration."""
        heights: dict[Pointer, int] = {}
        for start in self.targets:
            # Depth first; a schema that contains itself counts once.
            path = [(start[:3], self._targets(start[:3]))] if start[:3] not in heights else []
            while path:
                pointer, targets = path[-1]
                heights.setdefault(pointer, 0)
                target = next(targets, None)
                if target is not None:
                    if target not in heights:
                        path.append((target, self._targets(target)))
                    else:
                        heights[pointer] = max(heights[pointer], heights[target] + 1)
                    continue
                path.pop()
                if heights[pointer] > _STEPS:
                    problem = f"Schemas are nested more than {_STEPS} levels deep."
                    yield self._contract.finding(pointer, problem, "Nest fewer of them.")
                    return
                if path:
                    heights[path[-1][0]] = max(heights[path[-1][0]], heights[pointer] + 1)

    def _targets(self, pointer: Pointer) -> Iterator[Pointer]:
        return (reference.target[:3] for reference in self._references.get(pointer, ()))


_TOO_LONG = f"More than {_STEPS} schemas are composed of one another."
_APART = "Refer to another, or put it in a property."


def _is_same(path: Pointer) -> bool:
    """Whether a path within a schema stays at the same value."""
    return all(isinstance(key, int) or key in _OF_THE_SAME_VALUE for key in path)


def _found(reference: _Reference, problem: str, remedy: str) -> Finding:
    place = (*reference.within, "$ref")
    return Finding(reference.file.locate(place), problem, remedy)
