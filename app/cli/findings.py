"""Messages of commands about an invalid contract, and about a token that a deployment rejects."""

import contextlib
import sys
from collections.abc import Iterator

import click

from app.conformance.credentials import RejectedToken
from app.contract.document.findings import ContractError


@contextlib.contextmanager
def exit_on_findings(*, err: bool = True) -> Iterator[None]:
    """Print the findings of an invalid contract, one per line, and exit 1.

    :param err: whether to print to standard error
    """
    try:
        yield
    except ContractError as error:
        for finding in error.findings:
            click.echo(str(finding), err=err)
        sys.exit(1)


@contextlib.contextmanager
def rejected_tokens(url: str) -> Iterator[None]:
    """Exit 2 for a token that can't be sent or is rejected, 1 for a deployment that does not respond.

    :param url: of the deployment
    """
    try:
        yield
    except RejectedToken as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{url} does not answer: {error}") from error
