"""The command line of the benchmark: `python -m bench COMMAND`."""

import sys

import click

from bench import report
from bench.peers import PEERS
from bench.servers import PROJECT, UNREMEMBERED

DOCUMENT = report.ROOT / "docs" / "performance.md"
README = report.ROOT / "README.md"
IMAGES = report.ROOT / "docs" / "images"
PEER_NAMES = [peer.name for peer in PEERS]


@click.group()
def main() -> None:
    """Time the project and its peers. See docs/performance.md."""


@main.command()
@click.option(
    "--engine", "engines", multiple=True, type=click.Choice(["sqlite", "postgresql"]), help="Both if not given."
)
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

    figures = report.read()
    figures |= {"machine": comparison.machine(), "rounds": rounds}
    figures.setdefault("engines", {})
    try:
        for engine in engines or ("sqlite", "postgresql"):
            if not only:
                _prove(engine)
            # Only an embedded database lets the server remember answers.
            variants = [PROJECT, UNREMEMBERED] if engine == "sqlite" else [PROJECT]
            names = list(only) or [*variants, *PEER_NAMES]
            figures["engines"][engine] = comparison.compare(engine, names, rounds, _say)
            _say("")
            click.echo(f"{engine}\n\n{report.details(figures, engine)}\n")
    except comparison.WrongAnswers as error:
        click.echo(f"\n{error}", err=True)
        sys.exit(1)
    if only:
        return
    report.write(figures)
    from bench import chart

    for engine in figures["engines"]:
        click.echo(report.ratios(figures, engine) + "\n")
        chart.throughput(figures, engine, IMAGES / f"throughput-{engine}")
        report.update(DOCUMENT, f"ratios {engine}", report.ratios(figures, engine))
    report.update(README, "benchmark", report.ratios(figures, "sqlite"))
    report.update(DOCUMENT, "machine", report.machine(figures))
    click.echo(report.machine(figures))


@main.command()
@click.option(
    "--engine", "engines", multiple=True, type=click.Choice(["sqlite", "postgresql"]), help="Both if not given."
)
@click.option(
    "--size", "sizes", multiple=True, type=int, help="Numbers of flows; 100, 10,000 and a million if not given."
)
@click.option("--seconds", default=2.0, show_default=True, help="How long each request is timed.")
def scale(engines: tuple[str, ...], sizes: tuple[int, ...], seconds: float) -> None:
    """Time the server with more and more flows, and more and more connections; keep the figures, the tables and the chart."""
    from bench import chart
    from bench import scale as scaling
    from bench.compare import WrongAnswers, machine

    figures = report.read()
    kept = figures.setdefault("scale", {})
    try:
        for engine in engines or ("sqlite", "postgresql"):
            kept[engine] = scaling.grow(engine, sizes or scaling.SIZES, seconds, _say)
            kept[engine]["connections"] = scaling.crowd(engine, seconds, _say)
            _say("")
            click.echo(f"{report.growth(figures, engine)}\n\n{report.crowd(figures, engine)}\n")
    except WrongAnswers as error:
        click.echo(f"\n{error}", err=True)
        sys.exit(1)
    figures.setdefault("machine", machine())
    report.write(figures)
    chart.growth(figures, IMAGES / "growth")
    for engine in kept:
        report.update(DOCUMENT, f"growth {engine}", report.growth(figures, engine))
        report.update(DOCUMENT, f"crowd {engine}", report.crowd(figures, engine))


@main.command()
def start() -> None:
    """Time the start of the server; keep the figures."""
    from bench.start import measure

    figures = report.read()
    figures["start"] = measure()
    report.write(figures)
    report.update(DOCUMENT, "start", report.start(figures))
    click.echo(report.start(figures))


@main.command()
@click.option("--engine", default="sqlite", type=click.Choice(["sqlite", "postgresql"]), show_default=True)
def check(engine: str) -> None:
    """Compare the answers of each peer with the project's; exit 1 if any differs."""
    _prove(engine)
    _say("")
    click.echo("Every peer gives the same answers.")


def _prove(engine: str) -> None:
    from bench.peers.check import check as check_peer

    found: list[str] = []
    for peer in PEERS:
        _say(f"{engine}: comparing the answers of {peer.title}")
        found += [f"{peer.title}: {sentence}" for sentence in check_peer(engine, peer)]
    if found:
        click.echo("\r\033[K" + "\n".join(found), err=True)
        sys.exit(1)


def _say(sentence: str) -> None:
    click.echo(f"\r\033[K{sentence} ..." if sentence else "\r\033[K", nl=False, err=True)


if __name__ == "__main__":
    main(prog_name="python -m bench")
