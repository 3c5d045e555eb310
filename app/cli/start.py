"""The start of commands that need the store or the application."""

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import click

from app.application import load_contract, load_draft, open_store
from app.cli.findings import exit_on_findings
from app.contract.checks import checked_cache
from app.contract.checks.checked_cache import default_folder
from app.contract.document.contract import Contract
from app.contract.document.versions import UnknownVersion
from app.settings import Settings, unknown
from app.store import Store
from app.store.engine.address import address_of
from app.tracing import NoTraces, Tracing, tracing_of

_IN_MEMORY = (
    "A store in memory ends with this command. Give sqlite:///PATH; a server with a store in memory takes the token of"
    " FLOWS_BOOTSTRAP_TOKEN."
)


def contract_or_exit(settings: Settings) -> Contract:
    """Load the checked contract, from the cache if possible; print its findings and exit 1 if it can't be served."""
    with exit_on_findings(), _existing_version():
        return load_contract(settings, cache=default_folder(os.environ))


def draft_or_exit(settings: Settings) -> Contract:
    """The same for a contract that is being edited, in which operations may have no handler."""
    with exit_on_findings(), _existing_version():
        return load_draft(settings)


def load_version(settings: Settings) -> Callable[[str], Contract]:
    """The function that loads another version of the contract, from the cache if possible.

    Another process checks a version that is not there: that takes seconds of processor time, and four times the memory.
    """
    folder = default_folder(os.environ)

    def load(version: str) -> Contract:
        found = checked_cache.find(settings.contract, folder, version) if folder is not None else None
        if found is None and folder is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(  # noqa: S603  # this interpreter
                    # -P: a package `app` in the current folder is not the server's.
                    [sys.executable, "-P", "-c", _CHECK, str(settings.contract), version, str(folder)],
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    check=False,
                    timeout=_CHECK_SECONDS,
                )
        # If it has findings, they are found once more here, to be logged.
        return found or load_contract(settings, version=version, cache=folder)

    return load


# Many times the duration of a check.
_CHECK_SECONDS = 120.0

# Loads a version of the contract into the cache.
_CHECK = """
import sys
from pathlib import Path
from app.application import load_contract
from app.settings import Settings
path, version, folder = sys.argv[1:]
load_contract(Settings(contract=Path(path)), version=version, cache=Path(folder))
"""


@contextlib.contextmanager
def _existing_version() -> Iterator[None]:
    """Exit 2 if the settings name a version that does not exist."""
    try:
        yield
    except UnknownVersion as error:
        click.echo(f"flows: FLOWS_VERSION: {error}", err=True)
        sys.exit(2)


def opened_or_exit(settings: Settings, contract: Contract) -> Store:
    """Open the store as it is; exit 2 if the settings name none, or one in memory. It is closed when the command ends.

    Commands that can use a store in memory have called `with_file` before.
    """
    try:
        address = address_of(settings.database_url)
    except ValueError as error:
        _exit(str(error))
    if address.in_memory:
        _exit(_IN_MEMORY)
    store = open_store(settings, contract)
    click.get_current_context().call_on_close(store.close)
    return store


def store_or_exit(settings: Settings, contract: Contract) -> Store:
    """Open the store, with the tables of this version.

    It is migrated here, unless several servers share it, so that an operator decides when.
    """
    store = opened_or_exit(settings, contract)
    if not store.database.shared:
        store.migrate()
    elif not store.migrated():
        store.close()
        click.echo("flows: the database has not the tables of this version. Run `flows db upgrade`.", err=True)
        sys.exit(1)
    else:
        store.update_search()
    return store


def existing_or_exit(settings: Settings, contract: Contract) -> Store:
    """Open the store for reading only; exit 1 if there is none, or its tables are not of this version."""
    if is_missing(settings):
        click.echo("flows: there is no store yet; the first `flows serve` makes it.", err=True)
        sys.exit(1)
    store = opened_or_exit(settings, contract)
    if not store.migrated():
        advice = "Run `flows db upgrade`." if store.database.shared else "The next `flows serve` migrates them."
        click.echo(f"flows: the database has not the tables of this version. {advice}", err=True)
        sys.exit(1)
    return store


def is_missing(settings: Settings) -> bool:
    """Whether the settings name a SQLite store that does not exist yet."""
    with contextlib.suppress(ValueError):
        path = address_of(settings.database_url).path
        return path is not None and not path.exists()
    return False


def warn_of_pooler(store: Store) -> None:
    """Warn on standard error if connections lead to a connection pooler."""
    if store.database.is_pooled():
        from app.store.upkeep.diagnosis import POOLER

        click.echo(f"flows: {POOLER}", err=True)


def warn_of_unknown_settings() -> None:
    """Warn on standard error of unknown variables with the prefix of settings."""
    for name, meant in unknown(os.environ):
        advice = f"did you mean {meant}?" if meant else "docs/settings.md lists them."
        click.echo(f"flows: {name} is not a setting; {advice}", err=True)


def sqlite_or_exit(settings: Settings, instead: str, file: Path) -> Path:
    """The file of a SQLite store, which need not exist; exit 2 if the settings name none.

    :param instead: the command for PostgreSQL, with `{url}` and `{file}` in it
    :param file: the file argument of the command
    """
    try:
        address = address_of(settings.database_url)
    except ValueError as error:
        _exit(str(error))
    if address.path is not None:
        return address.path
    if address.in_memory:
        _exit(_IN_MEMORY)
    command = instead.format(url=shlex.quote(str(address)), file=shlex.quote(str(file)))
    click.echo("flows: FLOWS_DATABASE_URL names no embedded store.", err=True)
    click.echo(f"       PostgreSQL has a command of its own for that: {command}", err=True)
    sys.exit(2)


def _exit(message: str) -> NoReturn:
    click.echo(f"flows: FLOWS_DATABASE_URL: {message}", err=True)
    sys.exit(2)


def tracing_or_warning() -> Tracing | None:
    """Create the tracing that OpenTelemetry's variables enable; print a warning if it can't be created."""
    try:
        return tracing_of(os.environ)
    except NoTraces as error:
        click.echo(f"flows: {error} Requests are served without. {error.advice}", err=True)
        return None
