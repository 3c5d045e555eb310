"""The locations of all parts of a document, packed: a server locates the rules behind error responses without parsing files."""

from array import array
from typing import Any, NamedTuple

from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Location


class PackedLocations(NamedTuple):
    """The locations of a document's parts, in the order of the document.

    :param files: the names of the files
    :param places: the index of the file, line and column of each part
    :param sizes: the number of parts of each part, including itself
    """

    files: tuple[str, ...]
    places: bytes
    sizes: bytes


class Locations:
    """Locator of the parts of a document.

    :param document: the document
    """

    def __init__(self, document: Any, packed: PackedLocations) -> None:
        self._document = document
        self._files = packed.files
        self._places = array("I", packed.places)
        self._sizes = array("I", packed.sizes)

    def locate(self, pointer: Pointer) -> Location:
        """Locate a part, or its nearest ancestor if it is missing."""
        part, number = self._document, 0
        for key in pointer:
            keys = part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
            if key not in keys:
                break
            number += 1
            for earlier in keys:
                if earlier == key:
                    break
                number += self._sizes[number]
            part = part[key]
        file, line, column = self._places[3 * number : 3 * number + 3]
        return Location(self._files[file], line, column)


def packed(contract: Contract) -> PackedLocations:
    """Pack the locations of a contract's parts."""
    files = {name: index for index, name in enumerate(contract.texts)}
    places, sizes = array("I"), array("I")

    def pack(part: Any, pointer: Pointer) -> None:
        location, number = contract.locate(pointer), len(sizes)
        places.extend((files[location.file], location.line, location.column))
        sizes.append(0)
        for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
            pack(value, (*pointer, key))
        sizes[number] = len(sizes) - number

    pack(contract.document, ())
    return PackedLocations(tuple(files), places.tobytes(), sizes.tobytes())
