"""`flows token`: create, list and revoke tokens."""

import re
import time

import click

from app.settings import Settings

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@click.group(short_help="Create, list and revoke tokens.")
def command() -> None:
    """Create, list and revoke the tokens that clients send."""


def _lifetime(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int:
    """The expiry of a token in seconds since 1970-01-01 UTC; 0 for never."""
    if value is None:
        return 0
    match = re.fullmatch(r"([1-9][0-9]{0,3})([mhdw])", value)
    if match is None:
        raise click.BadParameter("give a number of up to four digits and a unit: 30m, 12h, 90d or 4w.")
    return int(time.time()) + int(match[1]) * _UNITS[match[2]]


def _name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Validate the name of a token, which must be visible on one line of a list."""
    if not value.strip() or not value.isprintable():
        raise click.BadParameter("a name has at least one visible character, and no control characters.")
    return value


@command.command()
@click.argument("name", callback=_name)
@click.option("--superuser", is_flag=True, help="Grant every permission.")
@click.option("--permission", "permissions", multiple=True, help="A permission to grant. May be repeated.")
@click.option("--expires", "expires", callback=_lifetime, help="Lifetime: 30m, 12h, 90d, 4w. Default: unlimited.")
@click.pass_obj
def create(settings: Settings, name: str, superuser: bool, permissions: tuple[str, ...], expires: int) -> None:
    """Create a token and print it. It is shown only once. Standard error names the store that holds it.

    Example: flows token create reader --permission authentik_flows.view_flow --expires 90d
    """
    from app.cli.start import contract_or_exit, is_missing, store_or_exit
    from app.errors import NotUnique

    contract = contract_or_exit(settings)
    known = contract.document.get("x-permissions", {})
    for permission in permissions:
        if permission not in known:
            raise click.BadParameter(f"{permission!r} is not a permission; there are: {', '.join(known)}.")
    if superuser == bool(permissions):
        raise click.UsageError("Give --superuser, which has every permission, or at least one --permission.")
    made = is_missing(settings)
    store = store_or_exit(settings, contract)
    try:
        click.echo(store.tokens.add(name, superuser=superuser, permissions=permissions, expires=expires))
        click.echo(
            f"It is valid for {store.database.address}{', a store that was made now' if made else ''}.", err=True
        )
    except NotUnique as error:
        raise click.ClickException(f"There is a token {name!r} already; choose another name.") from error
    finally:
        store.close()


@command.command("list")
@click.pass_obj
def list_(settings: Settings) -> None:
    """List the tokens: name, state, expiry, permissions. The tokens themselves are not stored.

    Example: flows token list
    """
    from app.cli.start import contract_or_exit, store_or_exit
    from app.logs import printable
    from app.store.queries.moments import moment_of

    store = store_or_exit(settings, contract_or_exit(settings))
    now = time.time()
    for token in store.tokens.page():
        state = "valid" if token.valid_at(now) else "expired" if token.active else "revoked"
        expires = f"{moment_of(token.expires)[:16]}Z" if token.expires else "never"
        may = "superuser" if token.superuser else " ".join(sorted(token.permissions))
        click.echo(f"{printable(token.name):24} {state:8} {expires:18} {may}")
    store.close()


@command.command()
@click.argument("name")
@click.pass_obj
def revoke(settings: Settings, name: str) -> None:
    """Revoke a token. All servers reject it within a second.

    Example: flows token revoke reader
    """
    from app.cli.start import contract_or_exit, store_or_exit
    from app.errors import NotFound

    store = store_or_exit(settings, contract_or_exit(settings))
    try:
        store.tokens.change(name, active=False)
    except NotFound as error:
        raise click.ClickException(f"There is no token {name!r}; `flows token list` shows those there are.") from error
    finally:
        store.close()
    click.echo(f"The token {name!r} is revoked.")
