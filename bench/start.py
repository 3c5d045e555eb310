"""How long the server takes from its command to its first answer, and where that goes."""

import collections
import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bench import report, servers

_STARTS = 5
_IMPORTED = "import app.cli.serve, app.cli.start, app.server.arbiter, app.logs"


def measure() -> dict[str, Any]:
    """Medians, in seconds: to the first answer of a new store and of one that is there, and the import time by package."""
    # An installation has its modules compiled.
    compileall.compile_dir(report.ROOT / "app", quiet=1)
    with tempfile.TemporaryDirectory(prefix="flows-bench-") as folder:
        new = [_first_answer(Path(folder, f"{number}.sqlite3")) for number in range(_STARTS)]
        again = [_first_answer(Path(folder, "0.sqlite3")) for _ in range(_STARTS)]
    return {
        "new store": statistics.median(new),
        "existing store": statistics.median(again),
        "spread": (max(again) - min(again)) / statistics.median(again),
        "imports": _imports(),
    }


def _first_answer(path: Path) -> float:
    port = servers.free_port()
    environment = {**os.environ, "FLOWS_DATABASE_URL": f"sqlite:///{path}", "FLOWS_PORT": str(port)}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{port}/api/v3/flows/instances/")
            except httpx.TransportError:
                time.sleep(0.002)
            else:
                return time.perf_counter() - started
        raise RuntimeError("The server does not start: try `flows serve`.")
    finally:
        process.terminate()
        process.wait(30)


def _imports() -> dict[str, float]:
    """Seconds that the modules of each package take by themselves, the ten slowest packages."""
    output = subprocess.run(  # noqa: S603  # the command is made here
        [sys.executable, "-W", "ignore", "-X", "importtime", "-c", _IMPORTED],
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    ).stderr
    spent: collections.Counter[str] = collections.Counter()
    for line in output.splitlines():
        own, _, module = line.removeprefix("import time:").partition("|")
        if own.strip().isdigit():
            spent[module.rpartition("|")[2].strip().partition(".")[0]] += int(own)
    return {package: microseconds / 1e6 for package, microseconds in spent.most_common(10)}
