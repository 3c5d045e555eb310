"""What every command does that finds the contract wrong."""

import contextlib
import sys
from collections.abc import Iterator

import click

from app.contract.findings import ContractError


@contextlib.contextmanager
def told_of(*, err: bool = True) -> Iterator[None]:
    """Print the findings of a contract that can't be used, a line each, and exit 1.

    :param err: whether they go to standard error
    """
    try:
        yield
    except ContractError as error:
        for finding in error.findings:
            click.echo(str(finding), err=err)
        sys.exit(1)
