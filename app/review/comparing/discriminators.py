"""Comparison of discriminators: the property that selects an alternative, and the meaning of its values."""

from collections.abc import Mapping
from typing import Any

from app.contract.document.contract import Pointer, parse_reference
from app.review.comparing.differences import Difference, Effect, Place, listed
from app.review.comparing.pairs import Pair
from app.review.comparing.views import Position, View


def keys_of(view: View, position: Position) -> list[str]:
    """The values by which a discriminator selects one of the alternatives of a view; none if there is no discriminator.

    A component without a mapped value is selected by its name (OpenAPI 3.0.3, "Discriminator Object").
    """
    found, name = view.last("discriminator"), view.view(position).name
    if found is None or name is None:
        return []
    return [key for key, target in _mapping(found[1]).items() if target == name] or [name]


def chosen(view: View, value: Any) -> View:
    """The alternative that a discriminator selects for a value, with the keywords beside it; the view itself if it selects none."""
    found = view.last("discriminator")
    key = value.get(found[1]["propertyName"]) if found is not None and isinstance(value, dict) else None
    for _, _, positions in view.groups if isinstance(key, str) else ():
        for position in positions:
            if key in keys_of(view, position):
                return view.view((*view.position, *position)) if view.says_more else view.view(position)
    return view


def _mapping(discriminator: Mapping[str, Any]) -> dict[str, str]:
    """The name of the component that each value is mapped to."""
    return {key: _name(target) for key, target in discriminator.get("mapping", {}).items()}


def _name(target: str) -> str:
    try:
        pointer = parse_reference(target)
    except KeyError:
        return target
    return str(pointer[2]) if pointer[:2] == ("components", "schemas") and len(pointer) == 3 else target


def compare_discriminators(pair: Pair, matched: Mapping[Position, Position]) -> None:
    """Compare the meaning of values. A new or removed discriminator is reported like any other keyword.

    :param matched: the matching alternatives
    """
    old, new = pair.old.last("discriminator"), pair.new.last("discriminator")
    if old is None or new is None:
        return
    before, after = old[1]["propertyName"], new[1]["propertyName"]
    if before != after:
        detail = f"alternatives are told apart by `{after}`, it was by `{before}`."
        request, response = f"Send `{after}`.", f"Tell alternatives apart by `{after}`."
        place, values = Place((*new[0], "propertyName")), f"propertyName {before} -> {after}"
        pair.note([Difference("discriminator", place, detail, Effect.OTHER, request, response, values)])
    was, now = _meanings(pair.old), _meanings(pair.new)
    same = {pair.old.view(one).name: pair.new.view(other).name for one, other in matched.items()}
    # A new or removed alternative is reported by itself.
    new_names = _components(pair.new) - set(same.values())
    gone_names = _components(pair.old) - same.keys()
    # The name of a component that lost its mapped value is not reported as a new value.
    mapped = _mapping(new[1])
    unmapped = {name for key, name in _mapping(old[1]).items() if mapped.get(key) != same.get(name, name)}
    for key in dict.fromkeys((*was, *now)):
        one, other = was.get(key), now.get(key)
        if one is None and key == other and key not in mapped and key in {same.get(name, name) for name in unmapped}:
            continue
        if one is None and other is not None and other not in new_names:
            detail = f"the value `{key}` of `{after}` is new: it means `{other}`."
            _note(pair, _place(new, key), detail, Effect.WIDER, key, f"+{key}: {other}")
        elif other is None and one is not None and one not in gone_names:
            detail = f"the value `{key}` of `{before}` is gone: it meant `{one}`."
            _note(pair, Place(_place(old, key).pointer, old=True), detail, Effect.NARROWER, key, f"-{key}: {one}")
        elif one is not None and other is not None and same.get(one, one) != other and not _are_equal(pair, one, other):
            detail = f"`{key}` means `{other}`, it meant `{one}`."
            _note(pair, _place(new, key), detail, Effect.OTHER, key, f"{key}: {one} -> {other}")


def _are_equal(pair: Pair, old: str, new: str) -> bool:
    """Whether two components differ by name only."""
    positions: list[Position] = [(("components", "schemas", name),) for name in (old, new)]
    try:
        return pair.are_equal(*positions)
    except KeyError:
        return False


def _meanings(view: View) -> dict[str, str]:
    """The component for each value of a discriminator."""
    found = view.last("discriminator")
    mapped = _mapping(found[1]) if found is not None else {}
    implied = _components(view) - set(mapped.values())
    return {**mapped, **{name: name for name in sorted(implied)}}


def _components(view: View) -> set[str]:
    """The components among the alternatives."""
    names = (view.view(position).name for _, _, positions in view.groups for position in positions)
    return {name for name in names if name is not None}


def _place(found: tuple[Pointer, Any], key: str) -> Place:
    pointer, discriminator = found
    return Place((*pointer, "mapping", key) if key in discriminator.get("mapping", {}) else pointer)


def _note(pair: Pair, place: Place, detail: str, effect: Effect, key: str, values: str) -> None:
    request, response = f"Send {listed([key])} no more.", f"Be ready for {listed([key])}."
    if effect is Effect.OTHER:
        request, response = f"Check what you send with {listed([key])}.", f"Read {listed([key])} in the new way."
    pair.note([Difference("discriminator", place, detail, effect, request, response, values)])
