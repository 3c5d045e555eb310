"""Places of the parts of a contract in its files, with the URLs of their pages."""

from dataclasses import dataclass
from pathlib import PurePath

from flask import url_for

from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Location


@dataclass(frozen=True)
class Place:
    """A place on a page.

    :param text: file, line and column
    :param address: the URL of the line on the page of its file
    """

    text: str
    address: str


def place_of(contract: Contract, pointer: Pointer) -> Place:
    """The place of a part."""
    return shown(contract, contract.locate(pointer))


def shown(contract: Contract, location: Location) -> Place:
    """A location as a place on a page."""
    page = url_for("contract.file", path=path_of(contract, location.file))
    return Place(contract.public(str(location)), f"{page}#L{location.line}")


def place_at(contract: Contract, text: str) -> Place:
    """The place with a text, as `Contract.public` gives it. A file that the contract does not have any more has no page."""
    name, line, _ = text.rsplit(":", 2)
    for known in contract.texts:
        if contract.public(known) == name:
            return Place(text, f"{url_for('contract.file', path=path_of(contract, known))}#L{line}")
    return Place(text, url_for("contract.overview"))


def path_of(contract: Contract, name: str) -> str:
    """The path of a file from the folder of the contract.

    :param name: as in messages
    """
    return PurePath(name).relative_to(PurePath(contract.name).parent).as_posix()
