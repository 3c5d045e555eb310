"""Figures as tables, for the terminal and for the documents."""

import json
from pathlib import Path
from typing import Any

from bench.operations import OPERATIONS
from bench.peers import PEERS
from bench.servers import PROJECT, UNREMEMBERED

ROOT = Path(__file__).parents[1]
LATEST = Path(__file__).with_name("results") / "latest.json"

TITLES = {
    PROJECT: "flows server",
    UNREMEMBERED: "flows server without response cache",
    **{peer.name: peer.title for peer in PEERS},
}
_FIXED = {peer.name for peer in PEERS if peer.fixed}
ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def read() -> dict[str, Any]:
    """The newest figures; empty if there are none."""
    return json.loads(LATEST.read_text("utf-8")) if LATEST.exists() else {}


def write(figures: dict[str, Any]) -> None:
    """Keep figures as the newest ones."""
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")


def details(figures: dict[str, Any], engine: str) -> str:
    """Everything that was measured on an engine, a line for each server and operation."""
    rows = [["", "", "requests/s", "spread", "p50 ms", "p99 ms", "CPU µs", "MiB"]]
    for name, server in figures["engines"][engine]["servers"].items():
        for operation, seen in server["operations"].items():
            rows.append(
                [
                    TITLES[name] if operation == OPERATIONS[0].name else "",
                    operation,
                    f"{seen['rate']:,.0f}",
                    f"{seen['spread']:.0%}",
                    f"{seen['p50']:.2f}",
                    f"{seen['p99']:.2f}",
                    f"{seen['cpu']:.0f}",
                    f"{server['memory']:.0f}" if operation == OPERATIONS[0].name else "",
                ]
            )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def ratios(figures: dict[str, Any], engine: str) -> str:
    """How much the project does in the time in which a peer does one, as a Markdown table."""
    servers = figures["engines"][engine]["servers"]
    own = servers[PROJECT]["operations"]
    names = [operation.name for operation in OPERATIONS]
    lines = [
        f"| {ENGINES[engine]} | " + " | ".join(names) + " |",
        "|---|" + "---:|" * len(names),
        "| flows server, requests/s | " + " | ".join(f"{own[name]['rate']:,.0f}" for name in names) + " |",
    ]
    for peer, server in servers.items():
        if peer == PROJECT:
            continue
        if peer == UNREMEMBERED:
            rates = [server["operations"][name]["rate"] for name in names]
            lines.append(
                "| without response cache, requests/s | " + " | ".join(f"{rate:,.0f}" for rate in rates) + " |"
            )
            continue
        found = [server["operations"][name]["ratio"] for name in names]
        if peer in _FIXED:
            lines.append(
                f"| relative to {TITLES[peer].lower()} | " + " | ".join(f"{ratio:.0%}" for ratio in found) + " |"
            )
        else:
            lines.append(f"| against {TITLES[peer]} | " + " | ".join(f"{ratio:.1f} x" for ratio in found) + " |")
    return "\n".join(lines)


def growth(figures: dict[str, Any], engine: str) -> str:
    """p50 in milliseconds by number of flows, and how it and the mean grow, as a Markdown table."""
    found = figures["scale"][engine]
    sizes = list(found["memory"])
    lines = [
        f"| {ENGINES[engine]}: p50, ms | "
        + " | ".join(f"{int(size):,} flows" for size in sizes)
        + " | growth | growth of the mean |",
        "|---|" + "---:|" * (len(sizes) + 2),
    ]
    for name, times in found["p50"].items():
        cells = [f"{times[size]:.2f}" for size in sizes]
        cells += [f"{found[growth][name]:,.1f} x" for growth in ("growth", "growth of the mean")]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    memory = found["memory"]
    lines.append("| memory, MiB | " + " | ".join(f"{memory[size]:.0f}" for size in sizes) + " | | |")
    return "\n".join(lines)


def crowd(figures: dict[str, Any], engine: str) -> str:
    """Throughput and p99 by number of connections, and what the most of them lose, as a Markdown table."""
    found = figures["scale"][engine]["connections"]
    counts = list(next(iter(found.values()))["rate"])
    lines = [
        f"| {ENGINES[engine]}: requests/s (p99, ms) | "
        + " | ".join(f"{count} connection{'s' if count != '1' else ''}" for count in counts)
        + " | 256 against the peak |",
        "|---|" + "---:|" * (len(counts) + 1),
    ]
    for name, seen in found.items():
        cells = [f"{seen['rate'][count]:,.0f} ({seen['p99'][count]:.1f})" for count in counts]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {0 - seen['fall']:.0%} |")
    return "\n".join(lines)


def burden(figures: dict[str, Any], engine: str) -> str:
    """Requests and bytes per second by what is bound to each flow, as a Markdown table."""
    found = figures["scale"][engine]["burden"]
    columns = [(name, stages, seen) for name, by_stages in found.items() for stages, seen in by_stages.items()]
    lines = [
        f"| {ENGINES[engine]}: requests/s (MB/s) | "
        + " | ".join(f"{name}, {stages} stages" for name, stages, _ in columns)
        + " |",
        "|---|" + "---:|" * len(columns),
        "| bytes of a response | " + " | ".join(f"{seen['bytes']:,}" for *_, seen in columns) + " |",
    ]
    for server in columns[0][-1]["rates"]:
        cells = [
            f"{seen['rates'][server]:,.0f} ({seen['rates'][server] * seen['bytes'] / 1e6:,.1f})" for *_, seen in columns
        ]
        lines.append(f"| {TITLES[server]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def start(figures: dict[str, Any]) -> str:
    """Seconds to the first response, and the imports, as Markdown."""
    found = figures["start"]
    imports = ", ".join(f"{package} {seconds:.2f}" for package, seconds in found["imports"].items())
    return (
        f"From the command to the first response: {found['existing store']:.2f} s, with a new store {found['new store']:.2f} s "
        f"(medians of 5, spread {found['spread']:.0%}). Seconds of import by package, as `-X importtime` has them: {imports}."
    )


def machine(figures: dict[str, Any]) -> str:
    """What the figures were measured on, in a sentence."""
    found = figures["machine"]
    return (
        f"{found['processor']}, {found['cores']} cores, Python {found['python']}, {found['system']}; load from {found['load']}; "
        f"medians of {figures['rounds']} interleaved rounds."
    )


def tables(figures: dict[str, Any]) -> dict[str, str]:
    """Every text of figures that has a place in the documents, by the name of the place."""
    found = {"machine": machine(figures)} if "rounds" in figures else {}
    for engine in figures.get("engines", {}):
        found[f"ratios {engine}"] = ratios(figures, engine)
    for engine, seen in figures.get("scale", {}).items():
        found[f"growth {engine}"] = growth(figures, engine)
        found[f"crowd {engine}"] = crowd(figures, engine)
        if "burden" in seen:
            found[f"burden {engine}"] = burden(figures, engine)
    if "start" in figures:
        found["start"] = start(figures)
    return found


def update(document: Path, name: str, text: str) -> None:
    """Put a text between `<!-- name -->` and `<!-- /name -->` in a document.

    :raises ValueError: the document has no such place
    """
    content = document.read_text("utf-8")
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = content.partition(begin)
    _, also, after = rest.partition(end)
    if not found or not also:
        raise ValueError(f"{document} has no place for the table: write {begin.strip()} and {end} where it belongs.")
    document.write_text(before + begin + text + "\n" + end + after, "utf-8")
