"""Time the project and its peers in one interleaved run: A B C A B C ..., so that a noisy moment hits all of them."""

import contextlib
import os
import platform
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from app.store.schema.tables import flows
from bench import data, load, servers
from bench.operations import CREATED_PREFIX, FLOWS, OPERATIONS, Operation

T = TypeVar("T")

SERVER_CORE, LOAD_CORE = 0, 1
CONNECTIONS = 16
# Seconds of each run that is timed, and of the one before the first that is not.
SECONDS, WARM_UP = 0.5, 0.15


class WrongAnswers(Exception):
    """Answers were wrong or missing, so the figures mean nothing."""


@dataclass
class Figures:
    """What all runs of one server and one operation gave: a value for each run.

    :param rate: requests per second
    :param p50: milliseconds
    :param p99: milliseconds
    :param cpu: microseconds of processor time per request
    """

    rate: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Medians, and how far the rates lie apart: (greatest - least) / median."""
        medians = {name: statistics.median(values) for name, values in asdict(self).items()}
        return {**medians, "spread": (max(self.rate) - min(self.rate)) / medians["rate"]}

    def times(self, other: "Figures") -> float:
        """How often this does in the time in which another one does it once: of each round by itself, as the machine may be
        slower in another one, and then the median.
        """
        return statistics.median(own / others for own, others in zip(self.rate, other.rate, strict=True))


def compare(engine: str, names: Sequence[str], rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Time every operation of every server.

    :param engine: `sqlite` or `postgresql`
    :param names: the servers
    :param rounds: how often each is timed
    :param say: is told how far the run is
    :returns: medians by server and operation, with how often the first server does in the time in which this one does it once, and
        memory in MiB by server
    :raises WrongAnswers: a server answered anything else than it should
    """
    say("starting the servers")
    with serve(engine, names, FLOWS) as running:
        figures = interleave(running, OPERATIONS, rounds, say)
        memory = {name: server.memory() for name, server in running.items()}
    first = figures[names[0]]
    return {
        "servers": {
            name: {
                "memory": memory[name],
                "operations": {
                    key: {**found.summary(), "ratio": first[key].times(found)} for key, found in by_operation.items()
                },
            }
            for name, by_operation in figures.items()
        }
    }


@contextlib.contextmanager
def serve(
    engine: str, names: Sequence[str], count: int, stages: int = data.STAGES
) -> Iterator[dict[str, servers.Running]]:
    """Run servers on one core, each on a database of its own.

    :param count: flows in each
    :param stages: how many are bound to each flow
    """
    with (
        servers.databases(engine, names, lambda url: data.fill(url, count, stages), LOAD_CORE) as urls,
        servers.serve(urls, core=SERVER_CORE) as running,
    ):
        yield running


def interleave(
    running: Mapping[str, servers.Running],
    operations: Sequence[Operation],
    rounds: int,
    say: Callable[[str], None],
    *,
    seconds: float = SECONDS,
    connections: int = CONNECTIONS,
) -> dict[str, dict[str, Figures]]:
    """Time each operation of each server in turn, again and again.

    :param seconds: how long each run is
    :param connections: how many requests are under way at once
    :returns: by server and operation
    :raises WrongAnswers: a server answered anything else than it should
    """
    figures = {name: {operation.name: Figures() for operation in operations} for name in running}
    for turn in range(rounds):
        for operation in operations:
            say(f"round {turn + 1} of {rounds}, {operation.name}")
            # Another one comes first each time, and none twice in a row: requests of a run may be under way at its end.
            for name, server in _from(turn, list(running.items())):
                _time(server, operation, figures[name][operation.name], turn, seconds, connections)
                if operation.method == "POST":
                    remove_created(server.database)
    return figures


def _from(turn: int, servers: list[T]) -> list[T]:
    first = turn % len(servers)
    return servers[first:] + servers[:first]


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load": load.generator(),
    }


def _time(
    server: servers.Running, operation: Operation, figures: Figures, turn: int, seconds: float, connections: int
) -> None:
    first = turn * 1_000_000
    right = right_answer(server.url, operation, first)
    run = partial(load.run, server.url, operation, right, connections=connections, core=LOAD_CORE)
    if turn == 0:
        # What is imported, compiled and connected by the first requests stays.
        run(seconds=WARM_UP, first=first + 1)
    before = server.cpu_seconds()
    seen = run(seconds=seconds, first=first + 100_000)
    refuse_wrong(server.name, operation, seen)
    figures.rate.append(seen.rate)
    figures.p50.append(seen.p50)
    figures.p99.append(seen.p99)
    figures.cpu.append((server.cpu_seconds() - before) / seen.requests * 1e6)


def refuse_wrong(name: str, operation: Operation, seen: load.Measurement) -> None:
    """:raises WrongAnswers: a run saw an answer that was not right, or none at all"""
    if seen.errors or seen.wrong or not seen.requests:
        raise WrongAnswers(
            f"{name}, {operation.name}: {seen.wrong} wrong answers and {seen.errors} errors "
            f"in {seen.requests} requests. The run is void."
        )


def right_answer(url: str, operation: Operation, number: int) -> bytes:
    """What a server answers to one request. :raises WrongAnswers: it is of another status than it should be"""
    response = servers.ask(url, operation.method, operation.target(number), operation.content(number) or None)
    if response.status_code != operation.status:
        raise WrongAnswers(f"{operation.name} was answered {response.status_code}: {response.text[:200]}")
    return response.content


def remove_created(database: str) -> None:
    """Take away what a run created, so that each run finds the same flows, and no more dead rows than the others do."""
    engine = data.engine(database).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.delete(flows).where(flows.c.slug.startswith(CREATED_PREFIX)))
        if engine.dialect.name == "postgresql":
            # It would do so by itself, within a minute.
            connection.execute(sa.text("VACUUM flows"))


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
