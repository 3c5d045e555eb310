"""How the cost of a request grows with the number of flows and of what is bound to them, and throughput with connections."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from bench import compare, load, servers
from bench.operations import BASE, CREATE, FLOWS, LIST, RETRIEVE, Operation

SIZES = (100, 10_000, 1_000_000)
CONNECTIONS = (1, 4, 16, 64, 256)
# Stages of a flow.
BOUND = (3, 200)
_PAGE = 20
_CEILING = "ceiling"
# How often each server is timed by turns.
_ROUNDS = 3


def requests(size: int) -> list[Operation]:
    """What is asked of a store of so many flows."""
    pages = size // _PAGE
    return [
        _get("page 1", "page_size=20"),
        _get("page in the middle", f"page_size=20&page={pages // 2}"),
        _get("last page", f"page_size=20&page={pages}"),
        _get("filtered page 1", "page_size=20&designation=recovery"),
        _get("search, rare word", "page_size=20&search=aardvark"),
        _get("search, common word", "page_size=20&search=journey"),
        RETRIEVE,
        CREATE,
    ]


def grow(engine: str, sizes: Sequence[int], seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Time each request on stores of growing size, one connection. No answer is remembered: what is timed is the store.

    :returns: p50 in milliseconds by request and size, memory in MiB by size
    :raises WrongAnswers: an answer was wrong or missing
    """
    p50: dict[str, dict[str, float]] = {}
    memory: dict[str, float] = {}
    for size in sizes:
        say(f"filling a store with {size:,} flows")
        with compare.serve(engine, [servers.UNREMEMBERED], size) as running:
            server = running[servers.UNREMEMBERED]
            for operation in requests(size):
                say(f"{size:,} flows, {operation.name}")
                seen = _seen(server, operation, seconds, 1)
                p50.setdefault(operation.name, {})[str(size)] = seen.p50
            memory[str(size)] = server.memory()
    return {"p50": p50, "memory": memory}


def crowd(engine: str, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Throughput and p99 from 1 to 256 connections, on 100 flows, and what the HTTP server alone makes of so many.

    :returns: by request and number of connections: requests per second and p99 in milliseconds
    :raises WrongAnswers: an answer was wrong or missing
    """
    found: dict[str, Any] = {}
    with compare.serve(engine, [servers.PROJECT, _CEILING], FLOWS) as running:
        asked = [(running[servers.PROJECT], operation, operation.name) for operation in (LIST, RETRIEVE, CREATE)]
        for server, operation, name in (*asked, (running[_CEILING], RETRIEVE, "fixed bytes")):
            for connections in CONNECTIONS:
                say(f"{name}, {connections} connections")
                seen = _seen(server, operation, 2 * seconds, connections)
                found.setdefault(name, {})[str(connections)] = {"rate": seen.rate, "p99": seen.p99}
                compare.remove_created(server.database)
    return found


def burden(engine: str, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Throughput of the project and of FastAPI with the same statements, as more is bound to each flow.

    :returns: by request and number of stages: bytes of an answer, and requests per second by server
    :raises WrongAnswers: an answer was wrong or missing
    """
    names = [*servers.variants(engine), "fastapi_tuned"]
    operations = (RETRIEVE, _get("list 100", "page_size=100"))
    found: dict[str, Any] = {operation.name: {} for operation in operations}
    for stages in BOUND:
        say(f"starting the servers with {stages} stages to each flow")
        with compare.serve(engine, names, FLOWS, stages) as running:
            # Few, as an answer of nearly a megabyte for each takes a while.
            figures = compare.interleave(running, operations, _ROUNDS, say, seconds=seconds, connections=4)
            for operation in operations:
                found[operation.name][str(stages)] = {
                    "bytes": len(compare.right_answer(running[servers.PROJECT].url, operation, 0)),
                    "rates": {name: figures[name][operation.name].summary()["rate"] for name in names},
                }
    return found


def _seen(server: servers.Running, operation: Operation, seconds: float, connections: int) -> load.Measurement:
    first = connections * 1_000_000
    started = time.perf_counter()
    right = compare.right_answer(server.url, operation, first)
    # Slow requests are timed for longer, so that there are some of them.
    seconds = max(seconds, 5 * (time.perf_counter() - started))
    options: dict[str, Any] = {"connections": connections, "core": compare.LOAD_CORE}
    load.run(server.url, operation, right, seconds=seconds / 4, first=first + 1, **options)
    seen = load.run(server.url, operation, right, seconds=seconds, first=first + 400_000, **options)
    compare.refuse_wrong(server.name, operation, seen)
    return seen


def _get(name: str, query: str) -> Operation:
    return Operation(name, "GET", f"{BASE}?{query}", 200)
