"""Cache of contracts that have passed the checks: a start neither parses nor checks them again.

It saves a quarter of the time of a start (docs/performance.md). To remove it, let `application.load_contract` call
`checks.load` alone.

An entry is a file: a digest of its content, and the content. It is valid for the exact bytes of the contract's files,
and for the code of this package and of all installed ones.
"""

import contextlib
import hashlib
import marshal
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import jsonschema_rs

from app.contract.checks.drafts import Draft
from app.contract.document.bundling import shown_name
from app.contract.document.contract import Contract, File, Pointer, Source
from app.contract.document.findings import Location
from app.contract.document.locations import Locations, PackedLocations, packed
from app.contract.document.overlays import FOLDER
from app.contract.document.versions import read
from app.contract.document.yaml_file import FileMemory, parse, resolved

# How many contracts are cached, of some 900 KB each.
_MOST = 20

_DIGEST = hashlib.sha256().digest_size
_ENTRY = re.compile(r"[0-9a-f]{64}")
_PACKAGE, _VALIDATOR = Path(__file__).parents[2], Path(jsonschema_rs.__file__)
# Folders beside a package that installers name by package and version.
_INSTALLED = (".dist-info", ".egg-info")


class CheckedContract(Contract):
    """A cached contract. Its files are parsed only for findings.

    :param files: its files, without their documents
    :param document: the bundled document
    :param locations: the locations of its parts
    :param parse: parses the files
    """

    def __init__(
        self, files: tuple[File, ...], document: dict[str, Any], locations: Locations, parse: Callable[[], Contract]
    ) -> None:
        super().__init__(files, document, {})
        self._locations = locations
        self._parse = parse

    def locate(self, pointer: Pointer) -> Location:
        """See `Contract`."""
        return self._locations.locate(pointer)

    def references(self) -> Iterator[tuple[Source, Pointer, dict[str, Any]]]:
        """See `Contract`."""
        return self._parsed.references()

    def origin(self, pointer: Pointer) -> tuple[File, Pointer]:
        """See `Contract`."""
        return self._parsed.origin(pointer)

    @cached_property
    def _parsed(self) -> Contract:
        return self._parse()


def load(path: Path, folder: Path, check: Callable[[Draft], Contract], version: str | None = None) -> Contract:
    """Load a contract from the cache, or check and cache it.

    :param path: the root file of the contract
    :param folder: the folder of the cache; it is created if it is missing
    :param check: loads and checks the contract
    :param version: the name of its version; None for that of the root
    :raises ContractError: it can't be served
    """
    known = find(path, folder, version)
    if known is not None:
        return known
    draft = Draft()
    contract = check(draft)
    # If the folder can't be written to, or a value can't be cached, only the next start takes longer.
    with contextlib.suppress(OSError, ValueError):
        _put(_entry(path, folder, version), contract, draft.files)
        # It takes less memory than the one that was parsed and checked.
        return find(path, folder, version) or contract
    return contract


def find(path: Path, folder: Path, version: str | None = None) -> Contract | None:
    """The contract in the cache; None if it is not there, or has changed. The arguments are those of `load`."""
    entry = _entry(path, folder, version)
    with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
        if _is_private(folder, stat.S_ISDIR) and _is_private(entry, stat.S_ISREG):
            return _get(entry, path, shown_name(path), version)
    return None


def default_folder(environment: Mapping[str, str]) -> Path | None:
    """The cache folder of the user (XDG Base Directory Specification); None if there is none.

    :param environment: the environment variables
    """
    given = environment.get("XDG_CACHE_HOME", "")
    if Path(given).is_absolute():
        return Path(given, "flows-server")
    home = environment.get("HOME", "")
    return Path(home, ".cache", "flows-server") if Path(home).is_absolute() else None


def _entry(path: Path, folder: Path, version: str | None) -> Path:
    named = f"{path.absolute()}\0{shown_name(path)}\0{version or ''}\0{_overlays(path)}"
    return folder / hashlib.sha256(named.encode()).hexdigest()


def _get(entry: Path, path: Path, name: str, version: str | None) -> Contract | None:
    stored = entry.read_bytes()
    digest, content = stored[:_DIGEST], stored[_DIGEST:]
    # `marshal` may crash on damaged data.
    if hashlib.sha256(content).digest() != digest:
        return None
    code, targets, kept, document, locations = marshal.loads(content)  # noqa: S302  # a file of this user alone
    if code != _CODE or any(str(resolved(Path(link))) != target for link, target in targets.items()):
        return None
    texts = {}
    for file, _, digest in kept:
        texts[Path(file)] = text = Path(file).read_bytes()
        if hashlib.sha256(text).digest() != digest:
            return None
    files = tuple(File(Path(file), called, texts[Path(file)], {}, dict) for file, called, _ in kept)

    def parsed(file: Path, called: str, beginning: str) -> File:
        return parse(file, called, texts[file], beginning)

    def target_of(link: Path) -> Path:
        return Path(targets[str(link)])

    located = Locations(document, PackedLocations(*locations))
    return CheckedContract(files, document, located, partial(read, path, version, name, parsed, target_of))


def _put(entry: Path, contract: Contract, files: FileMemory) -> None:
    """Write an entry atomically, and delete the oldest. :raises OSError: it can't be written, or the folder is not private"""
    texts, targets = files.read_so_far()
    if set(contract.files) != texts.keys():
        return
    names = dict(zip(contract.files, contract.texts, strict=True))
    kept = [(str(file), names[file], hashlib.sha256(texts[file]).digest()) for file in contract.files]
    links = {str(link): str(target) for link, target in targets.items()}
    content = marshal.dumps((_CODE, links, kept, contract.document, tuple(packed(contract))))
    entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_private(entry.parent, stat.S_ISDIR):
        raise PermissionError(entry.parent)
    handle, temporary = tempfile.mkstemp(dir=entry.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(content).digest() + content)
        Path(temporary).replace(entry)
    except BaseException:
        Path(temporary).unlink()
        raise
    entries = [file for file in entry.parent.iterdir() if _ENTRY.fullmatch(file.name)]
    for old in sorted(entries, key=lambda file: file.lstat().st_mtime_ns)[:-_MOST]:
        old.unlink()


def _overlays(path: Path) -> str:
    """A digest of all overlays, and of the files that they may refer to: a start checks them with the contract."""
    digest = hashlib.sha256()
    folder = path.resolve().parent
    for file in sorted(folder.rglob("*.yaml")) if (folder / FOLDER).is_dir() else ():
        with contextlib.suppress(OSError):
            digest.update(f"{file.relative_to(folder)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _is_private(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Whether a path is a file or folder, not a link, that only this user can write to. :param is_kind: the test of its mode"""
    found = path.lstat()
    return is_kind(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _code() -> str:
    """A digest of the code that checks contracts: this package, the installed ones and Python.

    Size and time stand for each file.
    """
    files = [str(_VALIDATOR)]
    for folder, _, names in os.walk(_PACKAGE):
        files += [f"{folder}/{name}" for name in names if name.endswith((".py", ".json"))]
    files += [str(file) for file in _VALIDATOR.parents[1].iterdir() if file.name.endswith(_INSTALLED)]
    stated = [(file, (found := Path(file).stat()).st_size, found.st_mtime_ns) for file in sorted(files)]
    return hashlib.sha256(repr((stated, sys.version)).encode()).hexdigest()


# Of the code that was imported: it may change on disk while the server starts.
_CODE = _code()
