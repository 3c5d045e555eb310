"""`flows dev`: one process that starts anew when the contract or the code is saved."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from app.settings import Settings


@click.command()
@click.pass_obj
def command(settings: Settings) -> None:
    """Serve the API in one process, and anew after each change of the contract or the code.

    Example: FLOWS_PORT=9000 flows dev
    """
    import uvicorn

    from app.cli.start import bootstrap, contract_or_exit, store_or_exit

    contract = contract_or_exit(settings)
    store = store_or_exit(settings, contract)
    secret = bootstrap(store, settings)
    store.close()
    click.echo(f"URL:   http://{settings.host}:{settings.port}{contract.document['servers'][0]['url']}")
    click.echo(f"Token: {secret or 'as before; `flows token create NAME --superuser` makes one.'}")
    uvicorn.run(
        "app.cli.dev:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        reload=True,
        reload_dirs=[str(Path(__file__).parents[1]), str(settings.contract.resolve().parent)],
        reload_includes=["*.yaml", "*.yml", "*.json", "*.py", "*.html"],
        access_log=False,
        server_header=False,
        log_level="warning",
    )


def create() -> Any:
    """The application, made anew at each reload. What is wrong with the contract is shown, and the next save tried."""
    from app import logs
    from app.application import create_app
    from app.cli.start import contract_or_exit

    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level, settings.log_format)
    contract = contract_or_exit(settings)
    click.echo(f"{contract.name} is served.", file=sys.stderr)
    return create_app(settings, contract=contract)
