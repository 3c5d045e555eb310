"""Figures as charts, in SVG and PNG."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.operations import OPERATIONS
from bench.report import ENGINES, TITLES
from bench.servers import PROJECT, UNREMEMBERED

# Told apart in print and by readers who do not see red and green alike.
_OTHER, _INK = "#c3ccd3", "#24313a"
_COLOURS = {PROJECT: "#0b6e99", UNREMEMBERED: "#7fb3cc"}

mpl.rcParams.update(
    {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "text.color": _INK,
        "axes.labelcolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
        "svg.hashsalt": "flows",
    }
)


def throughput(figures: dict[str, Any], engine: str, path: Path) -> None:
    """Requests per second: a panel for each operation, a bar for each server.

    :param path: without a suffix; an SVG and a PNG are written
    """
    servers: dict[str, Any] = figures["engines"][engine]["servers"]
    names = [name for name in servers if name != "ceiling"][::-1]
    figure = Figure(figsize=(11, 0.55 + 0.36 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(OPERATIONS), sharey=True)
    for panel, operation in zip(panels, OPERATIONS, strict=True):
        rates = [servers[name]["operations"][operation.name]["rate"] for name in names]
        panel.barh(range(len(names)), rates, color=[_COLOURS.get(name, _OTHER) for name in names])
        for place, rate in enumerate(rates):
            panel.text(rate + max(rates) * 0.02, place, f"{rate:,.0f}", va="center", fontsize=8)
        panel.set_title(operation.name, fontsize=10, loc="left")
        panel.set_xlim(0, max(rates) * 1.3)
        panel.set_yticks(range(len(names)), [TITLES[name] for name in names])
        panel.set_xticks([])
        for side in ("top", "right", "bottom"):
            panel.spines[side].set_visible(False)
        panel.tick_params(left=False)
    _save(figure, path)


def growth(figures: dict[str, Any], path: Path) -> None:
    """p50 against the number of flows: a panel for each engine, a line for each request.

    :param path: without a suffix; an SVG and a PNG are written
    """
    scale: dict[str, Any] = figures["scale"]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    panels = figure.subplots(1, len(scale), sharey=True, squeeze=False)[0]
    for panel, (engine, found) in zip(panels, scale.items(), strict=True):
        for number, (name, points) in enumerate(found["p50"].items()):
            panel.plot(
                [int(size) for size in points],
                list(points.values()),
                label=name,
                marker="osD^vPX*"[number % 8],
                linewidth=1.4,
                markersize=5,
            )
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_title(ENGINES[engine], fontsize=10, loc="left")
        panel.set_xlabel("flows")
        panel.grid(visible=True, which="major", color="#e3e8eb")
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    panels[0].set_ylabel("p50, ms")
    panels[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    figure.savefig(path.with_suffix(".png"), dpi=150)
