"""What handlers get and answer, beside plain JSON values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple


class StoredObject(NamedTuple):
    """An object as it is stored, not shaped yet. Two are equal if their answers are, so that an answer can be remembered by its
    whole content: it is never a stale one.

    :param row: every value that the answer depends on
    :param shape: a pure function from the row to the object of the contract
    """

    row: tuple[Any, ...]
    shape: Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class File:
    """A file that is downloaded.

    :param content: its bytes
    :param media_type: one of those that the contract has for the answer; None for the first
    :param filename: the name to save it by; None to leave that to the client
    """

    content: bytes
    media_type: str | None = None
    filename: str | None = None


class Upload(NamedTuple):
    """A file that a client has sent.

    :param filename: the name that it gave, without folders
    :param media_type: what it says the file is, in small letters and without parameters
    :param content: the bytes
    """

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, and how: what a handler gets as `request`, if it asks for that.

    :param name: the name of the token, empty if there is none
    :param superuser: whether every permission is given
    :param permissions: the permissions that are given
    :param base_url: scheme and host as the client sees them, without a slash at the end
    """

    name: str
    superuser: bool
    permissions: frozenset[str]
    base_url: str

    def may(self, permission: str) -> bool:
        """Whether a permission is given."""
        return self.superuser or permission in self.permissions
