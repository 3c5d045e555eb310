"""`flows serve`: gunicorn with uvicorn workers."""

import gc
from functools import partial

import click

from app.cli.overriding import overriding
from app.cli.seeding import Seed, seeding
from app.settings import Settings


@click.command(short_help="Serve the API until told to stop.")
@click.pass_obj
@overriding("host", "port", "version", "workers")
@click.option("--record", is_flag=True, help="Record requests, for coverage and traffic.")
@click.option("--deterministic", is_flag=True, help="Fix time and identifiers, for tests.")
@seeding
def command(settings: Settings, *, seed: Seed | None, record: bool, deterministic: bool) -> None:
    """Serve the API until told to stop.

    A SQLite store is created or migrated first, and the first start prints a superuser's token, once. --record and --deterministic
    are for tests, and require one worker.

    Example: flows serve --port 9000 --workers 2
    """
    _check_usage(settings, "--record" if record else "--deterministic" if deterministic else "")

    # Nearly all objects of the start are permanent: collecting garbage would take a tenth of its time.
    gc.disable()
    from app import determinism, logs
    from app.application import create_app, create_metrics, version_names
    from app.cli.banner import banner
    from app.cli.first_token import bootstrap
    from app.cli.start import (
        contract_or_exit,
        load_version,
        store_or_exit,
        tracing_or_warning,
        warn_of_pooler,
        warn_of_unknown_settings,
    )
    from app.cli.stored import check_in_background
    from app.cli.temporary import with_file
    from app.recording.recorder import Recorder
    from app.server.arbiter import Arbiter
    from app.server.listening import listener_or_exit

    warn_of_unknown_settings()
    logs.configure(settings.log_level, settings.log_format)
    # Gunicorn binds the address again, and would report a failure in eleven lines.
    listener_or_exit(settings).close()
    given, settings = settings, with_file(settings)
    contract = contract_or_exit(settings)
    # Each start creates objects with the same identifiers.
    if deterministic:
        determinism.fix(b"")
    store = store_or_exit(settings, contract)
    warn_of_pooler(store)
    if seed is not None:
        seed.apply_or_exit(store)
    about_tokens = bootstrap(store, settings, lasting=settings is given)
    if deterministic:
        determinism.fix(store.fingerprint())
    # During a reload there are old and new workers.
    metrics = create_metrics(contract, 2 * settings.workers, version_names(settings, contract))
    logs.tell_dropped(metrics.drop_line)
    app = create_app(
        settings,
        contract=contract,
        store=store,
        metrics=metrics,
        recorder=Recorder(contract) if record else None,
        tracing=tracing_or_warning(),
        load_version=load_version(settings),
    )
    # Workers open their own connections.
    store.close()

    # Workers share the memory of the start, as long as they do not write to it.
    gc.freeze()
    gc.enable()

    def announce(port: int) -> None:
        click.echo(banner(settings, contract, port, about_tokens, lasting=settings is given))

    Arbiter(app, settings, metrics, partial(check_in_background, settings, contract), announce).run()


def _check_usage(settings: Settings, alone: str) -> None:
    """:param alone: the option that requires one worker, empty if there is none"""
    if alone and settings.workers > 1:
        raise click.UsageError(f"{alone} is for one worker, and FLOWS_WORKERS is {settings.workers}.")
