"""Search for an order of operations that explains all results: just-in-time linearization.

After Wing and Gong, "Testing and verifying concurrent objects" (1993), with the two improvements of Lowe, "Testing for
linearizability" (2017): configurations are remembered, and an operation takes effect only when a result calls for it.
"""

from dataclasses import dataclass
from typing import NamedTuple

from tests.linearizability.model import described

# Configurations at one moment. More are given up on: the history has too many operations at once, or of unknown result.
MOST = 200_000
# States before a window that are shown.
SHOWN = 5


class Undecided(Exception):
    """There are too many possible orders to look through."""


class Configuration(NamedTuple):
    """What may be the case at a moment.

    :param state: the flows
    :param done: numbers of pending operations with a known result that have taken effect
    :param perhaps: numbers of operations of unknown result that have
    """

    state: frozenset
    done: frozenset
    perhaps: frozenset


@dataclass(frozen=True)
class Violation:
    """A result that no order explains.

    :param operation: the operation that has it
    :param states: the states that were possible before the first operation of the window
    :param window: the operations that were under way since, in the order of their invocation
    :param earlier: operations before the window that wrote what the result shows
    """

    operation: object
    states: frozenset
    window: tuple
    earlier: tuple

    def __str__(self):
        origin = min(operation.invoked for operation in self.window)
        states = sorted(map(described, self.states))
        lines = [f"No order explains the result of #{self.operation.number}: {self.operation.call}."]
        lines += ["Before, the flows (slug=name/title) were one of:"]
        lines += [f"    {state}" for state in states[:SHOWN]]
        if len(states) > SHOWN:
            lines.append(f"    ... or one of {len(states) - SHOWN} others")
        lines.append("Then:")
        for operation in self.window:
            mark = ">" if operation is self.operation else " "
            lines.append(f"  {mark} {operation.describe(origin)}")
        if self.earlier:
            lines.append("Earlier, what the result shows was written by:")
            lines += [f"    {operation.describe(origin)}" for operation in self.earlier]
        return "\n".join(lines)


class Search:
    """All configurations that the operations so far admit.

    :param configurations: those at the beginning
    :param pending: operations under way at the beginning
    :param most: configurations that are kept at most
    """

    def __init__(self, configurations, pending, most):
        self.configurations = frozenset(configurations)
        self.pending = {operation.number: operation for operation in pending}
        self._most = most

    def invoke(self, operation):
        """An operation begins."""
        self.pending[operation.number] = operation
        if operation.reads:
            self.configurations = frozenset(map(self._read, self.configurations))

    def settle(self, operation):
        """An operation returns. No configuration is left if its result can't be explained."""
        number = operation.number
        stack, seen, explained = list(self.configurations), set(self.configurations), set()
        while stack:
            now = stack.pop()
            if number in now.done:
                explained.add(now._replace(done=now.done - {number}))
                continue
            for after in self._steps(now):
                if after not in seen:
                    seen.add(after)
                    stack.append(after)
            if len(seen) > self._most:
                raise Undecided(f"more than {self._most} configurations at #{number}")
        del self.pending[number]
        self.configurations = _least(explained)

    def _steps(self, now):
        """The configurations after one more operation that may change the state."""
        for number, operation in self.pending.items():
            if operation.reads or number in now.done or number in now.perhaps:
                continue
            state, result = operation.call.apply(now.state)
            if operation.known and result == operation.result:
                yield self._read(Configuration(state, now.done | {number}, now.perhaps))
            elif not operation.known and state != now.state:
                yield self._read(Configuration(state, now.done, now.perhaps | {number}))

    def _read(self, now):
        """Let all operations take effect that read this state: it is in nobody's way."""
        done = {
            number
            for number, operation in self.pending.items()
            if operation.reads and number not in now.done and operation.call.apply(now.state)[1] == operation.result
        }
        return now._replace(done=now.done | done) if done else now


def _least(configurations):
    """Configurations without those that differ from another one only in more operations of unknown result: they admit no more."""
    alike = {}
    for state, done, perhaps in sorted(configurations, key=lambda one: len(one.perhaps)):
        kept = alike.setdefault((state, done), [])
        if not any(one <= perhaps for one in kept):
            kept.append(perhaps)
    return frozenset(Configuration(*same, perhaps) for same, kept in alike.items() for perhaps in kept)


def check(operations, *, most=MOST):
    """Look for an order of operations that respects their times and explains their results.

    :param operations: all those on some flows, of which there were none at first
    :param most: configurations at one moment that are looked at
    :returns: None if there is an order, else the first result that none explains
    :raises Undecided: there are too many
    """
    # What was read without a result matters to nobody.
    operations = [one for one in operations if one.known or not one.reads]
    # At the same time counts as overlapping.
    events = sorted(
        [(one.invoked, False, one.number, one) for one in operations]
        + [(one.returned, True, one.number, one) for one in operations if one.known]
    )
    search = Search([Configuration(frozenset(), frozenset(), frozenset())], (), most)
    # At each invocation of an operation that is pending: the place of the event, and the search's state.
    moments = {}
    for place, (_, returns, number, operation) in enumerate(events):
        if not returns:
            moments[number] = place, search.configurations, tuple(search.pending.values())
            search.invoke(operation)
            continue
        search.settle(operation)
        if not search.configurations:
            begin, configurations, pending = moments[number]
            return _violation(operation, operations, events[begin : place + 1], configurations, pending, most)
        del moments[number]
    return None


def _violation(operation, operations, events, configurations, pending, most):
    """The violation that events end with, without operations that only read and do not matter to it."""

    def explained(without):
        search = Search(configurations, pending, most)
        for _, returns, number, one in events:
            if number not in without:
                (search.settle if returns else search.invoke)(one)
        return bool(search.configurations)

    window = {one.number: one for one in (*pending, *(event[3] for event in events))}
    without = set()
    for number, one in window.items():
        if one.reads and one is not operation and not explained(without | {number}):
            without.add(number)
    shown = operation.result if isinstance(operation.result, frozenset) else {operation.result}
    values = {value for flow in shown if isinstance(flow, tuple) for value in flow[1:]}
    return Violation(
        operation,
        frozenset(one.state for one in configurations),
        tuple(one for _, one in sorted(window.items()) if one.number not in without),
        tuple(one for one in operations if str(one.number) in values and one.number not in window),
    )
