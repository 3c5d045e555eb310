"""Router: from a path to its plans, without regular expressions.

Literal segments take precedence over parameters (OpenAPI 3.0.3, "Path Templating Matching"): `/flows/instances/cache_info/` is
never matched as a flow with that slug.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from app.caches import bounded_cache

T = TypeVar("T")
ReadValues = Callable[[Mapping[str, str]], Mapping[str, Any] | None]

# How many matched paths are cached, and how long these are at most.
_CACHED_PATHS = 1024
_CACHED_LENGTH = 256


class Router(Generic[T]):
    """Path templates by shape: the number of segments, and which of them are parameters. A path is looked up once per shape of
    its length, of which there are few, regardless of the number of templates.

    A parameter matches any text without `/` and `.` that is not empty, as in authentik's routes (recorded:
    `retrieve.path.*`).
    """

    def __init__(self) -> None:
        self._representations: dict[int, list[_Shape[T]]] = defaultdict(list)
        self._found_before = bounded_cache(_CACHED_PATHS)(self._find)

    def add(self, template: str, target: T, read: ReadValues = dict) -> None:
        """Add a path template and its target.

        :param read: converts the values of its parameters, once per cached path
        """
        self.add_later(template, lambda: (target, read))

    def add_later(self, template: str, make: Callable[[], tuple[T, ReadValues]]) -> None:
        """Add a path template whose target is made when it is found first.

        :param make: makes the target, and the function that converts the values of the parameters
        """
        segments = template.split("/")
        is_parameter = tuple(segment.startswith("{") for segment in segments)
        shapes = self._representations[len(segments)]
        shape = next((shape for shape in shapes if shape.is_parameter == is_parameter), None)
        if shape is None:
            shape = _Shape(is_parameter)
            shapes.append(shape)
            # The template with the first literal from the left takes precedence.
            shapes.sort(key=lambda shape: shape.is_parameter)
        names = tuple(segments[index][1:-1] for index in shape.parameters)
        shape.targets[shape.literals(segments)] = _Unmade(make), names, dict

    def find(self, path: str) -> tuple[T, Mapping[str, Any] | None] | None:
        """The target of a path and its converted parameters, which may not be changed, or None."""
        return self._found_before(path) if len(path) <= _CACHED_LENGTH else self._find(path)

    def _find(self, path: str) -> tuple[T, Mapping[str, Any] | None] | None:
        segments = path.split("/")
        for shape in self._representations.get(len(segments), ()):
            found = shape.targets.get(literals := shape.literals(segments))
            if found is None:
                continue
            target, names, read = found
            values: dict[str, str] = {}
            for name, index in zip(names, shape.parameters, strict=True):
                value = segments[index]
                if not value or "." in value:
                    break
                values[name] = value
            else:
                if isinstance(target, _Unmade):
                    target, read = target.make()
                    shape.targets[literals] = target, names, read
                return target, read(values)
        return None


class _Unmade(NamedTuple, Generic[T]):
    """A target that no path has matched yet."""

    make: Callable[[], tuple[T, ReadValues]]


class _Shape(Generic[T]):
    """Templates with parameters at the same positions.

    `literals` gives the other segments of a path, which distinguish these templates.
    """

    def __init__(self, is_parameter: tuple[bool, ...]) -> None:
        self.is_parameter = is_parameter
        self.parameters = tuple(index for index, parameter in enumerate(is_parameter) if parameter)
        self.literals = itemgetter(*(index for index, parameter in enumerate(is_parameter) if not parameter))
        self.targets: dict[Any, tuple[T | _Unmade[T], tuple[str, ...], ReadValues]] = {}
