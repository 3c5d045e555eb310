"""The base of a comparison: a contract in a file or in git."""

import io
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from app.contract.checks.document import check_references, check_structure
from app.contract.document.bundling import read
from app.contract.document.contract import Contract
from app.contract.document.findings import ContractError, Finding
from app.contract.document.overlays import is_version, version_named
from app.contract.document.versions import UnknownVersion
from app.contract.document.versions import read as read_version

# Possible names of the main branch, the remote one first.
_MAIN_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


class NoBase(Exception):
    """There is no base. The message gives the reason and the remedy."""


@contextmanager
def base_contract(base: str | None, contract: Path) -> Iterator[tuple[Contract, Sequence[Finding]]]:
    """The base of a comparison, as a context manager, with its findings.

    A base with findings is compared nevertheless, if they allow it: it is released, and can't be corrected any more.

    :param base: a file, a version of the contract, or a git revision, followed by `:PATH` if the contract had another path;
        default: the commit where the branch left the main branch
    :param contract: the proposed contract
    :raises NoBase: there is none, or it is the proposed contract itself
    :raises ContractError: it is invalid
    """
    if base is not None and Path(base).is_file():
        if contract.exists() and Path(base).samefile(contract):
            raise NoBase(f"{base}: that is the contract itself; leave it out, or name a revision such as `main`.")
        with _tolerant(read(Path(base))) as found:
            yield found
        return
    if base is not None and (version := _version(contract, base)) is not None:
        with _tolerant(version) as found:
            yield found
        return
    folder = contract.resolve().parent
    revision, _, path = (base or _branching_point(folder)).partition(":")
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise NoBase(f"{revision!r} is neither a file nor a revision of git. {_remedy(folder, 'Give one of these.')}")
    at = PurePosixPath(path or _line(folder, "rev-parse", "--show-prefix") + contract.name)
    tree = f"{_text(commit)}:{'' if at.parent == PurePosixPath() else at.parent}"
    archive = _git(Path(_line(folder, "rev-parse", "--show-toplevel")), "archive", "--format=zip", tree)
    with tempfile.TemporaryDirectory(prefix="flows-diff-") as unpacked:
        root = Path(unpacked) / at.name
        if archive is not None:
            with zipfile.ZipFile(io.BytesIO(archive)) as files:
                files.extractall(unpacked)
        if not root.exists():
            raise NoBase(f"{revision} has no {at}. Name it: {revision}:PATH.")
        # In the syntax of `git show`; messages name the further files after it.
        name = f"{revision}:{at}" if at.parent != PurePosixPath() else f"{revision}:./{at}"
        with _tolerant(read(root, name)) as found:
            yield found


def _version(path: Path, name: str) -> Contract | None:
    """A version of a contract; None if there is none of this name."""
    if not is_version(version_named(name)):
        return None
    try:
        return read_version(path, name)
    except UnknownVersion:
        return None


@contextmanager
def _tolerant(contract: Contract) -> Iterator[tuple[Contract, Sequence[Finding]]]:
    """A contract with the findings in its structure. :raises ContractError: they prevent a comparison"""
    try:
        usable(contract)
        breaches: Sequence[Finding] = ()
    except ContractError as error:
        breaches = error.findings
        is_known = str(contract.document.get("openapi")).startswith("3.0.") and isinstance(
            contract.document.get("paths"), dict
        )
        if not is_known or list(check_references(contract)):
            raise
    try:
        yield contract, breaches
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if breaches:
            raise ContractError(breaches) from error
        raise


def usable(contract: Contract) -> Contract:
    """Check that a contract can be compared: it is valid OpenAPI, without dangling references.

    :raises ContractError: it is not
    """
    if findings := list(check_references(contract)) or list(check_structure(contract)):
        raise ContractError(findings)
    return contract


def _branching_point(folder: Path) -> str:
    """The commit where this branch left the main branch."""
    if _git(folder, "rev-parse", "--git-dir") is None:
        raise NoBase(f"{folder} is in no git repository. Give the contract to compare with as a file.")
    for branch in _MAIN_BRANCHES:
        if _git(folder, "rev-parse", "--verify", "--quiet", branch) is None:
            continue
        if (commit := _git(folder, "merge-base", "HEAD", branch)) is None:
            remedy = _remedy(folder, "Give a revision.")
            raise NoBase(f"HEAD and {branch} have no commit in common here. {remedy}")
        return _line(folder, "rev-parse", "--short", _text(commit))
    raise NoBase(f"There is no branch main or master. {_remedy(folder, 'Give the revision to compare with.')}")


def _remedy(folder: Path, otherwise: str) -> str:
    """What to do if a commit is missing. :param otherwise: the advice for a clone with the whole history"""
    if _git(folder, "rev-parse", "--is-shallow-repository") != b"true\n":
        return otherwise
    return "This clone is shallow: run `git fetch --unshallow`, or set `fetch-depth: 0` of actions/checkout."


def _line(folder: Path, *arguments: str) -> str:
    output = _git(folder, *arguments)
    if output is None:
        raise NoBase(f"{folder} is in no git repository. Give the contract to compare with as a file.")
    return _text(output)


def _text(output: bytes) -> str:
    return output.decode().strip()


def _git(folder: Path, *arguments: str) -> bytes | None:
    """The output of a git command; None if it fails."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)  # noqa: S603, S607  # no shell; git is where the user has it
    except OSError as error:
        raise NoBase("git can't be started. Install it, or give the contract to compare with as a file.") from error
    return done.stdout if done.returncode == 0 else None
