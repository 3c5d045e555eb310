"""From a path to the plans that serve it, without regular expressions.

Literal segments go before parameters (OpenAPI 3.0.3, "Path Templating Matching"): `/flows/instances/cache_info/` is never taken
for a flow of that slug.
"""

from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Router(Generic[T]):
    """A tree of path segments.

    A parameter takes any text without `/` and `.` that is not empty: authentik's routes have it so (recorded:
    `retrieve.path.*`).
    """

    def __init__(self) -> None:
        self._root = _Node[T]()

    def add(self, template: str, target: T) -> None:
        """Let a path template lead to a target."""
        node, names = self._root, []
        for segment in template.split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        node.target, node.names = target, tuple(names)

    def find(self, path: str) -> tuple[T, dict[str, Any]] | None:
        """The target of a path and the values of its parameters, or None."""
        values: list[str] = []
        node = _descend(self._root, path.split("/"), 1, values)
        if node is None or node.target is None:
            return None
        return node.target, dict(zip(node.names, values, strict=True))


class _Node(Generic[T]):
    __slots__ = ("literals", "names", "parameter", "target")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.parameter: _Node[T] | None = None
        self.target: T | None = None
        self.names: tuple[str, ...] = ()


def _descend(node: _Node[T], segments: list[str], index: int, values: list[str]) -> _Node[T] | None:
    """The node that the segments from an index lead to; a literal that leads nowhere gives way to the parameter."""
    if index == len(segments):
        return node if node.target is not None else None
    segment = segments[index]
    literal = node.literals.get(segment)
    if literal is not None and (found := _descend(literal, segments, index + 1, values)) is not None:
        return found
    if node.parameter is None or not segment or "." in segment:
        return None
    values.append(segment)
    found = _descend(node.parameter, segments, index + 1, values)
    if found is None:
        values.pop()
    return found
