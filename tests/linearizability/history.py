"""What clients asked and were answered, and when."""

import itertools
import math
import threading
import time
from dataclasses import dataclass
from typing import Any

from tests.linearizability.model import REFUSED, Get, List, described

# The result of an operation of which nobody can tell whether it took place: the connection ended, or the response was 503.
UNKNOWN = "unknown"


@dataclass
class Operation:
    """One operation of one client.

    :param number: its place in the order of invocations; what it writes are values with this number
    :param client: the client's number
    :param call: what was asked, from the specification
    :param invoked: the time before the request was sent, in seconds
    :param returned: the time after the response was read; infinite as long as there is none, and of an unknown result
    :param result: as the specification has it
    """

    number: int
    client: int
    call: Any
    invoked: float
    returned: float = math.inf
    result: Any = UNKNOWN

    @property
    def known(self):
        """Whether there is a result."""
        return self.result is not UNKNOWN

    @property
    def reads(self):
        """Whether it changes nothing in any order that explains its result."""
        return isinstance(self.call, Get | List) or self.result in REFUSED

    def describe(self, origin=0.0):
        """A line of text. :param origin: the time that counts as 0"""
        end = f"{1000 * (self.returned - origin):9.3f} ms" if self.known else "      ...   "
        result = described(self.result) if isinstance(self.result, frozenset) else self.result
        begin = f"{1000 * (self.invoked - origin):9.3f}"
        return f"#{self.number:<5} client {self.client:<3} {begin} to {end}  {self.call} -> {result}"


class History:
    """Operations of many clients on the same flows. Threads may record at once."""

    def __init__(self):
        self.operations = []
        self._numbers = itertools.count(1)
        self._recording = threading.Lock()

    def number(self):
        """The number of the next operation."""
        return next(self._numbers)

    def invoke(self, number, client, call):
        """Record that a request is about to be sent. :returns: the operation, for `settle`"""
        with self._recording:
            operation = Operation(number, client, call, time.monotonic())
            self.operations.append(operation)
        return operation

    def settle(self, operation, result):
        """Record a response. :param result: as the specification has it, or UNKNOWN"""
        if result is not UNKNOWN:
            operation.result, operation.returned = result, time.monotonic()

    def describe(self):
        """All operations as text, a line each."""
        origin = min((operation.invoked for operation in self.operations), default=0.0)
        return "\n".join(operation.describe(origin) for operation in self.operations)
