"""Recorded requests carried out by two versions, each on a store of its own."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from functools import cache
from typing import Any

import httpx

from app.contract.document.contract import Contract
from app.contract.document.findings import Location
from app.contract.document.overlays import is_version, version_named
from app.contract.document.versions import read
from app.review.causes import Causes
from app.review.comparing.operations import Operation
from app.review.evidence import ignored_parts
from app.review.traffic import Exchange
from app.review.traffic_validator import TrafficValidator
from app.settings import Settings
from app.upgrade.comparison import Comparison
from app.upgrade.deployment import Deployment, InvalidRequest, Reply, Request, deployments
from app.upgrade.effects import Effect, Kind, Result
from app.upgrade.identifiers import Identifiers
from app.upgrade.seeding import Collections, Seed

_JSON = "application/json"
_BREAKING = frozenset({Kind.REFUSED, Kind.IGNORED, Kind.GONE, Kind.UNKNOWN})
_VALUES = frozenset({Kind.UNKNOWN, Kind.CHANGED})


def carry_out(
    settings: Settings,
    old: str,
    new: str,
    exchanges: Sequence[Exchange],
    load_version: Callable[[str], Contract],
    left_out: Iterable[str] = (),
    *,
    strict: bool = False,
) -> Result:
    """Carry out recorded requests by two versions, and compare the responses.

    :param settings: the path of the contract
    :param old: the name of the older version
    :param new: the name of the newer one
    :param exchanges: the recording
    :param load_version: loads a version that passes the boot checks
    :param left_out: the reasons why parts of the recording can't be used
    :param strict: whether the client rejects properties that it does not know
    :raises UnknownVersion: a version does not exist
    :raises ContractError: a version can't be served
    """
    old, new = version_named(old), version_named(new)
    contracts = read(settings.contract, old), read(settings.contract, new)
    with deployments(replace(settings, version=old), load_version(old), cache(load_version)) as servers:
        upgrade = _Upgrade((old, new), contracts, servers, _BREAKING | ({Kind.NEW} if strict else set()))
        upgrade.run(exchanges)
    return upgrade.result(left_out)


class _Upgrade:
    """The trial of an upgrade.

    :param names: the names of both versions
    :param contracts: their contracts
    :param servers: a server for each
    :param breaking: the kinds of effects that break the client
    """

    def __init__(
        self,
        names: tuple[str, str],
        contracts: tuple[Contract, Contract],
        servers: tuple[Deployment, Deployment],
        breaking: Set[Kind],
    ) -> None:
        self._breaking = breaking
        self._names = names
        self._contracts = contracts
        self._servers = servers
        self._validators = TrafficValidator(contracts[0]), TrafficValidator(contracts[1])
        self._comparison = Comparison(*contracts)
        self._causes = Causes(*contracts)
        self._collections = Collections(contracts[0])
        self._identifiers = Identifiers(self._collections.keys), Identifiers(self._collections.keys)
        self._files = {contract.public(file): file for contract in contracts for file in contract.texts}
        self._moment = 0
        self._compared: Counter[str] = Counter()
        self._effects: dict[tuple[Kind, str, str, str], Effect] = {}
        self._unused: Counter[str] = Counter()

    def run(self, exchanges: Sequence[Exchange]) -> None:
        """Carry out a recording."""
        before, _ = self._validators
        exchanges = [replace(one, path=self._path(one.path)) for one in exchanges]
        known = [(one, operation) for one in exchanges if (operation := before.operation(one)) is not None]
        self._unused[f"for no operation of {self._names[0]}"] += len(exchanges) - len(known)
        self._seed(self._collections.existing(known))
        for exchange, operation in known:
            self._carry_out(exchange, operation)

    def result(self, left_out: Iterable[str]) -> Result:
        """The result so far."""
        effects = sorted(
            self._effects.values(), key=lambda one: (one.operation, list(Kind).index(one.kind), one.property)
        )
        unused = [f"{count} request{'s' * (count != 1)} {why}" for why, count in self._unused.items() if count]
        return Result(*self._names, self._compared.total(), len(self._compared), tuple(effects), (*unused, *left_out))

    def _seed(self, seeds: list[Seed]) -> None:
        """Create objects on both servers; those that refer to others after these."""
        while seeds:
            left = [seed for seed in seeds if not self._created(seed)]
            if len(left) == len(seeds):
                break
            seeds = left

    def _created(self, seed: Seed) -> bool:
        """Whether an object could be created on both servers. Not every value of a response can be sent."""
        try:
            return self._create(seed)
        except (InvalidRequest, ValueError, RecursionError):
            return False

    def _create(self, seed: Seed) -> bool:
        """Create an object on both servers. :returns: whether it was created"""
        self._moment += 1
        replies = [self._post(which, seed.path, seed.recorded) for which in (0, 1)]
        if replies[0].status == httpx.codes.BAD_REQUEST:
            completed = seed.completed(_messages(replies[0]))
            replies = [self._post(which, seed.path, completed) for which in (0, 1)]
        for identifiers, reply in zip(self._identifiers, replies, strict=True):
            if not reply.is_error:
                identifiers.note(seed.recorded, reply.body)
        return not replies[0].is_error

    def _post(self, which: int, path: str, recorded: Any) -> Reply:
        identifiers = self._identifiers[which]
        body = httpx.Request("POST", "/", json=identifiers.value(recorded)).content
        request = Request("POST", identifiers.target(path, b""), _JSON, body)
        return self._servers[which].send(request, self._names[0], self._moment)

    def _carry_out(self, exchange: Exchange, operation: Operation) -> None:
        self._moment += 1
        if exchange.status >= httpx.codes.BAD_REQUEST:
            self._unused["rejected already when recorded"] += 1
            return
        if exchange.body is None and self._validators[1].operation(exchange) is None:
            # Whatever its body is.
            self._compared[operation.name] += 1
            self._note_refusal(exchange, operation, Reply(httpx.codes.NOT_FOUND, "", None))
            return
        if exchange.body is None:
            self._unused["whose body was not recorded"] += 1
            return
        try:
            was = self._send(0, exchange, self._names[0])
            now = self._send(1, exchange, self._names[1])
        except (InvalidRequest, RecursionError):
            self._unused["that can't be sent"] += 1
            return
        if now.is_error:
            # Later requests depend on the effects of this one.
            done = self._send(1, exchange, self._names[0])
            self._identifiers[1].note(exchange.response, done.body)
        else:
            self._identifiers[1].note(exchange.response, now.body)
        self._identifiers[0].note(exchange.response, was.body)
        if was.is_error:
            self._unused["for objects or secrets that the recording does not show"] += 1
            return
        self._compared[operation.name] += 1
        if now.is_error:
            self._note_refusal(exchange, operation, now)
        else:
            self._note_changes(exchange, operation, was, now)

    def _send(self, which: int, exchange: Exchange, version: str) -> Reply:
        identifiers = self._identifiers[which]
        content = exchange.body or b""
        request = Request(
            exchange.method,
            identifiers.target(exchange.path, exchange.query),
            exchange.content_type,
            identifiers.body(content, exchange.content_type) if content else b"",
        )
        return self._servers[which].send(request, version, self._moment)

    def _path(self, path: str) -> str:
        """The path of a request without the prefix of a proxy, or that of the older version."""
        prefix, base, rest = path.partition(f"{self._contracts[0].base_path}/")
        name = prefix.rpartition("/")[2]
        return path if is_version(name) and name != self._names[0] else base + rest or path

    def _note_refusal(self, exchange: Exchange, operation: Operation, now: Reply) -> None:
        if self._validators[1].operation(exchange) is None:
            place = self._contracts[0].locate(operation.pointer)
            self._note(exchange, operation, Kind.REFUSED, "", "there is no such operation", [place])
            return
        problem = now.body if isinstance(now.body, dict) else {}
        for error in problem.get("errors") or [{}]:
            name = str(error.get("member", ""))
            what = _said(problem.get("answer", problem), name) or f"the status is {now.status}"
            places = [*self._rule(error.get("contract", "")), *self._sent(exchange, name)]
            self._note(exchange, operation, Kind.REFUSED, name.replace("/", "."), what, places)

    def _sent(self, exchange: Exchange, member: str) -> Iterator[Location]:
        """The locations of a part of a request, in both contracts. :param member: the path to it in the body"""
        for contract, validator in zip(reversed(self._contracts), reversed(self._validators), strict=True):
            view = validator.sent(exchange)
            for step in member.split("/"):
                view = view.view(view.items if step.isdigit() else view.properties.get(step, ()))
            if view.position:
                yield contract.locate(view.position[0])
            elif (operation := validator.operation(exchange)) and (
                found := operation.parameters.get(("query", member))
            ):
                yield contract.locate(found[0])

    def _rule(self, text: str) -> list[Location]:
        """The location of a rule that a response names."""
        file, _, place = text.partition(":")
        line, _, column = place.partition(":")
        if file not in self._files or not (line.isdigit() and column.isdigit()):
            return []
        return [Location(self._files[file], int(line), int(column))]

    def _note_changes(self, exchange: Exchange, operation: Operation, was: Reply, now: Reply) -> None:
        before, after = self._validators
        taken = before.taken(exchange), after.taken(exchange)
        for name in ignored_parts(*taken, before.sent(exchange), after.sent(exchange)):
            self._note(exchange, operation, Kind.IGNORED, name, "has no effect", [])
        if was.status != now.status:
            self._note(exchange, operation, Kind.UNKNOWN, "", f"has the status {now.status}, it was {was.status}", [])
            return
        if was.media_type != now.media_type:
            what = f"has another media type: {now.media_type or '-'}, it was {was.media_type or '-'}"
            self._note(exchange, operation, Kind.UNKNOWN, "", what, [])
            return
        described = exchange.replied(was.status, was.media_type)
        views = before.in_responses(described), after.in_responses(described)
        for change in self._comparison.compare(was.body, now.body, *views):
            self._note(exchange, operation, change.kind, change.property, change.what, change.locations)

    def _note(
        self,
        exchange: Exchange,
        operation: Operation,
        kind: Kind,
        name: str,
        what: str,
        locations: Sequence[Location],
    ) -> None:
        # The first one of several values is an example.
        key = kind, operation.name, name, "" if kind in _VALUES else what
        if key not in self._effects:
            causes = self._causes.of([operation.name], *locations)
            self._effects[key] = Effect(kind, operation.name, name, what, kind in self._breaking, causes)
        known = self._effects[key]
        if exchange.name not in known.requests:
            known.requests.append(exchange.name)


def _messages(reply: Reply) -> Any:
    """The messages of a rejection by property."""
    return reply.body.get("answer", reply.body) if isinstance(reply.body, dict) else {}


def _said(messages: Any, name: str) -> str:
    """The messages for a property, or all of them."""
    for step in filter(None, name.split("/")):
        messages = messages.get(step, messages) if isinstance(messages, dict) else messages
    return " ".join(_texts(messages))


def _texts(messages: Any) -> list[str]:
    if isinstance(messages, str):
        return [messages]
    inner = messages.values() if isinstance(messages, dict) else messages if isinstance(messages, list) else ()
    return [text for one in inner for text in _texts(one)]
