"""The effects of an upgrade on a client."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from app.review.causes import Cause


class Kind(Enum):
    """The kind of an effect, the most severe first."""

    REFUSED = auto()
    IGNORED = auto()
    GONE = auto()
    UNKNOWN = auto()
    CHANGED = auto()
    NEW = auto()


@dataclass(frozen=True)
class Effect:
    """An effect on the calls of one operation.

    :param kind: its kind
    :param operation: the operationId
    :param property: the affected property or parameter, with the way to it; empty for the whole
    :param what: one clause
    :param breaks: whether the client may fail
    :param causes: the actions of overlays that made it
    :param requests: the names of the affected requests
    """

    kind: Kind
    operation: str
    property: str
    what: str
    breaks: bool
    causes: tuple[Cause, ...] = ()
    requests: list[str] = field(default_factory=list, compare=False)


@dataclass(frozen=True)
class Group:
    """The same effect on the calls of several operations.

    :param kind: its kind
    :param subject: the affected property or parameter, with the way to it in the first operation; empty for the whole
    :param what: one clause
    :param breaks: whether the client may fail
    :param causes: the actions of overlays that made it
    :param operations: the operationIds
    :param requests: the names of the affected requests
    """

    kind: Kind
    subject: str
    what: str
    breaks: bool
    causes: tuple[Cause, ...]
    operations: tuple[str, ...]
    requests: tuple[str, ...]

    def __str__(self) -> str:
        """The effect in one clause."""
        if self.kind is Kind.REFUSED:
            return f"refused{f' for `{self.subject}`' if self.subject else ''}: {self.what}"
        return f"{f'`{self.subject}`' if self.subject else 'the response'} {self.what}"


@dataclass(frozen=True)
class Result:
    """The effects of an upgrade on the calls of a recording.

    :param old: the older version
    :param new: the newer version
    :param compared: the number of requests with comparable responses
    :param operations: the number of operations that these call
    :param effects: the effects, by operation
    :param left_out: the reasons why requests were not compared, a sentence each
    """

    old: str
    new: str
    compared: int
    operations: int
    effects: tuple[Effect, ...]
    left_out: tuple[str, ...]

    @property
    def broken(self) -> list[Effect]:
        """The effects that may break the client."""
        return [effect for effect in self.effects if effect.breaks]

    @property
    def is_empty(self) -> bool:
        """Whether no request was compared, and nothing breaks without that."""
        return self.compared == 0 and not self.broken

    def groups(self) -> Iterator[Group]:
        """The effects, those of the same property by the same causes together; those that may break the client first."""
        found: dict[Any, list[Effect]] = {}
        for effect in self.effects:
            name = effect.property.rpartition(".")[2]
            found.setdefault((effect.kind, name, effect.what, effect.causes), []).append(effect)
        for (kind, _, what, causes), effects in sorted(found.items(), key=lambda item: list(Kind).index(item[0][0])):
            operations = dict.fromkeys(effect.operation for effect in effects)
            requests = dict.fromkeys(name for effect in effects for name in effect.requests)
            yield Group(kind, effects[0].property, what, effects[0].breaks, causes, tuple(operations), tuple(requests))
