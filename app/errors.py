"""What can go wrong in the domain. No HTTP here: `contract/` decides how each is answered."""

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """Base of the errors that handlers and the store raise on purpose."""


class NotFound(DomainError):
    """The object that a request names does not exist, or does not match its filters."""


class PageNotFound(NotFound):
    """The page that a request asks for lies outside the pages there are."""


class Invalid(DomainError):
    """What is sent breaks the contract, or a rule that no schema states.

    :param messages: what is wrong by property, or under `non_field_errors`, as it is answered
    """

    def __init__(self, messages: Mapping[str, Any]) -> None:
        super().__init__(messages)
        self.messages = messages


class NotUnique(DomainError):
    """Another object has the value already.

    :param property_name: name of the property, as in the contract; of all properties that together are taken already
    """

    def __init__(self, property_name: str | tuple[str, ...]) -> None:
        super().__init__(property_name)
        self.property_name = property_name


class DanglingReference(DomainError):
    """References lead to objects that there are not.

    :param values: the identity that was given, by property; of an array the first one that dangles
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.values = values


class InvalidChoice(DomainError):
    """A filter names an object that there is not.

    :param property_name: the property that is filtered by
    :param value: the identity that was given; of several the first one that dangles
    """

    def __init__(self, property_name: str, value: Any) -> None:
        super().__init__(property_name, value)
        self.property_name = property_name
        self.value = value


class Rejected(DomainError):
    """What is sent can't be carried out, and the response that says why has a form of its own.

    :param result: the response, as the contract has it
    """

    def __init__(self, result: Any) -> None:
        super().__init__(result)
        self.result = result


class Unavailable(DomainError):
    """The database does not answer, or not in time."""


class SerializationFailure(Unavailable):
    """Nothing was changed, and the same may well succeed if it is tried again at once."""


class Locked(Unavailable):
    """Another connection has the database locked. Nothing was changed, and the same may well succeed once it is unlocked.

    :param write: whether it is the lock of those who write
    """

    def __init__(self, reason: str, *, write: bool = False) -> None:
        super().__init__(reason)
        self.write = write


class Unfit(Unavailable):
    """The database answers, but can't be used as it is set up. The message says why, and what to do."""


class StoreUnusable(DomainError):
    """A store, or a backup of one, can't be used as it is. The message says why, and what to do."""


class Damaged(StoreUnusable):
    """A file has not what was written to it."""
