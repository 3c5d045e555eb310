"""Errors of the domain. They are independent of HTTP: `contract/` maps each to a response."""

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """Base class of the intended errors of handlers and the store."""


class NotFound(DomainError):
    """The requested object does not exist, or does not match the filters."""


class PageNotFound(NotFound):
    """The requested page is outside of the list."""


class Forbidden(DomainError):
    """The caller may not make this change."""


class Invalid(DomainError):
    """The input violates the contract, or a rule that no schema expresses.

    :param messages: by property, or under `non_field_errors`, as in the response
    """

    def __init__(self, messages: Mapping[str, Any]) -> None:
        super().__init__(messages)
        self.messages = messages


class Unreadable(DomainError):
    """The body of a request can't be read: its media type or its syntax is wrong."""


class NotUnique(DomainError):
    """The value is taken by another object.

    :param property_name: name of the property, as in the contract; of all properties that are unique together
    """

    def __init__(self, property_name: str | tuple[str, ...]) -> None:
        super().__init__(property_name)
        self.property_name = property_name


class DanglingReference(DomainError):
    """References to objects that do not exist.

    :param values: the given identifier, by property; of an array the first dangling one
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.values = values


class InvalidChoice(DomainError):
    """The value of a filter refers to an object that does not exist.

    :param property_name: the filtered property
    :param value: the given identifier; of several the first dangling one
    """

    def __init__(self, property_name: str, value: Any) -> None:
        super().__init__(property_name, value)
        self.property_name = property_name
        self.value = value


class Rejected(DomainError):
    """A request that can't be served, with an error response of its own format.

    :param result: the response, as in the contract
    """

    def __init__(self, result: Any) -> None:
        super().__init__(result)
        self.result = result


class Unavailable(DomainError):
    """The database does not respond, or not in time."""


class SerializationFailure(Unavailable):
    """A conflict with another transaction. Nothing was changed, and the transaction can be retried at once."""


class Locked(Unavailable):
    """Another connection has locked the database. Nothing was changed, and the transaction can be retried after the unlock.

    :param write: whether it is the lock of writers
    """

    def __init__(self, reason: str, *, write: bool = False) -> None:
        super().__init__(reason)
        self.write = write


class Unfit(Unavailable):
    """The database responds, but its setup is unsuitable. The message gives the reason and the remedy."""


class StoreUnusable(DomainError):
    """A store or a backup can't be used as it is. The message gives the reason and the remedy."""


class Damaged(StoreUnusable):
    """The content of a file is corrupt."""
