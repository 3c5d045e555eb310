"""The checks of `flows doctor`: a function for each subject. They change nothing."""

import importlib.metadata
import os
import platform
import shlex
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from app import errors
from app.application import load_contract
from app.contract.document.findings import ContractError
from app.settings import PREFIX, Settings, describe, unknown
from app.store.collections.tokens import Tokens
from app.store.engine.address import Address, address_of
from app.store.engine.database import Database
from app.store.engine.factory import open_database
from app.store.engine.sqlite.privacy import open_to_others
from app.store.upkeep import backup, migration
from app.store.upkeep.diagnosis import POOLER, Condition, condition
from app.stored import check_store, summarize
from app.tracing import NoTraces, tracing_of

DISTRIBUTION = "flows-server"

# The first version with `RETURNING`.
OLDEST_SQLITE = (3, 35)

# The free bytes that the SQLite store needs at least, and those below which to warn.
SPACE_NEEDED, SPACE_WANTED = 64 * 2**20, 2**30

# The maximum time of a small statement on a fast network, and the maximum clock difference, in seconds.
QUICK, CLOCK_TOLERANCE = 0.005, 5

# The minimum length of a secret chosen by people, whose entropy is limited by its length.
SECRET_LENGTH = 20


class Line(NamedTuple):
    """A result of a check.

    :param state: `ok`, `warn` or `fail`
    :param subject: the checked subject
    :param found: the result
    :param advice: the remedy; empty if none is needed
    """

    state: str
    subject: str
    found: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Line]:
    """Check all subjects, one after the other."""
    yield from check_settings(settings, os.environ)
    yield from check_versions()
    yield from check_traces(os.environ)
    yield from check_contract(settings)
    try:
        address = address_of(settings.database_url)
    except ValueError as error:
        yield Line("fail", "store", str(error), "Set FLOWS_DATABASE_URL.")
        return
    yield from (_check_sqlite if address.engine == "sqlite" else _check_postgresql)(settings, address)


def check_settings(settings: Settings, environment: Mapping[str, str]) -> Iterator[Line]:
    """Check for unknown names, and for values that are allowed but rarely intended. Invalid ones have stopped the command."""
    known = [variable for variable, _, _ in describe()]
    given = sorted(name for name in environment if name.startswith(PREFIX))
    yield Line("ok", "settings", f"{', '.join(name for name in given if name in known) or 'None'} given.")
    for name, meant in unknown(environment):
        yield Line("warn", "settings", f"{name} is not a setting.", f"Did you mean {meant}?" if meant else "Remove it.")
    for name in ("bootstrap_token", "metrics_token"):
        if 0 < len(getattr(settings, name)) < SECRET_LENGTH:
            advice = f"Give {SECRET_LENGTH} characters or more, by chance: `openssl rand -hex 32`."
            yield Line("warn", "settings", f"{PREFIX}{name.upper()} can be guessed.", advice)
    if (
        settings.metrics == "on"
        and not settings.metrics_token
        and settings.host not in ("127.0.0.1", "::1", "localhost")
    ):
        advice = "Set FLOWS_METRICS_TOKEN, or FLOWS_METRICS=off."
        yield Line("warn", "settings", "Anybody who reaches the port may read the metrics.", advice)


def check_versions() -> Iterator[Line]:
    """Check the versions of this package and its dependencies."""
    found = (
        f"{DISTRIBUTION} {importlib.metadata.version(DISTRIBUTION)}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}."
    )
    yield Line("ok", "versions", found)
    for text in importlib.metadata.requires(DISTRIBUTION) or ():
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            version = "missing"
        if version == "missing" or not requirement.specifier.contains(version, prereleases=True):
            wanted = f"{requirement.name}{requirement.specifier}"
            yield Line("fail", "versions", f"{requirement.name} is {version}.", f"pip install '{wanted}'")
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        yield Line("fail", "versions", f"SQLite is older than {oldest}.", "Use a Python that comes with a newer one.")


def check_traces(environment: Mapping[str, str]) -> Iterator[Line]:
    """Check the requirements of OpenTelemetry's variables, if they are set."""
    try:
        if tracing_of(environment) is not None:
            yield Line("ok", "traces", "OpenTelemetry is installed, and its variables ask for them.")
    except NoTraces as error:
        yield Line("warn", "traces", str(error), error.advice)


def check_contract(settings: Settings) -> Iterator[Line]:
    """Check that the contract can be served."""
    try:
        contract = load_contract(settings)
    except ContractError as error:
        for finding in error.findings:
            yield Line("fail", "contract", f"{finding.location}: {finding.problem}", finding.remedy)
        return
    operations = sum(1 for _ in contract.operations())
    yield Line("ok", "contract", f"{contract.name}: {operations} operations, nothing found.")


def _check_sqlite(settings: Settings, address: Address) -> Iterator[Line]:
    if address.path is None:
        yield Line("warn", "store", "It is kept as long as a server runs.", "Set FLOWS_DATABASE_URL to a file.")
        return
    folder = next(parent for parent in address.path.absolute().parents if parent.exists())
    if not os.access(folder, os.W_OK):
        yield Line("fail", "store", f"{folder} can't be written to.", "Let the server's user write there.")
        return
    if address.path.exists():
        yield from _check_file(settings, address.path)
    else:
        yield Line("warn", "store", f"There is none at {address.path} yet.", "The first `flows serve` makes it.")
    yield from check_space(folder, address.path)


def _check_file(settings: Settings, path: Path) -> Iterator[Line]:
    try:
        backup.check(path, thorough=True)
    except (errors.StoreUnusable, errors.Unavailable) as error:
        yield Line("fail", "store", str(error))
        return
    yield Line("ok", "store", f"{path}: {_size(path.stat().st_size)}, sound.")
    if found := open_to_others(path):
        names = ", ".join(map(str, found))
        advice = " && ".join(f"chmod {mode} {shlex.quote(str(one))}" for one, mode in found.items())
        yield Line("warn", "store", f"Other users of this machine may use {names}.", f"`{advice}`")
    yield from _check_tables(settings, "The next start migrates it.")
    yield from check_clock(max(0, path.stat().st_mtime - time.time()), "the last change of the store")


def _check_postgresql(settings: Settings, address: Address) -> Iterator[Line]:
    database = open_database(settings.database_url, 1)
    try:
        found = condition(database)
    except errors.Unfit as error:
        yield Line("fail", "store", f"{address}: {error}")
        return
    except errors.Unavailable as error:
        advice = "Start it, or set FLOWS_DATABASE_URL to where it is; a firewall or `pg_hba.conf` may be in the way."
        yield Line("fail", "store", f"{address}: {' '.join(str(error).split())}", advice)
        return
    finally:
        database.close()
    yield from check_server(settings, address, found)
    yield from _check_tables(settings, "Run `flows db upgrade`.")
    yield from check_clock(found.ahead, "the database's")


def check_server(settings: Settings, address: Address, found: Condition) -> Iterator[Line]:
    """Check the condition of a database server."""
    milliseconds = f"{found.seconds * 1000:.1f} ms"
    yield Line("ok", "store", f"{address}: PostgreSQL {found.version}, answers in {milliseconds}.")
    if found.seconds > QUICK:
        yield Line(
            "warn", "store", f"A small statement takes {milliseconds}.", "Run the server nearer to the database."
        )
    if found.read_only:
        yield Line("fail", "store", "It accepts no changes.", "Name the primary in FLOWS_DATABASE_URL.")
    if found.grants:
        message = "It accepts no changes from this role, or not all of them."
        yield Line("fail", "store", message, " ".join(found.grants))
    if found.encoding != "UTF8":
        message = f"Its encoding is {found.encoding}: a text with other characters is rejected with 503."
        yield Line("warn", "store", message, "Create the database with ENCODING 'UTF8' TEMPLATE template0.")
    if not found.direct:
        advice = (
            "Let FLOWS_DATABASE_URL lead to PostgreSQL itself: the server keeps its connections, and that is faster."
        )
        yield Line("warn", "store", POOLER, advice)
    needed = settings.workers * settings.database_pool
    if needed > found.connections - found.taken:
        yield Line(
            "warn",
            "store",
            f"This server may open {needed} connections; {found.taken} of {found.connections} are open already.",
            "If it does not run yet, lower FLOWS_DATABASE_POOL or FLOWS_WORKERS, or raise max_connections.",
        )


def _check_tables(settings: Settings, advice: str) -> Iterator[Line]:
    database = open_database(settings.database_url)
    try:
        revision = migration.current(database)
        migration.reject_newer(revision, str(database.address))
        if revision != migration.HEAD:
            state = "fail" if database.shared else "warn"
            found = f"The tables are at {revision or 'nothing'}; this version requires {migration.HEAD}."
            yield Line(state, "tables", found, advice)
            return
        yield Line("ok", "tables", f"At {revision}, as this version requires.")
        yield from _check_tokens(Tokens(database, 0))
        yield from _check_stored(settings, database)
    except (errors.StoreUnusable, errors.Unavailable) as error:
        yield Line("fail", "tables", str(error))
    finally:
        database.close()


def _check_tokens(tokens: Tokens) -> Iterator[Line]:
    now = time.time()
    valid = sum(token.valid_at(now) for token in tokens.page())
    if valid:
        yield Line("ok", "tokens", f"{valid} valid.")
    else:
        yield Line("warn", "tokens", "None is valid: nobody can use the API.", "`flows token create NAME` makes one.")


def _check_stored(settings: Settings, database: Database) -> Iterator[Line]:
    """Check stored objects against a contract that can be served."""
    try:
        contract = load_contract(settings)
    except ContractError:
        return
    summary = summarize(check_store(contract, database))
    if not summary.violating:
        yield Line("ok", "objects", f"{summary.objects} stored, as the contract has them.")
        return
    found = f"{summary.violating} of {summary.objects} violate the contract. They are returned as they are stored."
    yield Line("warn", "objects", found, "`flows check --store` lists them.")


def check_space(folder: Path, store: Path) -> Iterator[Line]:
    """Check the free space for a store.

    :param folder: the folder of the store, present or future
    """
    free = shutil.disk_usage(folder).free
    size = store.stat().st_size if store.exists() else 0
    advice = "Make room, or move the store: stop the server, `flows backup`, and `flows restore` there."
    if free < SPACE_NEEDED:
        yield Line("fail", "space", f"{_size(free)} free in {folder}.", advice)
    elif free < max(SPACE_WANTED, 2 * size):
        # A restore makes a copy beside the store, and a migration may write all of it to the WAL.
        yield Line("warn", "space", f"{_size(free)} free in {folder}; the store has {_size(size)}.", advice)
    else:
        yield Line("ok", "space", f"{_size(free)} free in {folder}.")


def check_clock(ahead: float, other: str) -> Iterator[Line]:
    """Check this machine's clock, which decides when tokens expire.

    :param ahead: how far another clock is ahead of it, in seconds
    :param other: the name of the other clock
    """
    if abs(ahead) <= CLOCK_TOLERANCE:
        yield Line("ok", "clock", f"Agrees with {other}.")
        return
    found = f"This machine's clock is {abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} {other}."
    yield Line("warn", "clock", found, "Let NTP keep it right: tokens expire by it.")


def _size(number: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} GB"
