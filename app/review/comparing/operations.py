"""Comparison of operations: matching operations of two contracts, and the differences in how they are called."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.review.comparing.differences import Difference, Effect, Found, Place, digest, place_of, step, text_of
from app.review.comparing.extensions import compare_extensions_of

_PORTS = {"http": ":80", "https": ":443"}
_PARAMETER = re.compile(r"{([^{}]+)}")


@dataclass(frozen=True)
class Operation:
    """One operation of a contract.

    :param contract: the contract
    :param pointer: its place
    """

    contract: Contract
    pointer: Pointer

    @cached_property
    def node(self) -> dict[str, Any]:
        """The operation in the document."""
        node: dict[str, Any] = self.contract.at(self.pointer)
        return node

    @cached_property
    def path(self) -> str:
        """Its path."""
        return str(self.pointer[1])

    @cached_property
    def call(self) -> str:
        """Method and path for display."""
        return f"{str(self.pointer[2]).upper()} {self.path}"

    @cached_property
    def name(self) -> str:
        """The display name: its operationId if it has one."""
        return str(self.node.get("operationId", self.call))

    @cached_property
    def shape(self) -> tuple[str, Any]:
        """The identity of its calls: the path without the names of its parameters, and the method."""
        return _PARAMETER.sub("{}", self.path), self.pointer[2]

    @cached_property
    def path_parameters(self) -> list[str]:
        """The names of the parameters in its path, in their order."""
        return _PARAMETER.findall(self.path)

    def find(self, keyword: str) -> Found | None:
        """A part of the operation."""
        return ((*self.pointer, keyword), self.node[keyword]) if keyword in self.node else None

    def inherited(self, keyword: str) -> Found | None:
        """A part of the operation; of its path or of the document if it has none itself."""
        for pointer in (self.pointer, self.pointer[:2], ()):
            owner = self.contract.at(pointer)
            if keyword in owner:
                return (*pointer, keyword), owner[keyword]
        return None

    def part(self, keyword: str) -> Found | None:
        """A part of the operation, `$ref` followed."""
        return self.contract.resolve((*self.pointer, keyword), self.node[keyword]) if keyword in self.node else None

    @cached_property
    def extensions(self) -> dict[str, Found]:
        """Its `x-` properties."""
        return {key: ((*self.pointer, key), value) for key, value in self.node.items() if key.startswith("x-")}

    @cached_property
    def parameters(self) -> dict[tuple[str, str], tuple[Pointer, Found]]:
        """Its parameters by location and name: the place, and the value. Its own override those of its path."""
        found: dict[tuple[str, str], tuple[Pointer, Found]] = {}
        for owner in (self.pointer, self.pointer[:2]):
            for index, declared in enumerate(self.contract.at(owner).get("parameters", ())):
                place = (*owner, "parameters", index)
                pointer, parameter = self.contract.resolve(place, declared)
                found.setdefault((parameter["in"], parameter["name"]), (place, (pointer, parameter)))
        return found


def operations(contract: Contract) -> list[Operation]:
    """All operations of a contract."""
    return [Operation(contract, pointer) for pointer, *_ in contract.operations()]


def paired(old: Contract, new: Contract) -> Iterator[tuple[Operation | None, Operation | None]]:
    """The matching operations: by method and path, then the remaining ones by operationId."""
    before, after = operations(old), operations(new)
    by_shape = {operation.shape: operation for operation in after}
    by_name = {operation.name: operation for operation in after}
    shapes = {operation.shape for operation in before}
    pairs: dict[Operation, Operation | None] = {}
    for operation in before:
        match = by_shape.get(operation.shape)
        if match is None and (match := by_name.get(operation.name)) is not None and match.shape in shapes:
            match = None
        pairs[operation] = match
    yield from pairs.items()
    found = set(pairs.values())
    yield from ((None, operation) for operation in after if operation not in found)


def compare_calls(old: Operation | None, new: Operation | None) -> Iterator[Difference]:
    """The differences in how an operation is called, without its parameters, body and responses."""
    if old is None or new is None:
        if old is not None:
            place, detail = Place(old.pointer, old=True), f"the operation is gone ({old.call})."
            yield Difference("operation-removed", place, detail, Effect.OTHER, "Do without it.")
        elif new is not None:
            detail = f"the operation is new ({new.call})."
            yield Difference("operation-added", Place(new.pointer), detail, Effect.HARMLESS)
        return
    if _addresses(old) != _addresses(new):
        if old.shape != new.shape:
            detail, advice = f"it is called by {new.call}, it was by {old.call}.", f"Call {new.call}."
            values = f"{old.call} -> {new.call}"
            yield Difference("operation-moved", Place(new.pointer), detail, Effect.OTHER, advice, values=values)
        yield from _servers(old, new)
    yield from _names(old, new)
    yield from _tags(old, new)
    servers = (operation.inherited("servers") or ((), []) for operation in (old, new))
    yield from _extensions_of_servers(next(servers), next(servers))
    before, after = ((op.pointer[:2], op.contract.at(op.pointer[:2])) for op in (old, new))
    yield from compare_extensions_of(before, after)
    before, after = (operation.contract.at(operation.pointer[:2]).get("x-serves") for operation in (old, new))
    if before != after:
        where = Place((*new.pointer[:2], "x-serves")) if after else Place((*old.pointer[:2], "x-serves"), old=True)
        detail = f"it serves `{after}`, it served `{before}`."
        effect = Effect.OTHER if before and after else Effect.TEXT
        if effect is Effect.TEXT:
            detail = f"`x-serves` is {'new' if after else 'gone'}."
        advice = "Check whether these are the objects that you mean."
        yield Difference("x-serves", where, detail, effect, advice, values=f"{before} -> {after}")
    was, now = old.find("callbacks"), new.find("callbacks")
    if text_of(was) != text_of(now):
        place, advice, values = place_of(was, now), "Check what you are called with.", step(was, now)
        yield Difference("callbacks", place, "`callbacks` is another.", Effect.OTHER, advice, values=values)


def _names(old: Operation, new: Operation) -> Iterator[Difference]:
    before, after = old.find("operationId"), new.find("operationId")
    if text_of(before) != text_of(after):
        detail = f"the operationId was `{before[1]}`." if before else "the operationId is new."
        advice = f"Call `{after[1]}` once you generate the client anew." if after else "Name the operation yourself."
        yield Difference(
            "operationId", place_of(before, after), detail, Effect.OTHER, advice, values=f"{old.name} -> {new.name}"
        )
    for before_name, after_name in zip(old.path_parameters, new.path_parameters, strict=False):
        if before_name != after_name:
            detail = f"the path's parameter `{before_name}` is called `{after_name}` now."
            advice = f"Give it as `{after_name}` once you generate the client anew."
            yield Difference(
                "path-parameter-renamed",
                Place(new.pointer[:2]),
                detail,
                Effect.OTHER,
                advice,
                values=f"{before_name} -> {after_name}",
            )


def _tags(old: Operation, new: Operation) -> Iterator[Difference]:
    """The differences in tags: generated clients have a class for each tag, with its operations."""
    before, after = old.node.get("tags", []), new.node.get("tags", [])
    gone = [tag for tag in before if tag not in after]
    come = [tag for tag in after if tag not in before]
    for was, now in zip_longest(gone, come):
        if was is None:
            place = Place((*new.pointer, "tags", after.index(now)))
            yield Difference("tags", place, f"the tag `{now}` is new.", Effect.HARMLESS, values=f"+{now}")
            continue
        place = Place((*old.pointer, "tags", before.index(was)), old=True)
        detail, values = f"the tag `{was}` is gone.", f"-{was}"
        if now is not None:
            place = Place((*new.pointer, "tags", after.index(now)))
            detail, values = f"the tag is `{now}`, it was `{was}`.", f"{was} -> {now}"
        advice = f"Look for it below {', '.join(after) or 'the default'} once you generate the client anew."
        yield Difference("tags", place, detail, Effect.OTHER, advice, values=values)


def _servers(old: Operation, new: Operation) -> Iterator[Difference]:
    before, after = _urls(old), _urls(new)
    # A variable takes its default if a client gives no value.
    defaults = {_canonical(_filled(new.contract.at(place), by_default=True)) for place, _ in after.values()}
    gone = [key for key in before if key not in after and key not in defaults]
    come = [key for key in after if key not in before]
    for was, now in zip_longest(gone, come):
        if was is None:
            place, url = after[now]
            detail = f"the API is at `{url}` as well."
            yield Difference("servers", Place(place), detail, Effect.HARMLESS, values=f"+{url}")
            continue
        place, url = before[was]
        shown, detail, values = Place(place, old=True), f"the API is not at `{url}` any more.", f"-{url}"
        if now is not None:
            place, other = after[now]
            shown, detail, values = Place(place), f"the API is at `{other}`, it was at `{url}`.", f"{url} -> {other}"
        advice = f"Call it at {' or '.join(name for _, name in after.values()) or '/'}."
        yield Difference("servers", shown, detail, Effect.OTHER, advice, values=values)
    for key in before.keys() & after.keys():
        was, now = _variables(old, before[key][0]), _variables(new, after[key][0])
        if text_of(was) != text_of(now):
            url = after[key][1]
            detail, advice = f"the variables of `{url}` are others.", "Check the URL that you call."
            values = f"variables {url} {digest([was[1], now[1]])}"
            yield Difference("servers", Place(after[key][0]), detail, Effect.OTHER, advice, values=values)


def _extensions_of_servers(old: Found, new: Found) -> Iterator[Difference]:
    before, after = (
        {_canonical(server["url"]): ((*place, index), server) for index, server in enumerate(servers)}
        for place, servers in (old, new)
    )
    for key, server in before.items():
        yield from compare_extensions_of(server, after.get(key))


def _urls(operation: Operation) -> dict[str, tuple[Pointer, str]]:
    """The place and the URL of each server, by canonical URL."""
    pointer, servers = operation.inherited("servers") or ((), [])
    urls = {_canonical(_filled(server)): ((*pointer, index), server["url"]) for index, server in enumerate(servers)}
    # The default server is the root (OpenAPI 3.0.3, "OpenAPI Object").
    return urls or {"": ((), "/")}


def _filled(server: dict[str, Any], *, by_default: bool = False) -> str:
    """The URL of a server, with the values of its constant variables, or with the defaults of all."""
    url: str = server.get("url", "/")
    for name, variable in server.get("variables", {}).items():
        if by_default or _is_constant(variable):
            url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    return url


def _is_constant(variable: dict[str, Any]) -> bool:
    return "default" in variable and variable.get("enum") == [variable["default"]]


def _canonical(url: str) -> str:
    """The canonical form of a URL: without a trailing slash, the case of the host and the default port (RFC 3986, section 6.2)."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url.rstrip("/")
    host, slash, path = rest.partition("/")
    scheme = scheme.lower()
    host = host if "{" in host else host.lower()
    return f"{scheme}://{host.removesuffix(_PORTS.get(scheme, ' '))}{slash}{path}".rstrip("/")


def _addresses(operation: Operation) -> tuple[set[str], Any]:
    """The identity of its calls: the URLs with its path, without the names of its parameters, and the method."""
    path, method = operation.shape
    known = {text_of(_variables(operation, pointer)) for pointer, _ in _urls(operation).values()}
    return {f"{url}{path} {variables}" for url in _urls(operation) for variables in known}, method


def _variables(operation: Operation, pointer: Pointer) -> Found:
    """The variables of a server that can take several values."""
    variables = operation.contract.at(pointer).get("variables", {})
    return pointer, {name: variable for name, variable in variables.items() if not _is_constant(variable)}
