"""Checks of stored objects by commands: listed, or logged by a running server."""

import threading

import click
import structlog

from app import errors
from app.contract.document.contract import Contract
from app.settings import Settings
from app.store import Store
from app.store.engine.factory import open_database
from app.store.upkeep.pacing import paced
from app.stored import check_store, summarize

# The maximum number of violations that are listed, and of kinds of them that are logged.
_LISTED, _LOGGED = 100, 20

# The delay of the check after the start of a server, in seconds; its share of the time, and the number of objects without a pause:
# requests go first.
_DELAY, _SHARE, _PORTION = 2.0, 0.1, 25


def list_violations(store: Store, contract: Contract) -> None:
    """Print the violations of stored objects. Exits 1 if there are any."""
    objects = violating = count = 0
    for found in check_store(contract, store.database):
        objects += 1
        violating += bool(found)
        for violation in found:
            count += 1
            if count <= _LISTED:
                click.echo(f"{contract.locate(violation.pointer)}: {violation}")
    if count > _LISTED:
        click.echo(f"{count - _LISTED} more violations are not listed.")
    click.echo(f"{store.database.address}: {violating} of {objects} stored objects violate the contract.")
    if violating:
        raise SystemExit(1)


def check_in_background(settings: Settings, contract: Contract) -> None:
    """Check the stored objects on a thread with low priority, and log a warning for each kind of violation."""
    timer = threading.Timer(_DELAY, _log_violations, (settings, contract))
    timer.daemon = True
    timer.start()


def _log_violations(settings: Settings, contract: Contract) -> None:
    log = structlog.get_logger("flows.store")
    database = open_database(settings.database_url, 1)
    try:
        summary = summarize(paced(check_store(contract, database), share=_SHARE, portion=_PORTION))
    except errors.Unavailable as error:
        # Requests report an unavailable database themselves.
        log.info("stored objects could not be checked", error=str(error), advice="flows check --store")
        return
    finally:
        database.close()
    for number, (example, count) in enumerate(summary.kinds.items()):
        if number == _LOGGED:
            log.warning("more kinds of violations are not logged", kinds=len(summary.kinds) - _LOGGED)
            break
        log.warning(
            "stored objects violate the contract",
            model=example.model,
            property=example.property or None,
            rule=example.rule,
            contract=str(contract.locate(example.pointer)),
            objects=count,
            advice="flows check --store",
        )
