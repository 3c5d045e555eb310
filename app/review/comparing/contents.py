"""What differs in what is sent: the body of a request, and the answers."""

from collections.abc import Iterator
from typing import Any

from app.contract.source import Pointer, Source
from app.review.comparing.differences import Difference, Effect, Found, Place, Side, place_of, step, text_of
from app.review.comparing.operations import Operation
from app.review.comparing.pairs import Compare, Node
from app.review.comparing.schemas import deprecation
from app.review.comparing.views import Position
from app.review.comparing.words import compare_words

Result = Difference | Node


def compare_bodies(old: Operation, new: Operation, compare: Compare) -> Iterator[Result]:
    """What differs in the body of a request. :param compare: compares schemas"""
    before, after = old.part("requestBody"), new.part("requestBody")
    if before is None or after is None:
        if after is not None:
            required = after[1].get("required") is True
            detail = f"it takes a body now{', and needs it' if required else ''}."
            effect = Effect.OTHER if required else Effect.HARMLESS
            yield Difference("body-added", Place((*new.pointer, "requestBody")), detail, effect, "Send a body.")
        elif before is not None:
            place = Place((*old.pointer, "requestBody"), old=True)
            advice = "Do not rely on what you send in a body."
            yield Difference("body-removed", place, "it takes no body any more.", Effect.OTHER, advice)
        return
    was, now = (body.get("required") is True for _, body in (before, after))
    if was is not now:
        place = place_of(_member(before, "required"), _member(after, "required"))
        detail = "the body is required now." if now else "the body is not required any more."
        effect = Effect.NARROWER if now else Effect.WIDER
        yield Difference("body-required", place, detail, effect, "Send a body.", values="yes" if now else "no")
    yield from compare_words([before], [after])
    yield from _compare_content(before, after, Side.REQUEST, compare)


def compare_answers(old: Operation, new: Operation, compare: Compare) -> Iterator[Result]:
    """What differs in the answers. :param compare: compares schemas"""
    before, after = old.node.get("responses", {}), new.node.get("responses", {})
    for code in before:
        if code in after:
            answers = _answer(old, code), _answer(new, code)
            yield from compare_words(answers[:1], answers[1:])
            yield from _compare_content(*answers, Side.ANSWER, compare)
            yield from _compare_headers(old.source, new.source, *answers, compare)
            yield from _compare_links(*answers)
        else:
            detail, advice = f"the answer {code} is gone.", f"Do not wait for a {code}."
            place = Place((*old.pointer, "responses", code), old=True)
            yield Difference("answer-removed", place, detail, Effect.OTHER, answer=advice)
    for code in after:
        if code not in before:
            # Clients take a refusal that they do not know for what its first digit says (RFC 9110, section 15).
            effect = Effect.OTHER if code.startswith(("2", "3")) else Effect.HARMLESS
            place = Place((*new.pointer, "responses", code))
            detail, advice = f"the answer {code} is new.", f"Be ready for a {code}."
            yield Difference("answer-added", place, detail, effect, answer=advice)


def _answer(operation: Operation, code: str) -> Found:
    return operation.source.resolve((*operation.pointer, "responses", code), operation.node["responses"][code])


def _compare_content(old: Found, new: Found, side: Side, compare: Compare) -> Iterator[Result]:
    """What differs in the media types, and in each that both have."""
    before, after = old[1].get("content", {}), new[1].get("content", {})
    sent = side is Side.REQUEST
    for name in before:
        where = (*old[0], "content", name)
        if name not in after:
            detail = f"the media type `{name}` is gone."
            advice = (
                f"Send {' or '.join(after) or 'nothing'}."
                if sent
                else f"Be ready for {' or '.join(after) or 'no body'}."
            )
            place = Place(where, old=True)
            yield Difference("media-type-removed", place, detail, Effect.OTHER, advice, advice, name)
            continue
        there = (*new[0], "content", name)
        yield compare(_schema(where, before[name]), _schema(there, after[name]), side)
        yield from compare_words([(where, before[name])], [(there, after[name])])
        was, now = _member((where, before[name]), "encoding"), _member((there, after[name]), "encoding")
        if text_of(was) != text_of(now):
            detail, advice = "`encoding` of the form's parts is another.", "Write the parts in the new way."
            yield Difference("encoding", place_of(was, now), detail, Effect.OTHER, advice, values=step(was, now))
    for name in after:
        if name not in before:
            place = Place((*new[0], "content", name))
            yield Difference(
                "media-type-added", place, f"the media type `{name}` is new.", Effect.HARMLESS, values=name
            )


def _schema(place: Pointer, media: dict[str, Any]) -> Position:
    return ((*place, "schema"),) if "schema" in media else ()


def _compare_headers(
    old_source: Source, new_source: Source, old: Found, new: Found, compare: Compare
) -> Iterator[Result]:
    before, after = old[1].get("headers", {}), new[1].get("headers", {})
    for name in before:
        place = (*old[0], "headers", name)
        if name not in after:
            detail = f"the header `{name}` is gone."
            yield Difference(
                "header-removed",
                Place(place, old=True),
                detail,
                Effect.OTHER,
                answer=f"Do without `{name}`.",
            )
            continue
        was = old_source.resolve(place, before[name])
        now = new_source.resolve((*new[0], "headers", name), after[name])
        always, still = (header.get("required") is True for _, header in (was, now))
        if always is not still:
            detail = f"the header `{name}` is {'always there now' if still else 'not always there any more'}."
            effect = Effect.NARROWER if still else Effect.WIDER
            where = place_of(_member(was, "required"), _member(now, "required"))
            yield Difference("header-required", where, detail, effect, answer=f"Be ready for no `{name}`.")
        yield compare(_schema(*was), _schema(*now), Side.ANSWER)
        yield from deprecation(_member(was, "deprecated"), _member(now, "deprecated"))
        yield from compare_words([was], [now])
    for name in after:
        if name not in before:
            place = (*new[0], "headers", name)
            yield Difference("header-added", Place(place), f"the header `{name}` is new.", Effect.HARMLESS)


def _compare_links(old: Found, new: Found) -> Iterator[Difference]:
    """Links say what else may be called; no call depends on them."""
    before, after = (answer[1].get("links", {}) for answer in (old, new))
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            became = "gone" if name not in after else "another" if name in before else "new"
            place = Place((*new[0], "links", name)) if name in after else Place((*old[0], "links", name), old=True)
            yield Difference("links", place, f"the link `{name}` is {became}.", Effect.TEXT, values=name)


def _member(owner: Found, key: str) -> Found | None:
    pointer, node = owner
    return ((*pointer, key), node[key]) if key in node else None
