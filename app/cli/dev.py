"""`flows dev`: one process that serves the last saved contract, and restarts after changes of the code."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from app.cli.overriding import overriding
from app.cli.seeding import Seed, seeding
from app.settings import Settings


@click.command(short_help="Serve the API, and reload the contract on each save.")
@click.pass_obj
@overriding("host", "port", "version")
@click.option("--deterministic", is_flag=True, help="Fix time and identifiers, for tests.")
@seeding
def command(settings: Settings, *, seed: Seed | None, deterministic: bool) -> None:
    """Serve the API in one process, and reload the contract on each save.

    If the saved contract is invalid, the last good one stays active. Operations without a handler return their examples. A change
    of the code restarts the process. Requests are recorded; /contract/coverage/ shows what they exercise.

    Example: flows dev --port 9000 --seed default
    """
    from uvicorn import Config, Server
    from uvicorn.supervisors import ChangeReload

    from app import determinism
    from app.cli.banner import banner
    from app.cli.first_token import bootstrap
    from app.cli.start import draft_or_exit, store_or_exit, warn_of_unknown_settings
    from app.cli.temporary import with_file
    from app.server.listening import listener_or_exit

    warn_of_unknown_settings()
    listener = listener_or_exit(settings)
    given, settings = settings, with_file(settings)
    contract = draft_or_exit(settings)
    if deterministic:
        # Each start creates objects with the same identifiers.
        determinism.fix(b"")
    store = store_or_exit(settings, contract)
    if seed is not None:
        seed.apply_or_exit(store)
    about_tokens = bootstrap(store, settings, lasting=settings is given)
    store.close()
    code = Path(__file__).parents[1]
    config = Config(
        "app.cli.dev:create_deterministic" if deterministic else "app.cli.dev:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        reload=True,
        reload_dirs=[str(code)],
        reload_includes=["*.py", "*.html", "*.json"],
        access_log=False,
        server_header=False,
        log_level="warning",
    )
    watched = [code, *(file.parent for file in contract.files)]
    port = listener.getsockname()[1]
    # Clients that come before the application has started, or while it restarts, wait for it.
    listener.listen(config.backlog)
    click.echo(banner(settings, contract, port, about_tokens, lasting=settings is given, watched=watched))
    ChangeReload(config, target=Server(config).run, sockets=[listener]).run()


def create_deterministic() -> Any:
    """Create the application with fixed time and identifiers."""
    return create(deterministic=True)


def create(*, deterministic: bool = False) -> Any:
    """Create the application; called again after a change of the code."""
    from app import logs
    from app.cli.start import tracing_or_warning
    from app.dev.application import LiveApplication

    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level, settings.log_format)
    with _stopped_by_signals():
        return LiveApplication(settings, deterministic=deterministic, tracing=tracing_or_warning())


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let a signal end the process while it waits for a valid contract. uvicorn leaves signals to its event loop, which is not
    running yet.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    noting = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    yield
    for number, handler in zip(numbers, noting, strict=True):
        signal.signal(number, handler)
