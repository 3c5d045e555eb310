"""`flows fuzz`: contract tests against any deployment, in one command."""

import contextlib
import tempfile
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import click
import orjson

from app.cli.findings import exit_on_findings, rejected_tokens
from app.conformance.caller import names_of_caller
from app.conformance.credentials import check_sendable
from app.conformance.described import DescribedContract
from app.conformance.raw_http import split_url
from app.conformance.token_check import check_token
from app.contract.document.contract import Contract
from app.contract.document.overlays import minor
from app.contract.document.versions import UnknownVersion, names, read, root_release
from app.settings import Settings

PACKAGE = Path(__file__).resolve().parents[1]


@click.command(short_help="Fuzz a deployment against the contract.")
@click.argument("url")
@click.option(
    "--token", envvar="FLOWS_TOKEN", help="The token to send, or FLOWS_TOKEN; none to fuzz without credentials."
)
@click.option(
    "--version", help="The version of the contract, named in each request. Default: FLOWS_VERSION, or the first."
)
@click.option("--minutes", type=click.FloatRange(min=0.05), help="Duration. Default: a fixed set of cases.")
@click.option(
    "--cases",
    type=click.IntRange(min=1),
    default=40,
    show_default=True,
    help="Cases per operation and phase, without --minutes.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Equal seeds give equal cases.")
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    default=Path("reports/fuzz"),
    show_default=True,
    help="Folder of the JUnit and HTML reports.",
)
@click.option("--progress/--no-progress", default=True, help="Show the progress.")
@click.argument("further", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(
    settings: Settings,
    url: str,
    token: str | None,
    version: str | None,
    minutes: float | None,
    cases: int,
    seed: int,
    reports: Path,
    progress: bool,
    further: tuple[str, ...],
) -> None:
    """Fuzz a deployment with the contract: this server, or a real authentik.

    Schemathesis sends valid and invalid requests, and follows the links between operations. It creates, changes and deletes
    objects, including those that it finds, except the user, groups and tokens of the caller. Arguments after `--` are passed to
    Schemathesis. Exits 1 if it finds anything, and 2 if the deployment rejects the token.

    Example: flows fuzz http://127.0.0.1:8000 --token $TOKEN --minutes 5 --version 2025.12
    """
    try:
        split_url(url, "http", "https")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        from schemathesis.cli import schemathesis

        from app.conformance import fuzz_hooks
    except ImportError as error:
        raise click.ClickException("Schemathesis is not installed: pip install schemathesis") from error

    with exit_on_findings():
        try:
            contract = read(settings.contract, version or settings.version or None)
        except UnknownVersion as error:
            raise click.UsageError(str(error)) from error
    fuzz_hooks.share(partial(_other_versions, settings.contract, contract))
    if token is not None:
        _check_token(url, token, contract)
        with rejected_tokens(url):
            fuzz_hooks.spare(names_of_caller(url.rstrip("/"), token, contract))
    arguments = _generation(url, token, version, minutes, cases, seed)
    arguments += ["--report", "junit,html", "--report-dir", str(reports)]
    if not progress:
        arguments.append("--no-color")
    arguments += further
    reports.mkdir(parents=True, exist_ok=True)
    with as_one_file(settings.contract, contract) as document:
        call = ["--config-file", str(configuration()), "run", str(document), *arguments]
        schemathesis.main(call, prog_name="flows fuzz")


def _generation(
    url: str, token: str | None, version: str | None, minutes: float | None, cases: int, seed: int
) -> list[str]:
    """Schemathesis's arguments for the requests to generate."""
    arguments = [
        *("--origin", url.rstrip("/")),
        *("--seed", str(seed)),
    ]
    if token:
        arguments += ["--header", f"Authorization: Bearer {token}"]
    if version is not None:
        arguments += ["--header", f"X-Authentik-Version: {version}"]
    if minutes is None:
        arguments += ["--generation-deterministic", "--max-examples", str(cases)]
    else:
        arguments += ["--max-time", str(max(1, round(minutes * 60)))]
    return arguments


def _check_token(url: str, token: str, contract: Contract) -> None:
    """Exit 2 if the token can't be sent or the deployment rejects it, 1 if it does not respond."""
    with rejected_tokens(url):
        check_sendable(token, "--token")
    for _, path, method, operation in contract.operations():
        if method == "get" and "{" not in path and operation.get("security", contract.document.get("security")):
            with rejected_tokens(url):
                check_token(url.rstrip("/") + contract.base_path + path, token, "--token")
            return


def _other_versions(path: Path, contract: Contract) -> Iterator[DescribedContract]:
    """The other versions of a contract."""
    for version in names(path, root_release(path)):
        if version != minor(contract.release):
            yield _described(path, version)


@cache
def _described(path: Path, version: str) -> DescribedContract:
    return DescribedContract(read(path, version).document)


@contextlib.contextmanager
def as_one_file(path: Path, contract: Contract) -> Iterator[Path]:
    """The contract's path, or that of a temporary bundle if the contract has several files."""
    if len(contract.files) == 1:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="flows-fuzz-") as folder:
        bundle = Path(folder) / "contract.json"
        bundle.write_bytes(orjson.dumps(contract.document))
        yield bundle


def configuration() -> Path:
    """Schemathesis's configuration: beside this package in a checkout, inside of it when installed."""
    beside = PACKAGE.parent / "schemathesis.toml"
    return beside if beside.exists() else PACKAGE / "conformance" / "schemathesis.toml"
