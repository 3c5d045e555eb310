"""How the cost of a request grows with the number of flows and of what is bound to them, and throughput with connections."""

import contextlib
import statistics
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
_ROUNDS = 5
# Connections more often: a moment of noise costs many of them more than few.
_CROWD_ROUNDS = 9


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
    """Time each request on stores of growing size by turns, one connection. No answer is remembered: what is timed is the store.

    :returns: medians of p50 in milliseconds by request and size; how many times as long as the least store the greatest takes, by
        p50 and by the mean, which has what is put off until many need it: medians of all rounds; memory in MiB by size
    :raises WrongAnswers: an answer was wrong or missing
    """
    p50: dict[str, dict[str, float]] = {}
    growth: dict[str, float] = {}
    mean_growth: dict[str, float] = {}
    with contextlib.ExitStack() as stack:
        running: dict[int, servers.Running] = {}
        for size in sizes:
            say(f"filling a store with {size:,} flows")
            served = stack.enter_context(compare.serve(engine, [servers.UNREMEMBERED], size))
            running[size] = served[servers.UNREMEMBERED]
        for operations in zip(*map(requests, sizes), strict=True):
            name = operations[0].name
            seen: dict[int, list[load.Measurement]] = {size: [] for size in sizes}
            for turn in range(_ROUNDS):
                say(f"round {turn + 1} of {_ROUNDS}, {name}")
                for size, operation in zip(sizes, operations, strict=True):
                    seen[size].append(_seen(running[size], operation, seconds, 1, turn))
            p50[name] = {str(size): statistics.median(one.p50 for one in found) for size, found in seen.items()}
            rounds = list(zip(seen[sizes[0]], seen[sizes[-1]], strict=True))
            growth[name] = statistics.median(most.p50 / least.p50 for least, most in rounds)
            mean_growth[name] = statistics.median(least.rate / most.rate for least, most in rounds)
        return {
            "p50": p50,
            "growth": growth,
            "growth of the mean": mean_growth,
            "memory": {str(size): server.memory() for size, server in running.items()},
        }


def crowd(engine: str, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Throughput and p99 from 1 to 256 connections by turns, on 100 flows, and what the HTTP server alone makes of so many.

    :returns: by request: requests per second and p99 in milliseconds by number of connections, medians of all rounds; and the
        share of the throughput that the most connections lose against the best number, the median of what each round lost
    :raises WrongAnswers: an answer was wrong or missing
    """
    found: dict[str, Any] = {}
    with compare.serve(engine, [servers.PROJECT, _CEILING], FLOWS) as running:
        asked = [(running[servers.PROJECT], operation, operation.name) for operation in (LIST, RETRIEVE, CREATE)]
        for server, operation, name in (*asked, (running[_CEILING], RETRIEVE, "fixed bytes")):
            seen: dict[int, list[load.Measurement]] = {connections: [] for connections in CONNECTIONS}
            for turn in range(_CROWD_ROUNDS):
                say(f"round {turn + 1} of {_CROWD_ROUNDS}, {name}")
                for connections in CONNECTIONS:
                    seen[connections].append(_seen(server, operation, seconds, connections, turn))
                    compare.remove_created(server.database)
            found[name] = {
                "rate": {
                    str(count): statistics.median(one.rate for one in measured) for count, measured in seen.items()
                },
                "p99": {str(count): statistics.median(one.p99 for one in measured) for count, measured in seen.items()},
                "fall": lost([[one.rate for one in measured] for measured in seen.values()]),
            }
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


def lost(rates: list[list[float]]) -> float:
    """The share that is lost from the best number of connections to the last. :param rates: of each round, by connections"""
    best = max(rates, key=statistics.median)
    return statistics.median(1 - last / most for last, most in zip(rates[-1], best, strict=True))


def _seen(
    server: servers.Running, operation: Operation, seconds: float, connections: int, turn: int
) -> load.Measurement:
    first = (1000 * turn + connections) * 1_000_000
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
