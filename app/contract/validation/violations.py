"""Violations of a schema by an instance, found in bounded time.

The validator finds all violations, and copies the value for each: the time grows with the square of a large instance. So it gets
an excerpt, and violations caused only by the excerpt are left out.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from jsonschema_rs import ValidationError, Validator

MOST = 100
"""The largest number of reported violations."""

MOST_VALUES = 250
"""The largest number of values of an instance that are validated."""

# Levels of an excerpt. The limit of the validator itself is hardly higher.
_DEPTH = 200

T = TypeVar("T")
_Path = tuple[str | int, ...]


class Violations(NamedTuple):
    """Some of the violations of an instance.

    :param errors: at least one
    :param complete: whether there are no others
    """

    errors: list[ValidationError]
    complete: bool


def violations(validator: Validator, instance: Any, properties: Collection[str] = ()) -> Violations:
    """Find violations of an invalid instance.

    :param properties: the properties of the instance, if it is an object, that a rule may restrict
    :raises ValueError: it is nested too deeply
    """
    excerpt = _Excerpt(instance, properties)
    found = [error for error in validator.iter_errors(excerpt.value) if excerpt.is_complete(error)]
    if not found:
        # The violation is beyond the excerpt: find only the first one.
        try:
            validator.validate(_reduced(instance, properties))
        except ValidationError as error:
            found = [error]
    return Violations(found[:MOST], excerpt.complete and len(found) <= MOST)


class _Excerpt:
    """An excerpt of an instance, its first values.

    `value` is the excerpt; each value in it has the same pointer as in the instance. It is `complete` if it has all values that a
    rule may restrict.
    """

    def __init__(self, instance: Any, properties: Collection[str]) -> None:
        self._left = MOST_VALUES
        self._cut: set[_Path] = set()
        if isinstance(instance, dict):
            self.value = {name: self._of(instance[name], (name,)) for name in properties if name in instance}
        else:
            self.value = self._of(instance, ())
        self.complete = not self._cut
        if isinstance(instance, dict):
            others = list(islice((name for name in instance if name not in properties), self._left))
            self.value |= {name: self._of(instance[name], (name,)) for name in others}
        self._doubtful = {path[:length] for path in self._cut for length in range(len(path) + 1)}

    def is_complete(self, error: ValidationError) -> bool:
        """Whether an error in the excerpt is an error in the instance as well."""
        path = tuple(error.instance_path)
        if path not in self._doubtful or error.kind.name == "type":
            return True
        return error.kind.name == "required" and path not in self._cut

    def _of(self, value: Any, path: _Path) -> Any:
        if isinstance(value, list):
            return [self._of(item, (*path, index)) for index, item in enumerate(self._taken(value, value, path))]
        if isinstance(value, dict):
            return {key: self._of(item, (*path, key)) for key, item in self._taken(value, value.items(), path)}
        return value

    def _taken(self, container: Collection[Any], values: Iterable[T], path: _Path) -> Iterator[T]:
        """Iterate over the values of a container within the excerpt; the caller takes the contents of each before the next."""
        if len(path) > _DEPTH:
            raise ValueError("The instance is nested too deeply.")
        taken = 0
        for value in values:
            if self._left <= 0:
                break
            self._left -= 1
            taken += 1
            yield value
        if taken < len(container):
            self._cut.add(path)


def _reduced(instance: Any, properties: Collection[str]) -> Any:
    """An instance without the properties that no rule restricts."""
    if not isinstance(instance, dict):
        return instance
    return {name: instance[name] for name in properties if name in instance}
