"""Comparison of the alternatives of two schemas: `anyOf`, `oneOf` and `not`."""

from itertools import zip_longest

from app.review.comparing.differences import NOTHING, Change, Difference, Effect, Place, Rating, Side, digest, listed
from app.review.comparing.discriminators import compare_discriminators, keys_of
from app.review.comparing.enums import compare_enums
from app.review.comparing.pairs import Pair
from app.review.comparing.values import compare_null
from app.review.comparing.views import Group, Position, View

_ORDER = ("anyOf", "oneOf")


def compare_alternatives(pair: Pair) -> None:
    """Compare the alternatives of two schemas."""
    matched: dict[Position, Position] = {}
    for old, new in _paired(pair.old.groups, pair.new.groups):
        if old is None and new is not None:
            pair.note([_whole(pair.new, new, Place(new[1]), "is new", Effect.NARROWER)])
        elif new is None and old is not None:
            pair.note([_whole(pair.old, old, Place(old[1], old=True), "is gone", Effect.WIDER)])
        elif old is not None and new is not None:
            matched |= _compare_groups(pair, old, new)
    compare_discriminators(pair, matched)
    for before, after in zip_longest(pair.old.every("not"), pair.new.every("not")):
        if before is None:
            pair.note([_rule("not", after[1], Place(after[0]), "is new", Effect.NARROWER)])
        elif after is None:
            pair.note([_rule("not", before[1], Place(before[0], old=True), "is gone", Effect.WIDER)])
        else:
            pair.descend((before[0],), (after[0],), exact=True)


def _paired(old: list[Group], new: list[Group]) -> list[tuple[Group | None, Group | None]]:
    """The matching groups: those of one keyword in their order, then the remaining ones."""
    pairs: list[tuple[Group | None, Group | None]] = []
    left: tuple[list[Group], list[Group]] = ([], [])
    for keyword in _ORDER:
        before, after = ([group for group in groups if group[0] == keyword] for groups in (old, new))
        common = min(len(before), len(after))
        pairs += zip(before[:common], after[:common], strict=True)
        left[0].extend(before[common:])
        left[1].extend(after[common:])
    return [*pairs, *zip_longest(*left)]


def _whole(view: View, group: Group, place: Place, became: str, effect: Effect) -> Difference:
    schemas = [view.view(position).whole for position in group[2]]
    return _rule(group[0], schemas, place, became, effect)


def _rule(keyword: str, value: object, place: Place, became: str, effect: Effect) -> Difference:
    return Difference(
        keyword,
        place,
        f"the rule `{keyword}` {became}.",
        effect,
        "Send only values that keep to the rule.",
        "Be ready for values that did not keep to the rule.",
        f"{became} {digest(value)}",
    )


def compare_with_alternatives(pair: Pair) -> bool:
    """Compare two schemas if one of them has only alternatives, and the other one has none.

    :returns: whether they are such schemas
    """
    if bool(pair.old.groups) is bool(pair.new.groups):
        return False
    is_new = bool(pair.new.groups)
    several, one = (pair.new, pair.old) if is_new else (pair.old, pair.new)
    if len(several.groups) != 1 or several.says_more or not (one.is_typed or one.properties):
        return False
    pair.note(compare_null(pair.old, pair.new))
    group = several.groups[0]
    if several.listed is not None and one.enum is not None:
        pair.note(compare_enums(pair.old, pair.new))
        return True
    alone: Group = (group[0], one.place, [one.position])
    old, new = (alone, group) if is_new else (group, alone)
    if _matched(pair, old[2], new[2], by_order=False):
        compare_discriminators(pair, _compare_groups(pair, old, new))
    else:
        _note_rule(pair, group, is_new=is_new)
    return True


def _note_rule(pair: Pair, group: Group, *, is_new: bool) -> None:
    """Report that alternatives replaced a single schema, or the other way round, as one finding."""
    keyword, pointer, positions = group

    def fits(position: Position) -> bool:
        """Whether the alternative alone breaks no client."""
        old, new = (pair.old.position, position) if is_new else (position, pair.new.position)
        node = pair.compare(old, new, pair.side, exact=pair.exact)
        # An extension beside the alternatives applies to each of them.
        found = (
            change for change in node.reachable() if change not in node.changes or change.difference.rule[:2] != "x-"
        )
        return not any(change.rating is Rating.BREAKING or is_narrower(change) for change in found)

    def is_narrower(change: Change) -> bool:
        """Whether a property is declared of an object that accepted any properties."""
        is_sent = pair.side is Side.REQUEST and change.difference.rule == "member-added"
        return is_sent and is_new and not pair.old.properties

    view = pair.new if is_new else pair.old
    overlap = keyword == "oneOf" and not all(_is_disjoint(view, position, positions) for position in positions)
    # One alternative has to accept the requests; all have to match the responses that clients know.
    enough = any if is_new is (pair.side is Side.REQUEST) else all
    breaking = not enough(map(fits, positions))
    detail = f"the rule `{keyword}` {'is new' if is_new else 'is gone'}."
    advice = "Send only values that keep to the rule." if pair.side is Side.REQUEST else "Be ready for other values."
    if overlap and not breaking and is_new is (pair.side is Side.REQUEST):
        breaking = True
        detail = (
            f"{detail.removesuffix('.')}, and refuse{'s' if is_new else 'd'} values that two of its alternatives admit."
        )
        advice = "Send no value that two alternatives admit: it is refused."
        if not is_new:
            advice = "Be ready for values that two alternatives admitted before."
    values = f"{'is new' if is_new else 'is gone'} {digest([view.view(position).whole for position in positions])}"
    difference = Difference(keyword, Place(pointer, old=not is_new), detail, Effect.OTHER, values=values)
    rating = Rating.BREAKING if breaking else Rating.SAFE
    pair.note_as(rating, difference, advice if breaking else NOTHING)


def _compare_groups(pair: Pair, old: Group, new: Group) -> dict[Position, Position]:
    """Compare two lists of alternatives. :returns: the matching alternatives"""
    keyword = new[0] if len(new[2]) > 1 else old[0]
    matched = _matched(pair, old[2], new[2])

    def overlaps(view: View, position: Position, group: Group) -> bool:
        return group[0] == "oneOf" and not _is_disjoint(view, position, group[2])

    if old[0] != new[0]:
        overlap = any(overlaps(pair.new, position, ("oneOf", *new[1:])) for position in new[2])
        effect = Effect.HARMLESS if not overlap else Effect.WIDER if new[0] == "anyOf" else Effect.NARROWER
        detail = f"`{old[0]}` is `{new[0]}` now."
        request = "Send no value that two alternatives admit: it is refused."
        response = "Be ready for values that two alternatives admit."
        values = f"{old[0]} -> {new[0]}"
        pair.note([Difference(new[0], Place(new[1]), detail, effect, request, response, values)])
    for before, after in matched.items():
        # A value of two alternatives is rejected: when one accepts less, the whole accepts more.
        exact = overlaps(pair.old, before, old) or overlaps(pair.new, after, new)
        pair.descend(before, after, exact=exact)
    for position in old[2]:
        if position not in matched:
            effect = Effect.OTHER if overlaps(pair.old, position, old) else Effect.NARROWER
            _note(pair, keyword, pair.old, Place(position[0], old=True), position, effect)
    for position in new[2]:
        if position not in matched.values():
            effect = Effect.OTHER if overlaps(pair.new, position, new) else Effect.WIDER
            _note(pair, keyword, pair.new, Place(position[0]), position, effect)
    return matched


def _note(pair: Pair, keyword: str, view: View, place: Place, position: Position, effect: Effect) -> None:
    became = "gone" if place.old else "new"
    keys, alternative = keys_of(view, position), view.view(position)
    name = alternative.name
    which = f"the alternative `{name}`" if name is not None else "an alternative"
    request, response = "Send values of the other alternatives only.", "Be ready for values of the new alternative."
    if effect is Effect.OTHER:
        request = "Send no value that two alternatives admit: it is refused."
        response = "Be ready for values that two alternatives admitted before."
    elif keys:
        request, response = f"Send {listed(keys)} no more.", f"Be ready for {listed(keys)}."
    reported = [] if place.old and name is not None else [digest(alternative.whole)]
    values = " ".join(["an alternative is", became, *filter(None, (name,)), *reported])
    detail = f"{which} is {became} in `{keyword}`."
    pair.note([Difference(keyword, place, detail, effect, request, response, values)])


def _matched(
    pair: Pair, old: list[Position], new: list[Position], *, by_order: bool = True
) -> dict[Position, Position]:
    """The matching alternatives: those with one name, those with one value of a discriminator, those that are equal, and those
    without a name in their order.
    """

    def have_one_name(before: Position, after: Position) -> bool:
        return pair.old.view(before).name == pair.new.view(after).name is not None

    def have_one_key(before: Position, after: Position) -> bool:
        return bool(set(keys_of(pair.old, before)) & set(keys_of(pair.new, after)))

    def have_no_name(before: Position, after: Position) -> bool:
        return by_order and pair.old.view(before).name is None is pair.new.view(after).name

    matched: dict[Position, Position] = {}
    for are_same in (have_one_name, have_one_key, pair.are_equal, have_no_name):
        for before in old:
            left = [] if before in matched else [after for after in new if after not in matched.values()]
            if (found := next((after for after in left if are_same(before, after)), None)) is not None:
                matched[before] = found
    return matched


def _is_disjoint(view: View, position: Position, others: list[Position]) -> bool:
    """Whether no value of an alternative is valid by another one, judged by discriminator, types, enums and required properties."""
    one, keys = view.view(position), set(keys_of(view, position))
    return all(
        (keys and (further := set(keys_of(view, other))) and not keys & further) or _differ(one, view.view(other))
        for other in others
        if other != position
    )


def _differ(one: View, other: View) -> bool:
    if not one.types & other.types:
        return True
    if one.enum is not None and other.enum is not None and not one.enum.keys() & other.enum.keys():
        return not (one.admits_null and other.admits_null)
    return (one.types & other.types) == {"object"} and any(
        _differ(one.view(one.properties[name]), other.view(other.properties[name]))
        for name in one.required.keys() & other.required.keys()
        if name in one.properties and name in other.properties
    )
