"""Comparison of request bodies and responses."""

from collections.abc import Iterable, Iterator
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.review.comparing.differences import (
    Difference,
    Effect,
    Found,
    Place,
    Side,
    digest,
    place_of,
    step,
    text_of,
    unextended,
)
from app.review.comparing.extensions import compare_extensions_of
from app.review.comparing.media_types import canonical, of_kind
from app.review.comparing.operations import Operation
from app.review.comparing.pairs import Compare, Node
from app.review.comparing.schemas import deprecation
from app.review.comparing.views import Position
from app.review.comparing.words import compare_words

Result = Difference | Node


def compare_bodies(old: Operation, new: Operation, compare: Compare) -> Iterator[Result]:
    """The differences in the body of a request. :param compare: compares schemas"""
    before, after = old.part("requestBody"), new.part("requestBody")
    if before is None or after is None:
        if after is not None:
            required = after[1].get("required") is True
            detail = f"it takes a body now{', and needs it' if required else ''}."
            effect = Effect.OTHER if required else Effect.HARMLESS
            place, values = Place((*new.pointer, "requestBody")), digest(after[1]) if required else ""
            yield Difference("body-added", place, detail, effect, "Send a body.", values=values)
        elif before is not None:
            place = Place((*old.pointer, "requestBody"), old=True)
            advice = "Do not rely on what you send in a body."
            yield Difference("body-removed", place, "it takes no body any more.", Effect.OTHER, advice)
        return
    was, now = (body.get("required") is True for _, body in (before, after))
    if was is not now:
        place = place_of(_property(before, "required"), _property(after, "required"))
        detail = "the body is required now." if now else "the body is not required any more."
        effect = Effect.NARROWER if now else Effect.WIDER
        yield Difference("body-required", place, detail, effect, "Send a body.", values="yes" if now else "no")
    yield from compare_words([before], [after])
    yield from compare_extensions_of(before, after)
    yield from _compare_content(before, after, Side.REQUEST, compare)


def compare_responses(old: Operation, new: Operation, compare: Compare) -> Iterator[Result]:
    """The differences in the responses. :param compare: compares schemas"""
    yield from compare_extensions_of(old.find("responses"), new.find("responses"))
    before, after = responses(old), responses(new)
    for code in before:
        if (there := _covering(after, code)) is not None:
            yield from _compare_response(old, new, code, there, compare)
        else:
            detail, advice = f"the answer {code} is gone.", f"Do not wait for a {code}."
            # Some codes of a range remain.
            effect = Effect.HARMLESS if any(_covering([code], left) for left in after) else Effect.OTHER
            place = Place((*old.pointer, "responses", code), old=True)
            yield Difference("answer-removed", place, detail, effect, response=advice)
    for code in after:
        if code not in before:
            here = _covering(before, code)
            if here is not None:
                yield from _compare_response(old, new, here, code, compare)
            # Clients treat an unknown error response by the first digit of its status (RFC 9110, section 15).
            effect = Effect.OTHER if here is None and code.startswith(("2", "3")) else Effect.HARMLESS
            place = Place((*new.pointer, "responses", code))
            detail, advice = f"the answer {code} is new.", f"Be ready for a {code}."
            values = "" if effect is Effect.HARMLESS else digest(_response(new, code)[1])
            yield Difference("answer-added", place, detail, effect, response=advice, values=values)


def responses(operation: Operation) -> dict[str, Any]:
    """The responses of an operation, by code."""
    found = operation.node.get("responses", {})
    return {code: response for code, response in found.items() if not code.startswith("x-")}


def _covering(codes: Iterable[str], code: str) -> str | None:
    """The code, the range or the `default` that describes the responses of a code (OpenAPI 3.0.3, "Responses Object")."""
    return next((known for known in (code, f"{code[:1]}XX", "default") if known in codes), None)


def _compare_response(old: Operation, new: Operation, was: str, now: str, compare: Compare) -> Iterator[Result]:
    responses = _response(old, was), _response(new, now)
    yield from compare_words(responses[:1], responses[1:])
    yield from compare_extensions_of(*responses)
    yield from _compare_content(*responses, Side.ANSWER, compare)
    yield from _compare_headers(old.contract, new.contract, *responses, compare)
    yield from _compare_links(*responses)


def _response(operation: Operation, code: str) -> Found:
    return operation.contract.resolve((*operation.pointer, "responses", code), operation.node["responses"][code])


def _compare_content(old: Found, new: Found, side: Side, compare: Compare) -> Iterator[Result]:
    """The differences in the media types, and in each common one."""
    before, after = old[1].get("content", {}), new[1].get("content", {})
    sent = side is Side.REQUEST
    for name in before:
        where = (*old[0], "content", name)
        there = next((other for other in after if canonical(other) == canonical(name)), None)
        if there is None and sent:
            there = of_kind(after, name)
        if there is None:
            detail = f"the media type `{name}` is gone."
            advice = (
                f"Send {' or '.join(after) or 'nothing'}."
                if sent
                else f"Be ready for {' or '.join(after) or 'no body'}."
            )
            # Some media types of a range remain.
            effect = Effect.HARMLESS if not sent and any(of_kind([name], left) for left in after) else Effect.OTHER
            place = Place(where, old=True)
            yield Difference("media-type-removed", place, detail, effect, advice, advice, name)
        else:
            media = (where, before[name]), ((*new[0], "content", there), after[there])
            yield from _compare_media(*media, side, compare)
    for name in after:
        if not any(canonical(other) == canonical(name) for other in before):
            pointer = (*new[0], "content", name)
            if not sent and (here := of_kind(before, name)) is not None:
                media = ((*old[0], "content", here), before[here]), (pointer, after[name])
                yield from _compare_media(*media, side, compare)
            detail = f"the media type `{name}` is new."
            yield Difference("media-type-added", Place(pointer), detail, Effect.HARMLESS, values=name)


def _compare_media(old: Found, new: Found, side: Side, compare: Compare) -> Iterator[Result]:
    yield compare(_schema(*old), _schema(*new), side)
    yield from compare_words([old], [new])
    yield from compare_extensions_of(old, new)
    was, now = _property(old, "encoding"), _property(new, "encoding")
    if text_of(was) != text_of(now):
        detail, advice = "`encoding` of the form's parts is another.", "Write the parts in the new way."
        yield Difference("encoding", place_of(was, now), detail, Effect.OTHER, advice, values=step(was, now))


def _schema(place: Pointer, media: dict[str, Any]) -> Position:
    return ((*place, "schema"),) if "schema" in media else ()


def _compare_headers(
    old_contract: Contract, new_contract: Contract, old: Found, new: Found, compare: Compare
) -> Iterator[Result]:
    before, after = _headers(old), _headers(new)
    for key, (place, name) in before.items():
        if key not in after:
            detail = f"the header `{name}` is gone."
            response = f"Do without `{name}`."
            yield Difference("header-removed", Place(place, old=True), detail, Effect.OTHER, response=response)
            continue
        was = old_contract.resolve(place, old_contract.at(place))
        now = new_contract.resolve(after[key][0], new_contract.at(after[key][0]))
        always, still = (header.get("required") is True for _, header in (was, now))
        if always is not still:
            detail = f"the header `{name}` is {'always there now' if still else 'not always there any more'}."
            effect = Effect.NARROWER if still else Effect.WIDER
            where = place_of(_property(was, "required"), _property(now, "required"))
            response, values = f"Be ready for no `{name}`.", "yes" if still else "no"
            yield Difference("header-required", where, detail, effect, response=response, values=values)
        yield compare(_schema(*was), _schema(*now), Side.ANSWER)
        yield from deprecation(_property(was, "deprecated"), _property(now, "deprecated"))
        yield from compare_words([was], [now])
        yield from compare_extensions_of(was, now)
    for key, (place, name) in after.items():
        if key not in before:
            yield Difference("header-added", Place(place), f"the header `{name}` is new.", Effect.HARMLESS)


def _headers(response: Found) -> dict[str, tuple[Pointer, str]]:
    """The place and the name of each header, by its case-insensitive name (RFC 9110, section 5.1)."""
    pointer, node = response
    named = {name.lower(): ((*pointer, "headers", name), name) for name in node.get("headers", {})}
    # It is ignored beside the media type (OpenAPI 3.0.3, "Response Object").
    named.pop("content-type", None)
    return named


def _compare_links(old: Found, new: Found) -> Iterator[Difference]:
    """The differences in links, on which no call depends."""
    before, after = (response[1].get("links", {}) for response in (old, new))
    for name in dict.fromkeys((*before, *after)):
        if name in before and name in after:
            places = ((*response[0], "links", name) for response in (old, new))
            yield from compare_extensions_of((next(places), before[name]), (next(places), after[name]))
        if unextended(before.get(name)) != unextended(after.get(name)):
            became = "gone" if name not in after else "another" if name in before else "new"
            place = Place((*new[0], "links", name)) if name in after else Place((*old[0], "links", name), old=True)
            values = f"{name} {digest([before.get(name), after.get(name)])}"
            yield Difference("links", place, f"the link `{name}` is {became}.", Effect.TEXT, values=values)


def _property(owner: Found, key: str) -> Found | None:
    pointer, node = owner
    return ((*pointer, key), node[key]) if key in node else None
