"""The load generator: wrk where it is installed, a small client on uvloop otherwise. One thread, pinned to its own core."""

import asyncio
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

from bench.data import TOKEN
from bench.operations import Operation

SCRIPT = Path(__file__).with_name("wrk.lua")

# Seconds that a first answer is waited for.
PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one run of the load generator saw.

    :param requests: answers in all
    :param seconds: how long it ran
    :param errors: connections that broke, requests that were not answered
    :param wrong: answers of another status, or another body, than the right one
    :param p50: milliseconds that half of the requests took at most
    :param p99: milliseconds that 99 of 100 requests took at most
    """

    requests: int
    seconds: float
    errors: int
    wrong: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def generator() -> str:
    """The name of the load generator that is used."""
    return "wrk" if shutil.which("wrk") else "a client on uvloop (install wrk for one that costs less)"


def run(
    url: str,
    operation: Operation,
    right: bytes,
    *,
    seconds: float,
    connections: int,
    first: int = 0,
    core: int | None = None,
) -> Measurement:
    """Send one kind of request for some time.

    :param url: where the server is, without a path
    :param right: a right answer
    :param seconds: how long
    :param connections: how many requests are under way at once
    :param first: the number before that of the first request
    :param core: the processor core to run on
    """
    if shutil.which("wrk"):
        return _wrk(url, operation, right, seconds, connections, first, core)
    return _client(url, operation, right, seconds, connections, first, core)


def _wrk(
    url: str, operation: Operation, right: bytes, seconds: float, connections: int, first: int, core: int | None
) -> Measurement:
    with tempfile.NamedTemporaryFile() as file:
        file.write(right)
        file.flush()
        # wrk takes whole seconds only; it stops in an orderly way when it is interrupted.
        command = ["wrk", "-t1", f"-c{connections}", "-d3600s", "--timeout", "10s", "-s", str(SCRIPT), url, "--"]
        command += [operation.method, operation.path, TOKEN, str(operation.status), operation.body, str(first)]
        command += [file.name, "same" if operation.constant else "long"]
        process = subprocess.Popen(  # noqa: S603  # the command is made here
            command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: _pin(core)
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(2)
        output = process.communicate(timeout=30)[0]
    for line in output.splitlines():
        if line.startswith("RESULT "):
            return Measurement(**json.loads(line.removeprefix("RESULT ")))
    raise RuntimeError(f"wrk told no result:\n{output}")


def _pin(core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})


def _client(
    url: str, operation: Operation, right: bytes, seconds: float, connections: int, first: int, core: int | None
) -> Measurement:
    before = os.sched_getaffinity(0)
    _pin(core)
    try:
        return uvloop.run(_send_for(url, _Requests(url, operation, right, first), seconds, connections))
    finally:
        os.sched_setaffinity(0, before)


class _Requests:
    """What all connections share: the requests to send, and what came back."""

    def __init__(self, url: str, operation: Operation, right: bytes, first: int) -> None:
        self._operation = operation
        self._right = right
        self._number = first
        self._head = (
            f" HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
            f"Authorization: Bearer {TOKEN}\r\nAccept: application/json\r\n"
        )
        self._constant = self._encode() if operation.constant else b""
        self.times: list[float] = []
        self.errors = self.wrong = 0
        self.in_responses = asyncio.Event()

    def next(self) -> bytes:
        """The bytes of the next request."""
        if self._constant:
            return self._constant
        self._number += 1
        return self._encode()

    def take(self, status: int, body: bytes, seconds: float) -> None:
        """Count an answer."""
        self.times.append(seconds)
        self.in_responses.set()
        same = body == self._right if self._operation.constant else len(body) == len(self._right)
        self.wrong += status != self._operation.status or not same

    def _encode(self) -> bytes:
        body = self._operation.content(self._number)
        content = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        return (
            f"{self._operation.method} {self._operation.target(self._number)}{self._head}{content}\r\n{body}".encode()
        )


class _Connection(asyncio.Protocol):
    """One connection: the next request goes out when the answer is complete."""

    def __init__(self, requests: _Requests) -> None:
        self._requests = requests
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self.stopped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._requests.errors += not self.stopped

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self.stopped:
            return
        now = time.perf_counter()
        self._requests.take(self._parser.get_status_code(), b"".join(self._body), now - self._sent)
        self._body.clear()
        self._send()

    def stop(self) -> None:
        """Send nothing more."""
        self.stopped = True
        self._transport.close()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._requests.next())


async def _send_for(url: str, requests: _Requests, seconds: float, count: int) -> Measurement:
    loop = asyncio.get_running_loop()
    parts = urlsplit(url)
    started = time.perf_counter()
    connections = [
        (await loop.create_connection(lambda: _Connection(requests), parts.hostname, parts.port))[1]
        for _ in range(count)
    ]
    await asyncio.sleep(seconds)
    # A machine that is busy may not have answered anything by then.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(requests.in_responses.wait(), PATIENCE)
    elapsed = time.perf_counter() - started
    for connection in connections:
        connection.stop()
    times = requests.times or [0.0]
    cuts = statistics.quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    return Measurement(len(requests.times), elapsed, requests.errors, requests.wrong, cuts[49] * 1000, cuts[98] * 1000)
