"""The pytest plugin: fixtures `flows` and `flows_server`, the exchanges of a failed test, and a threshold of coverage."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    # Each run of pytest loads this module, also those without a test of flows.
    from flows_server.testing import Flows, Server
    from flows_server.testing.coverage import Coverage

_OPTIONS = {
    "seed": ("DIR", "apply the blueprints of this folder first; `default` for the flows of a new authentik"),
    "version": ("VERSION", "serve this version of authentik, such as 2025.12"),
    "contract": ("FILE", "serve this OpenAPI document"),
    "database_url": ("URL", "keep the store here, {worker} being the name of the xdist worker; default: in memory"),
    "command": ("COMMAND", "the command `flows`, if it is installed elsewhere"),
    "coverage_min": ("PERCENT", "fail the run if the tests exercise less of the contract"),
}
_PATTERNS = {
    "coverage_of": "operations that count for --flows-coverage-min, such as flows_*; default: those that were called",
    "coverage_ignore": "points that do not count for it, such as 'status 403' or 'parameter *'",
}
_DEFAULT_SEED = "default"
_NO_REQUESTS = "none below the URL of the API"
_TOLD = pytest.StashKey[bool]()
_SERVER = pytest.StashKey["Server"]()
_REPORTS = pytest.StashKey[list[dict[str, Any]]]()


class _NotStarted(pytest.fail.Exception):  # type: ignore[name-defined]  # an attribute of a function
    """The server did not start, so that all tests that need it fail."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each for the command line and the configuration file."""
    group = parser.getgroup("flows", "server of authentik's flows API")
    for name, (metavar, meaning) in _OPTIONS.items():
        group.addoption(f"--flows-{name.replace('_', '-')}", metavar=metavar, help=meaning)
        parser.addini(f"flows_{name}", meaning)
    for name, meaning in _PATTERNS.items():
        group.addoption(f"--flows-{name.replace('_', '-')}", metavar="PATTERN", action="append", help=meaning)
        parser.addini(f"flows_{name}", meaning, type="linelist", default=[])
    fixed = "fix time and identifiers"
    group.addoption("--flows-deterministic", action="store_true", help=fixed)
    parser.addini("flows_deterministic", fixed, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Prepare for reports of coverage. :raises UsageError: the threshold is not a number"""
    config.stash[_REPORTS] = []
    _threshold(config)


@pytest.fixture(scope="session")
def flows_settings() -> Mapping[str, str]:
    """Settings of the server by variable; override this fixture to add some."""
    return {}


@pytest.fixture(scope="session")
def flows_server(pytestconfig: pytest.Config, flows_settings: Mapping[str, str]) -> Iterator[Server]:
    """The server of the run, or of an xdist worker, with `url`, `token` and `version`."""
    from flows_server.testing import Server, ServerError
    from flows_server.testing.server import IN_MEMORY

    command = _option(pytestconfig, "command")
    url = _option(pytestconfig, "database_url") or IN_MEMORY
    server = Server(
        seed=_path(pytestconfig, "seed"),
        version=_option(pytestconfig, "version"),
        contract=_path(pytestconfig, "contract"),
        database_url=url.replace("{worker}", os.environ.get("PYTEST_XDIST_WORKER", "main")),
        deterministic=bool(_option(pytestconfig, "deterministic")),
        settings=flows_settings,
        command=shlex.split(command) if command else None,
    )
    with contextlib.ExitStack() as running:
        try:
            running.enter_context(server)
        except ServerError as error:
            raise _NotStarted(str(error), pytrace=False) from None
        server.snapshot()
        pytestconfig.stash[_SERVER] = server
        yield server
        del pytestconfig.stash[_SERVER]
        if _threshold(pytestconfig) is not None:
            selection = {
                "operation": _option(pytestconfig, "coverage_of"),
                "ignore": _option(pytestconfig, "coverage_ignore"),
            }
            pytestconfig.stash[_REPORTS].append(server.coverage(**selection))


@pytest.fixture
def flows(flows_server: Server) -> Iterator[Flows]:
    """A client of the API. After the test, the store is put back to the state of the start."""
    flows_server.forget()
    with flows_server.client() as client:
        yield client
    flows_server.restore()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the exchanges of a failed test with the server; once, why it did not start."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, _NotStarted):
        if item.config.stash.get(_TOLD, False):
            report.longrepr = "The flows server did not start: see the first error."
        item.config.stash[_TOLD] = True
    server = item.config.stash.get(_SERVER, None)
    if report.failed and server is not None and "flows" in getattr(item, "fixturenames", ()):
        from flows_server.testing import ServerError
        from flows_server.testing.exchanges import described

        try:
            shown = described(server.exchanges())
        except ServerError as error:
            shown = str(error)
        report.sections.append(("requests to the flows server", shown or _NO_REQUESTS))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the coverage to the main process of xdist, or fail the run if it is below the threshold."""
    config = session.config
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output["flows_coverage"] = config.stash[_REPORTS]
    elif session.exitstatus == pytest.ExitCode.OK and _shortfall(config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the coverage of an xdist worker. One that crashed has none."""
    node.config.stash[_REPORTS].extend(getattr(node, "workeroutput", {}).get("flows_coverage", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report the coverage, and what is missing if it is below the threshold."""
    if not config.stash[_REPORTS]:
        if _shortfall(config):
            terminalreporter.line("flows_coverage_min: no test has used the server.", red=True)
        return
    coverage = _coverage(config)
    terminalreporter.section("coverage of the contract")
    for operation, missing in coverage.missing.items() if _shortfall(config) else ():
        terminalreporter.line(f"{operation}: never {', '.join(missing)}")
    terminalreporter.line(f"{coverage.percent:.1f} % of {len(coverage.points)} operations")
    if _shortfall(config):
        terminalreporter.line(f"This is less than {_threshold(config):g} %.", red=True)


def _coverage(config: pytest.Config) -> Coverage:
    from flows_server.testing.coverage import merged

    reports: list[dict[str, Any]] = config.stash[_REPORTS]
    return merged(reports, called=not _option(config, "coverage_of"))


def _shortfall(config: pytest.Config) -> bool:
    threshold = _threshold(config)
    if threshold is None or config.option.collectonly:
        return False
    return not config.stash[_REPORTS] or _coverage(config).percent < threshold


def _threshold(config: pytest.Config) -> float | None:
    text = _option(config, "coverage_min")
    try:
        threshold = float(text) if text else None
    except ValueError as error:
        raise pytest.UsageError(f"flows_coverage_min: {text!r} is not a number of percent") from error
    if threshold is not None and not 0 <= threshold <= 100:
        raise pytest.UsageError(f"flows_coverage_min: {text!r} is not between 0 and 100")
    return threshold


def _option(config: pytest.Config, name: str) -> Any:
    """An option of the command line, or else of the configuration file."""
    return config.getoption(f"flows_{name}") or config.getini(f"flows_{name}")


def _path(config: pytest.Config, name: str) -> str | Path | None:
    """A path, which in the configuration file is relative to it."""
    if given := config.getoption(f"flows_{name}"):
        return str(given)
    text = str(config.getini(f"flows_{name}"))
    return text if text in ("", _DEFAULT_SEED) else config.rootpath / text
