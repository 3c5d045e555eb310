"""The effect of a change of the contract on recorded traffic."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.contract.document.contract import Contract
from app.review.comparing.differences import Side, listed
from app.review.comparing.discriminators import chosen
from app.review.comparing.objects import properties_of
from app.review.comparing.operations import Operation
from app.review.comparing.views import View
from app.review.traffic import Exchange
from app.review.traffic_validator import RequestOutcome, TrafficValidator

# The lowest status of error responses (RFC 9110, section 15).
_REFUSED = 400

# The maximum number of reasons that are listed for one response.
_NAMED = 4


@dataclass(frozen=True)
class Harm:
    """An exchange that the change would break.

    :param exchange: its name
    :param operation: the operation's name in the old contract
    :param why: the reason
    """

    exchange: str
    operation: str
    why: str


@dataclass(frozen=True)
class Evidence:
    """The effect of a change on recorded traffic.

    :param exchanges: the number of exchanges of operations in the old contract
    :param others: the number of other exchanges
    :param refused: requests that were accepted and would be rejected
    :param ignored: requests of which a part would no longer have an effect
    :param broken: responses that would be different
    :param left_out: the reasons why other parts of the recording were not used, a sentence each
    """

    exchanges: int
    others: int
    refused: tuple[Harm, ...]
    ignored: tuple[Harm, ...]
    broken: tuple[Harm, ...]
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        """A message, with the number and reasons of unused exchanges."""
        unused = list(self.left_out)
        if self.others:
            total, are = self.exchanges + self.others, "is" if self.others == 1 else "are"
            unused.insert(0, f"{self.others} of {total} requests {are} for no operation of the contract")
        return (
            f"Of {self.exchanges} recorded requests this change would have refused {len(self.refused)}, "
            f"ignored a part of {len(self.ignored)}, and broken {len(self.broken)} answers."
            + (f" Not used: {'; '.join(unused)}." if unused else "")
        )


def rate(old: Contract, new: Contract, traffic: Iterable[Exchange], left_out: Iterable[str] = ()) -> Evidence:
    """Validate recorded traffic by two contracts.

    :param left_out: the reasons why other parts of the recording can't be used

    Only accepted requests count: no change breaks one that was rejected. Only responses that are valid by the old contract count.
    """
    before, after = TrafficValidator(old), TrafficValidator(new)
    exchanges = 0
    elsewhere: list[str] = []
    refused, ignored, broken = [], [], []
    for exchange in traffic:
        operation = before.operation(exchange)
        if operation is None:
            elsewhere.append(exchange.path)
            continue
        exchanges += 1
        was, now = before.taken(exchange), after.taken(exchange)
        is_taken = exchange.status < _REFUSED and was.refused is None
        other = after.operation(exchange)

        def harm(why: str, exchange: Exchange = exchange, operation: Operation = operation) -> Harm:
            return Harm(exchange.name, operation.name, why)

        if other is None or other.shape != operation.shape:
            if is_taken:
                refused.append(harm(f"the path is that of {other.name}" if other else "there is no such operation"))
        elif is_taken and now.refused is not None:
            refused.append(harm(now.refused))
        else:
            if is_taken and (lost := ignored_parts(was, now, before.sent(exchange), after.sent(exchange))):
                ignored.append(harm(f"{listed(lost)} would have no effect"))
            if not before.breaches(exchange) and (why := _unfit(before, after, exchange)):
                broken.append(harm(why))
    unused = list(left_out)
    if elsewhere and not exchanges:
        bases = " or ".join(f"`{base}/`" for base in before.bases)
        unused.append(f"the API is at {bases}, and `{elsewhere[0]}` was asked for")
    return Evidence(exchanges, len(elsewhere), tuple(refused), tuple(ignored), tuple(broken), tuple(unused))


def ignored_parts(was: RequestOutcome, now: RequestOutcome, old: View, new: View) -> list[str]:
    """The parts of a request that have no effect by a new contract.

    :param was: the outcome by the old contract
    :param now: by the new one
    :param old: the schema of the body by the old contract
    :param new: by the new one
    """
    parameters = [name for name in was.parameters if name not in now.parameters]
    properties = [name for name in was.properties if name not in now.properties]
    inner = [name for name in _lost(was.properties, old, new, Side.REQUEST) if name not in properties]
    return [*parameters, *properties, *inner]


def _unfit(before: TrafficValidator, after: TrafficValidator, exchange: Exchange) -> str:
    """The reason why a response is invalid by the new contract; empty if it is valid.

    Additional properties break no client.
    """
    breaches = [breach.text for breach in after.breaches(exchange) if not breach.is_missing]
    reasons = breaches[:_NAMED]
    if len(breaches) > _NAMED:
        reasons.append(f"{len(breaches) - _NAMED} more")
    if lost := _lost(exchange.response, before.in_responses(exchange), after.in_responses(exchange), Side.ANSWER):
        reasons.append(f"{listed(lost)} would be gone")
    return "; ".join(reasons)


def _lost(value: Any, old: View, new: View, side: Side, path: str = "") -> list[str]:
    """The properties of a value that only the first contract describes, each once for any number of objects."""
    lost: list[str] = []
    old, new = chosen(old, value), chosen(new, value)
    if isinstance(value, list):
        for item in value:
            lost += _lost(item, old.view(old.items), new.view(new.items), side, path)
    elif isinstance(value, dict):
        known, still = properties_of(old, side), properties_of(new, side)
        for name in known:
            if name in value and name in still:
                inner = old.view(known[name]), new.view(still[name])
                lost += _lost(value[name], *inner, side, f"{path}{name}.")
            elif name in value and not new.others:
                lost.append(path + name)
    return list(dict.fromkeys(lost))
