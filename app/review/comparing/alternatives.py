"""What differs between the alternatives of two schemas: `anyOf`, `oneOf` and `not`."""

from itertools import zip_longest

from app.contract.source import Pointer
from app.review.comparing.differences import Difference, Effect, Place
from app.review.comparing.pairs import Pair
from app.review.comparing.views import Position, View

Group = tuple[Pointer, list[Position]]


def compare_alternatives(pair: Pair) -> None:
    """Compare the alternatives of two schemas."""
    for keyword in ("anyOf", "oneOf"):
        for old, new in zip_longest(pair.old.alternatives(keyword), pair.new.alternatives(keyword)):
            if old is None:
                pair.note([_whole(keyword, Place(new[0]), "is new", Effect.NARROWER)])
            elif new is None:
                pair.note([_whole(keyword, Place(old[0], old=True), "is gone", Effect.WIDER)])
            else:
                _compare_groups(pair, keyword, old, new)
    for before, after in zip_longest(pair.old.every("not"), pair.new.every("not")):
        if before is None:
            pair.note([_whole("not", Place(after[0]), "is new", Effect.NARROWER)])
        elif after is None:
            pair.note([_whole("not", Place(before[0], old=True), "is gone", Effect.WIDER)])
        else:
            pair.descend((before[0],), (after[0],), exact=True)


def _whole(keyword: str, place: Place, became: str, effect: Effect) -> Difference:
    return Difference(
        keyword,
        place,
        f"the rule `{keyword}` {became}.",
        effect,
        "Send only values that keep to the rule.",
        "Be ready for values that did not keep to the rule.",
        became,
    )


def _compare_groups(pair: Pair, keyword: str, old: Group, new: Group) -> None:
    matched = _matched(pair, old[1], new[1])

    def overlaps(view: View, position: Position, others: list[Position]) -> bool:
        return keyword == "oneOf" and not _is_disjoint(view, position, others)

    for before, after in matched.items():
        # A value that two alternatives admit is refused: to admit less in one is to admit more in all.
        exact = overlaps(pair.old, before, old[1]) or overlaps(pair.new, after, new[1])
        pair.descend(before, after, exact=exact)
    for position in old[1]:
        if position not in matched:
            effect = Effect.OTHER if overlaps(pair.old, position, old[1]) else Effect.NARROWER
            _note(pair, keyword, Place(position[0], old=True), "an alternative is gone", effect)
    for position in new[1]:
        if position not in matched.values():
            effect = Effect.OTHER if overlaps(pair.new, position, new[1]) else Effect.WIDER
            _note(pair, keyword, Place(position[0]), "an alternative is new", effect)


def _note(pair: Pair, keyword: str, place: Place, detail: str, effect: Effect) -> None:
    request, answer = "Send values of the other alternatives only.", "Be ready for values of the new alternative."
    if effect is Effect.OTHER:
        request = "Send no value that two alternatives admit: it is refused."
        answer = "Be ready for values that two alternatives admitted before."
    pair.note([Difference(keyword, place, f"{detail} in `{keyword}`.", effect, request, answer, detail)])


def _matched(pair: Pair, old: list[Position], new: list[Position]) -> dict[Position, Position]:
    """Which alternatives are the same: those of one name, those that do not differ, and those without a name in their order."""

    def have_one_name(before: Position, after: Position) -> bool:
        return pair.old.view(before).name == pair.new.view(after).name is not None

    def have_no_name(before: Position, after: Position) -> bool:
        return pair.old.view(before).name is None is pair.new.view(after).name

    matched: dict[Position, Position] = {}
    for are_same in (have_one_name, pair.are_equal, have_no_name):
        for before in old:
            left = [] if before in matched else [after for after in new if after not in matched.values()]
            if (found := next((after for after in left if are_same(before, after)), None)) is not None:
                matched[before] = found
    return matched


def _is_disjoint(view: View, position: Position, others: list[Position]) -> bool:
    """Whether no value of an alternative fits another one, as far as types, enums and required members tell."""
    one = view.view(position)
    return all(_differ(one, view.view(other)) for other in others if other != position)


def _differ(one: View, other: View) -> bool:
    if not one.types & other.types:
        return True
    if one.enum is not None and other.enum is not None and not one.enum.keys() & other.enum.keys():
        return True
    return (one.types & other.types) == {"object"} and any(
        _differ(one.view(one.members[name]), other.view(other.members[name]))
        for name in one.required.keys() & other.required.keys()
        if name in one.members and name in other.members
    )
