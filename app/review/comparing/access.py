"""Comparison of the credentials and permissions of operations."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.contract.document.contract import Contract
from app.review.comparing.differences import (
    Difference,
    Effect,
    Found,
    Place,
    became,
    names_in,
    place_of,
    step,
    text_of,
    unextended,
)
from app.review.comparing.extensions import compare_extensions_of
from app.review.comparing.operations import Operation

Requirement = dict[str, list[str]]

_PERMISSIONS = "x-required-permissions"

# Properties of a security scheme that clients need not know.
_SAID_ONLY = frozenset({"description", "bearerFormat"})

# Properties that define how credentials are sent.
_OF_THE_FORM = frozenset({"type", "scheme", "in", "name"})


def compare_access(old: Operation, new: Operation) -> Iterator[Difference]:
    """The differences in credentials and permissions."""
    yield from _credentials(old, new)
    yield from _schemes(old, new)
    yield from _permissions(old, new)
    before, after = (_beside_operations(operation) for operation in (old, new))
    if text_of(before) != text_of(after):
        detail = f"`{_PERMISSIONS}` of the path is another: it says who is answered 405, and who 403."
        yield Difference(_PERMISSIONS, place_of(before, after), detail, Effect.HARMLESS, values=step(before, after))


def _credentials(old: Operation, new: Operation) -> Iterator[Difference]:
    before, after = _requirements(old), _requirements(new, _renamed(old, new))
    refused = [requirement for requirement in before if not any(_enough(requirement, other) for other in after)]
    further = [requirement for requirement in after if not any(_enough(requirement, other) for other in before)]
    place = place_of(old.inherited("security"), new.inherited("security"))
    values = f"{_shown(before)} -> {_shown(after)}"
    if {} in after and {} not in before:
        detail = "no credentials are needed any more: anybody may call it."
        # No client breaks, but the operators of the API should check it.
        safe = "Check that strangers may call it."
        yield Difference("security-dropped", place, detail, Effect.HARMLESS, values=values, safe=safe)
    elif refused:
        detail = f"it needs {_shown(after)}, it needed {_shown(before)}."
        yield Difference("security", place, detail, Effect.OTHER, f"Send {_shown(after)}.", values=values)
    elif further:
        detail = f"it takes {_shown(after)}, it took {_shown(before)}."
        yield Difference("security", place, detail, Effect.HARMLESS, values=values)
    for name, former in _renamed(old, new).items():
        detail = f"these credentials were called `{former}`."
        yield Difference(
            "security-name", Place(("components", "securitySchemes", name)), detail, Effect.TEXT, values=former
        )


def _requirements(operation: Operation, names: Mapping[str, str] = {}) -> list[Requirement]:
    """The sufficient credentials of an operation; one without any if it is public.

    :param names: other names for some of the credentials
    """
    found = operation.inherited("security")
    requirements: list[Requirement] = found[1] if found is not None else []
    return [{names.get(name, name): scopes for name, scopes in one.items()} for one in requirements] or [{}]


def _renamed(old: Operation, new: Operation) -> dict[str, str]:
    """The old names of renamed credentials."""
    before, after = ({name for one in _requirements(operation) for name in one} for operation in (old, new))
    gone = {name: unextended(_scheme(old.contract, name)[1]) for name in before - after}
    return {
        name: former
        for name in sorted(after - before)
        for former, scheme in gone.items()
        if _sent(scheme) == _sent(now := _scheme(new.contract, name)[1]) and (_sent(now)[0] in _WHERE or scheme == now)
    }


# The places of credentials.
_WHERE = ("header", "query", "cookie")


def _enough(sent: Requirement, needed: Requirement) -> bool:
    """Whether a client that meets one requirement meets the other one."""
    return all(name in sent and set(scopes) <= set(sent[name]) for name, scopes in needed.items())


def _shown(requirements: list[Requirement]) -> str:
    def one(requirement: Requirement) -> str:
        names = [f"{name} ({', '.join(scopes)})" if scopes else name for name, scopes in requirement.items()]
        return " and ".join(names) or "nothing"

    return " or ".join(one(requirement) for requirement in requirements)


def _schemes(old: Operation, new: Operation) -> Iterator[Difference]:
    """The differences in how common credentials are sent."""
    names = {name for requirement in _requirements(old) for name in requirement}
    for name in sorted(names & {name for requirement in _requirements(new) for name in requirement}):
        before, after = _scheme(old.contract, name), _scheme(new.contract, name)
        yield from compare_extensions_of(before, after)
        properties = {key: (_property(before, key), _property(after, key)) for key in (*before[1], *after[1])}
        differing = [
            key for key, found in properties.items() if text_of(found[0]) != text_of(found[1]) and key[:2] != "x-"
        ]
        if "type" in differing or _sent(before[1]) == _sent(after[1]):
            sent = [key for key in differing if key in _OF_THE_FORM]
            differing = [key for key in differing if key not in _OF_THE_FORM]
            if sent:
                yield _form(before, after, *properties["type" if "type" in sent else sent[0]])
        for key in differing:
            was, now = properties[key]
            values = f"{key}: {step(was, now)}"
            if key in _SAID_ONLY:
                detail = f"`{key}` of the credentials is another."
                yield Difference("security-scheme", place_of(was, now), detail, Effect.TEXT, values=values)
            else:
                detail, advice = f"`{key}` of the credentials {became(was, now)}.", "Send credentials in the new way."
                yield Difference("security-scheme", place_of(was, now), detail, Effect.OTHER, advice, values=values)


def _form(old: Found, new: Found, was: Found | None, now: Found | None) -> Difference:
    """The difference in the form or the description of credentials: one finding for any number of properties."""
    before, after = _described(old[1]), _described(new[1])
    detail, advice = f"the credentials are {after}, they were {before}", "Send credentials in the new way."
    effect = Effect.OTHER
    if _sent(old[1]) == _sent(new[1]):
        detail, effect = f"{detail}, and are sent as before", Effect.HARMLESS
    return Difference(
        "security-scheme", place_of(was, now), f"{detail}.", effect, advice, values=f"{before} -> {after}"
    )


def _sent(scheme: dict[str, Any]) -> tuple[str | None, ...]:
    """The properties that identify credentials in a request.

    The names of headers and of schemes are case-insensitive (RFC 9110, sections 5.1 and 11.1).
    """
    kind, named = scheme.get("type"), str(scheme.get("scheme", "")).lower()
    if kind == "http":
        return "header", "authorization", named
    location, name = scheme.get("in"), str(scheme.get("name", ""))
    return (location, name.lower() if location == "header" else name, named) if kind == "apiKey" else (kind,)


def _described(scheme: dict[str, Any]) -> str:
    kind = scheme.get("type")
    if kind == "http":
        return f"`http {scheme.get('scheme')}`"
    return f"`apiKey` in the {scheme.get('in')} `{scheme.get('name')}`" if kind == "apiKey" else f"`{kind}`"


def _property(owner: Found, key: str) -> Found | None:
    pointer, node = owner
    return ((*pointer, key), node[key]) if key in node else None


def _scheme(contract: Contract, name: str) -> Found:
    place = ("components", "securitySchemes", name)
    try:
        return contract.resolve(place, contract.at(place))
    except KeyError:
        return place, {}


def _permissions(old: Operation, new: Operation) -> Iterator[Difference]:
    before, after = (names_in(operation.node.get(_PERMISSIONS)) for operation in (old, new))
    for index, name in enumerate(after):
        if name not in before:
            place = Place((*new.pointer, _PERMISSIONS, index))
            detail, advice = f"the permission `{name}` is needed as well.", f"Give your tokens `{name}`."
            yield Difference("permission-added", place, detail, Effect.OTHER, advice, values=name)
    for index, name in enumerate(before):
        if name not in after:
            place = Place((*old.pointer, _PERMISSIONS, index), old=True)
            detail = f"the permission `{name}` is not needed any more."
            safe = "Check which of your tokens can call it now."
            yield Difference("permission-removed", place, detail, Effect.HARMLESS, values=name, safe=safe)


def _beside_operations(operation: Operation) -> Found | None:
    pointer = operation.pointer[:2]
    item = operation.contract.at(pointer)
    return ((*pointer, _PERMISSIONS), item[_PERMISSIONS]) if _PERMISSIONS in item else None
