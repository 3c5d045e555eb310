"""`flows request`: one request through the application, in this process."""

import asyncio
import secrets
import time

import click

from app.settings import Settings

# The lifetime of the token of one request in seconds, in case the process is killed before it removes the token.
_LIFETIME = 60


@click.command(short_help="Send a request to the application, without a server.")
@click.argument("method")
@click.argument("path")
@click.option("-d", "--data", help="The body, as JSON.")
@click.option("--token", help="The token to send. Default: all permissions.")
@click.pass_obj
def command(settings: Settings, method: str, path: str, data: str | None, token: str | None) -> None:
    """Send one request to the application, without a server, and print the body of the response.

    Exits 1 unless the response is a success.

    Example: flows request PATCH /api/v3/flows/instances/welcome/ -d '{"title": "Welcome back"}'
    """
    import httpx

    from app import logs
    from app.application import create_app
    from app.cli.start import contract_or_exit, store_or_exit
    from app.cli.temporary import with_file
    from app.conformance.credentials import RejectedToken, check_sendable

    if token is not None:
        try:
            check_sendable(token, "--token")
        except RejectedToken as error:
            raise click.UsageError(str(error)) from error
    logs.configure("error", settings.log_format)
    settings = with_file(settings)
    contract = contract_or_exit(settings)
    store = store_or_exit(settings, contract)
    app = create_app(settings, contract=contract, store=store)
    name = f"request-{secrets.token_hex(8)}"
    own = token is None
    if own:
        token = store.tokens.add(name, superuser=True, expires=int(time.time()) + _LIFETIME)
    headers = {"Authorization": f"Bearer {token}", **({"Content-Type": "application/json"} if data else {})}

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.request(method.upper(), path, content=data, headers=headers)

    try:
        response = asyncio.run(send())
    except httpx.InvalidURL as error:
        raise click.BadParameter(f"{path!r} is not a path: {error}.") from error
    finally:
        if own:
            store.tokens.remove(name)
        store.close()
    click.echo(f"{response.status_code} {response.reason_phrase}", err=True)
    if response.text:
        click.echo(response.text)
    raise SystemExit(0 if response.is_success else 1)
