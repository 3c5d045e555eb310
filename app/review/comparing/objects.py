"""Comparison of the properties of two objects, for one side of a call: without those that are only for the other side."""

from app.contract.document.contract import Pointer
from app.contract.validation.schemas import Direction
from app.review.comparing.differences import (
    NOTHING,
    Difference,
    Effect,
    Place,
    Rating,
    Side,
    became,
    digest,
    place_of,
    step,
    text_of,
)
from app.review.comparing.pairs import Pair
from app.review.comparing.views import Position, View

_OWNED_BY_OTHERS = {Side.REQUEST: Direction.REQUEST.value, Side.ANSWER: Direction.RESPONSE.value}


def properties_of(view: View, side: Side) -> dict[str, Position]:
    """The properties of an object on one side of a call."""
    return {name: position for name, position in view.properties.items() if _foreign(view, name, side) is None}


def _foreign(view: View, name: str, side: Side) -> Pointer | None:
    """The place that assigns a property to the other side; None if there is none."""
    found = view.view(view.properties[name]).last(_OWNED_BY_OTHERS[side])
    return found[0] if found is not None and found[1] is True else None


def compare_properties(pair: Pair) -> None:
    """Compare the properties of two schemas, declared and additional ones."""
    old, new = properties_of(pair.old, pair.side), properties_of(pair.new, pair.side)
    for name in dict.fromkeys((*old, *new)):
        if name in old and name in new:
            pair.descend(old[name], new[name])
            _compare_defaults(pair, name, old[name], new[name])
        elif name in old:
            _note_removed(pair, name, old[name])
        else:
            _note_added(pair, name, new[name])
    for name in dict.fromkeys((*pair.old.required, *pair.new.required)):
        is_foreign = any(
            name in view.properties and name not in here for view, here in ((pair.old, old), (pair.new, new))
        )
        # A removed property is already reported.
        if not is_foreign and (name in new or name not in old):
            _compare_required(pair, name, is_new=name in new and name not in old)
    _compare_others(pair)


def _note_removed(pair: Pair, name: str, position: Position) -> None:
    rule, place, detail, values = "member-removed", Place(position[0], old=True), "the member is gone.", ""
    if name in pair.new.properties:
        by = _foreign(pair.new, name, pair.side) or ()
        rule, place, detail, values = str(by[-1]), Place(by), f"the member is `{by[-1]}` now.", "yes"
    advice = {Side.REQUEST: f"Send `{name}` no more: it has no effect.", Side.ANSWER: f"Do without `{name}`."}
    if pair.side is Side.REQUEST and pair.new.others is None and name not in pair.new.properties:
        advice[Side.REQUEST] = f"Send `{name}` no more: it is refused."
    pair.note_as(Rating.BREAKING, Difference(rule, place, detail, Effect.OTHER, values=values), advice[pair.side])


def _note_added(pair: Pair, name: str, position: Position) -> None:
    rule, place, detail, values = "member-added", Place(position[0]), "the member is new.", ""
    rating, advice = Rating.BREAKING if pair.exact else Rating.SAFE, f"Check the type of `{name}`."
    if name in pair.old.properties:
        by = _foreign(pair.old, name, pair.side) or ()
        rule, place, detail, values = str(by[-1]), Place(by, old=True), f"the member is no longer `{by[-1]}`.", "no"
        rating = Rating.BREAKING
        advice = f"Do not send back the `{name}` that you were answered: it is stored now."
        if pair.side is Side.ANSWER:
            advice = f"Keep answers to yourself: they hold `{name}` now."
    elif pair.side is Side.REQUEST and name in pair.new.required and name not in pair.old.required:
        place, detail, values = Place(pair.new.required[name]), f"`{name}` is new, and required.", name
        rating, advice = Rating.BREAKING, f"Send `{name}`."
    elif pair.side is Side.ANSWER and pair.old.others is None:
        rating, advice = Rating.BREAKING, f"Be ready for `{name}`, where there was no further member."
    elif pair.old.others:
        pair.descend(pair.old.others, position)
    advice = NOTHING if rating is Rating.SAFE else advice
    if not place.old:
        values = f"{values} {digest(pair.new.view(position).whole)}".strip()
    pair.note_as(rating, Difference(rule, place, detail, Effect.OTHER, values=values), advice)


def _compare_required(pair: Pair, name: str, *, is_new: bool) -> None:
    before, after = pair.old.required.get(name), pair.new.required.get(name)
    if before is None and after is not None and not (is_new and pair.side is Side.REQUEST):
        detail, request = f"`{name}` is required now.", f"Send `{name}`."
        pair.note([Difference("required", Place(after), detail, Effect.NARROWER, request, values=f"+{name}")])
    elif before is not None and after is None:
        detail, response = f"`{name}` is not required any more.", f"Be ready for answers without `{name}`."
        place = Place(before, old=True)
        pair.note([Difference("required", place, detail, Effect.WIDER, response=response, values=f"-{name}")])


def _compare_defaults(pair: Pair, name: str, old: Position, new: Position) -> None:
    """Compare defaults, which matter if a property is optional in both contracts."""
    left_out = name not in pair.old.required and name not in pair.new.required
    before, after = pair.old.view(old), pair.new.view(new)
    for keyword in ("default", "x-create-default"):
        was, now = before.last(keyword), after.last(keyword)
        if text_of(was) == text_of(now):
            continue
        # The response for a new object differs, whether or not the property is required.
        matters = left_out or (keyword == "x-create-default" and pair.side is Side.ANSWER)
        pair.note(
            [
                Difference(
                    keyword,
                    place_of(was, now),
                    f"`{keyword}` {became(was, now)}.",
                    Effect.OTHER if matters else Effect.TEXT,
                    f"Send `{name}` if you rely on its default.",
                    f"Expect another `{name}` where it was left out.",
                    step(was, now),
                )
            ]
        )


def _compare_others(pair: Pair) -> None:
    """Compare additional properties, if one of the contracts accepts any for the same object."""
    before, after = pair.old.others, pair.new.others
    if before and after:
        pair.descend(before, after)
        return
    if before == after:
        return
    wider = before is None or (before and after is not None)
    if after is None:
        detail = "further members are not admitted any more."
    else:
        detail = "further members have a schema now." if after else "any further members are admitted now."
    pair.note(
        [
            Difference(
                "additionalProperties",
                place_of(pair.old.last("additionalProperties"), pair.new.last("additionalProperties")),
                detail,
                Effect.WIDER if wider else Effect.NARROWER,
                "Send no further members." if after is None else "Check the further members that you send.",
                "Be ready for further members.",
                f"{_kind(before)} -> {_kind(after)}{f' {digest(pair.new.view(after).whole)}' if after else ''}",
            )
        ]
    )


def _kind(others: Position | None) -> str:
    return "none" if others is None else "some" if others else "any"
