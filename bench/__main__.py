"""The command line of the benchmark: `python -m bench COMMAND`."""

import sys
import time
from functools import partial
from typing import Any, NoReturn

import click

from bench import report
from bench.peers import PEERS
from bench.report import ENGINES
from bench.servers import PROJECT, UNREMEMBERED, variants

DOCUMENT = report.ROOT / "docs" / "performance.md"
README = report.ROOT / "README.md"
IMAGES = report.ROOT / "docs" / "images"
PEER_NAMES = [peer.name for peer in PEERS]


@click.group()
def main() -> None:
    """Time the project and its peers. See docs/performance.md."""


@main.command()
@click.option("--engine", "engines", multiple=True, type=click.Choice(list(ENGINES)), help="Both if not given.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="How often each is timed.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([PROJECT, UNREMEMBERED, *PEER_NAMES]),
    help="Some servers only; keeps nothing.",
)
def compare(engines: tuple[str, ...], rounds: int, only: tuple[str, ...]) -> None:
    """Time all servers; keep the figures, the tables and the charts."""
    from bench import compare as comparison

    began = time.monotonic()
    figures = report.read()
    figures |= {"machine": comparison.machine(), "rounds": rounds}
    figures.setdefault("engines", {})
    try:
        for engine in engines or ENGINES:
            if not only:
                _prove(engine)
            names = list(only) or [*variants(engine), *PEER_NAMES]
            figures["engines"][engine] = comparison.compare(engine, names, rounds, partial(_say, engine))
            _say()
            click.echo(f"{engine}\n\n{report.details(figures, engine)}\n")
    except comparison.WrongAnswers as error:
        _fail(str(error))
    if only:
        return
    _keep(figures)
    from bench import chart

    for engine in figures["engines"]:
        click.echo(report.ratios(figures, engine) + "\n")
        chart.throughput(figures, engine, IMAGES / f"throughput-{engine}")
    click.echo(f"{report.machine(figures)} It took {time.monotonic() - began:.0f} seconds.")


@main.command()
@click.option("--engine", "engines", multiple=True, type=click.Choice(list(ENGINES)), help="Both if not given.")
@click.option(
    "--size", "sizes", multiple=True, type=int, help="Numbers of flows; 100, 10,000 and a million if not given."
)
@click.option("--seconds", default=1.0, show_default=True, help="How long each request is timed.")
def scale(engines: tuple[str, ...], sizes: tuple[int, ...], seconds: float) -> None:
    """Time the server with more and more flows, and more and more connections; keep the figures, the tables and the chart."""
    from bench import chart
    from bench import scale as scaling
    from bench.compare import WrongAnswers, machine

    figures = report.read()
    kept = figures.setdefault("scale", {})
    try:
        for engine in engines or ENGINES:
            say = partial(_say, engine)
            kept[engine] = scaling.grow(engine, sizes or scaling.SIZES, seconds, say)
            kept[engine]["connections"] = scaling.crowd(engine, seconds, say)
            kept[engine]["burden"] = scaling.burden(engine, seconds, say)
            _say()
            for table in (report.growth, report.crowd, report.burden):
                click.echo(table(figures, engine) + "\n")
    except WrongAnswers as error:
        _fail(str(error))
    figures.setdefault("machine", machine())
    _keep(figures)
    chart.growth(figures, IMAGES / "growth")


@main.command()
def start() -> None:
    """Time the start of the server; keep the figures."""
    from bench.start import measure

    figures = report.read()
    figures["start"] = measure()
    _keep(figures)
    click.echo(report.start(figures))


@main.command()
@click.option("--engine", default="sqlite", type=click.Choice(list(ENGINES)), show_default=True)
def check(engine: str) -> None:
    """Compare the answers of each peer with the project's; exit 1 if any differs."""
    _prove(engine)
    _say()
    click.echo("Every peer gives the same answers.")


def _prove(engine: str) -> None:
    from bench.peers.check import differences

    if found := differences(engine, PEERS, partial(_say, engine)):
        _fail("\n".join(found))


def _keep(figures: dict[str, Any]) -> None:
    """Keep figures, and put their tables where they belong."""
    report.write(figures)
    tables = report.tables(figures)
    for name, table in tables.items():
        report.update(DOCUMENT, name, table)
    if "ratios sqlite" in tables:
        report.update(README, "benchmark", tables["ratios sqlite"])


def _say(*parts: str) -> None:
    """Tell how far it is, in place of what was told before; nothing to clear the line."""
    click.echo(f"\r\033[K{': '.join(parts)} ..." if parts else "\r\033[K", nl=False, err=True)


def _fail(message: str) -> NoReturn:
    _say()
    click.echo(message, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m bench")
