"""What differs in who may call an operation."""

from collections.abc import Iterator
from typing import Any

from app.contract.source import Source
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

# What a client need not know of a security scheme.
_SAID_ONLY = frozenset({"description", "bearerFormat"})


def compare_access(old: Operation, new: Operation) -> Iterator[Difference]:
    """What differs in credentials and permissions."""
    yield from _credentials(old, new)
    yield from _schemes(old, new)
    yield from _permissions(old, new)
    before, after = (_beside_operations(operation) for operation in (old, new))
    if text_of(before) != text_of(after):
        detail = f"`{_PERMISSIONS}` of the path is another: it says who is answered 405, and who 403."
        yield Difference(_PERMISSIONS, place_of(before, after), detail, Effect.HARMLESS, values=step(before, after))


def _credentials(old: Operation, new: Operation) -> Iterator[Difference]:
    before, after = _requirements(old), _requirements(new)
    refused = [requirement for requirement in before if not any(_enough(requirement, other) for other in after)]
    further = [requirement for requirement in after if not any(_enough(requirement, other) for other in before)]
    place = place_of(old.inherited("security"), new.inherited("security"))
    values = f"{_shown(before)} -> {_shown(after)}"
    if {} in after and {} not in before:
        detail = "no credentials are needed any more: anybody may call it."
        # No client is broken; who looks after the API wants to know.
        safe = "Check that strangers may call it."
        yield Difference("security-dropped", place, detail, Effect.HARMLESS, values=values, safe=safe)
    elif refused:
        detail = f"it needs {_shown(after)}, it needed {_shown(before)}."
        yield Difference("security", place, detail, Effect.OTHER, f"Send {_shown(after)}.", values=values)
    elif further:
        detail = f"it takes {_shown(after)}, it took {_shown(before)}."
        yield Difference("security", place, detail, Effect.HARMLESS, values=values)


def _requirements(operation: Operation) -> list[Requirement]:
    """What is enough to call it; nothing at all if it is for everybody."""
    found = operation.inherited("security")
    requirements: list[Requirement] = found[1] if found is not None else []
    return requirements or [{}]


def _enough(sent: Requirement, needed: Requirement) -> bool:
    """Whether who meets one requirement meets the other one."""
    return all(name in sent and set(scopes) <= set(sent[name]) for name, scopes in needed.items())


def _shown(requirements: list[Requirement]) -> str:
    def one(requirement: Requirement) -> str:
        names = [f"{name} ({', '.join(scopes)})" if scopes else name for name, scopes in requirement.items()]
        return " and ".join(names) or "nothing"

    return " or ".join(one(requirement) for requirement in requirements)


def _schemes(old: Operation, new: Operation) -> Iterator[Difference]:
    """How the credentials that both ask for are sent."""
    names = {name for requirement in _requirements(old) for name in requirement}
    for name in sorted(names & {name for requirement in _requirements(new) for name in requirement}):
        (before_place, before), (after_place, after) = _scheme(old.source, name), _scheme(new.source, name)
        yield from compare_extensions_of((before_place, before), (after_place, after))
        for key in dict.fromkeys((*unextended(before), *unextended(after))):
            was = ((*before_place, key), before[key]) if key in before else None
            now = ((*after_place, key), after[key]) if key in after else None
            if text_of(was) != text_of(now):
                detail = f"`{key}` of the credentials {became(was, now)}."
                effect = Effect.TEXT if key in _SAID_ONLY else Effect.OTHER
                advice = "Send credentials in the new way."
                values = f"{key}: {step(was, now)}"
                if effect is Effect.TEXT:
                    detail = f"`{key}` of the credentials is another."
                yield Difference("security-scheme", place_of(was, now), detail, effect, advice, values=values)


def _scheme(source: Source, name: str) -> tuple[Any, dict[str, Any]]:
    place = ("components", "securitySchemes", name)
    try:
        return source.resolve(place, source.at(place))
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
    item = operation.source.at(pointer)
    return ((*pointer, _PERMISSIONS), item[_PERMISSIONS]) if _PERMISSIONS in item else None
