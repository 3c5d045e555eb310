"""Comparison of `x-` extensions: rules for clients that OpenAPI has no keyword for.

`docs/contract.md` describes them. A change of an unknown one is rated as breaking.
"""

from collections.abc import Callable, Iterator, Mapping

from app.contract.document.contract import Pointer
from app.review.comparing.differences import (
    Difference,
    Effect,
    Found,
    Place,
    Side,
    became,
    extensions,
    listed,
    names_in,
    place_of,
    step,
    text_of,
)

Compare = Callable[[str, Found | None, Found | None], Iterator[Difference]]
"""Compares an extension by name in the old and the new contract; at least one of them has it."""

# Compared together with the parts that they depend on.
_KEPT_APART = frozenset({"x-create-default", "x-required-permissions", "x-serves", "x-permissions"})


def compare_extensions(
    old: Mapping[str, Found], new: Mapping[str, Found], rules: Mapping[str, Compare] = {}
) -> Iterator[Difference]:
    """The differences in the extensions of one object.

    :param rules: the comparisons of known ones; others are reported as unknown
    """
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name), new.get(name)
        if name not in _KEPT_APART and text_of(before) != text_of(after):
            yield from rules.get(name, _unknown)(name, before, after)


def compare_extensions_of(
    old: Found | None, new: Found | None, rules: Mapping[str, Compare] = {}
) -> Iterator[Difference]:
    """The same for an object that is in both contracts."""
    if old is not None and new is not None:
        yield from compare_extensions(extensions(old), extensions(new), rules)


def _unknown(name: str, old: Found | None, new: Found | None) -> Iterator[Difference]:
    detail = f"`{name}` {became(old, new)}, and its meaning is not known here."
    yield Difference(name, place_of(old, new), detail, Effect.OTHER, values=step(old, new))


def _always(effect: Effect, advice: str = "") -> Compare:
    """A comparison in which any difference has the same effect."""

    def compare(name: str, old: Found | None, new: Found | None) -> Iterator[Difference]:
        detail = f"`{name}` {became(old, new)}."
        yield Difference(name, place_of(old, new), detail, effect, advice, advice, step(old, new))

    return compare


def _flag(come: str, advice_come: str, gone: str, advice_gone: str) -> Compare:
    """A comparison of the presence of an extension."""

    def compare(name: str, old: Found | None, new: Found | None) -> Iterator[Difference]:
        detail, advice = (gone, advice_gone) if new is None else (come, advice_come)
        yield Difference(name, place_of(old, new), detail, Effect.OTHER, advice, values=step(old, new))

    return compare


def _names(advice: str) -> Compare:
    """A comparison of unordered names, where a removed one breaks clients.

    :param advice: for clients, with `{}` for a removed name
    """

    def compare(name: str, old: Found | None, new: Found | None) -> Iterator[Difference]:
        before, after = _by_name(old), _by_name(new)
        for value in before.keys() - after.keys():
            detail = f"`{name}` names `{value}` no more."
            place = Place(before[value], old=True)
            yield Difference(name, place, detail, Effect.NARROWER, advice.format(value), values=f"-{value}")
        for value in after.keys() - before.keys():
            detail = f"`{name}` names `{value}` as well."
            yield Difference(name, Place(after[value]), detail, Effect.WIDER, values=f"+{value}")

    return compare


def _by_name(found: Found | None) -> dict[str, Pointer]:
    """The place of each name in a list, or of a single name."""
    if found is None:
        return {}
    pointer, value = found
    places = ((*pointer, index) if isinstance(value, list) else pointer for index in range(len(names_in(value))))
    return dict(zip(names_in(value), places, strict=True))


def _unique(name: str, old: Found | None, new: Found | None) -> Iterator[Difference]:
    effect, advice = Effect.OTHER, "Send values that no other object has."
    if new is None:
        detail, advice = "several objects may have the same value now.", "Expect several objects of one value."
    elif old is None:
        detail = "no two objects may have the same value now."
    else:
        detail, effect = "the message for a value that is taken is another.", Effect.HARMLESS
    yield Difference(name, place_of(old, new), detail, effect, advice, values=step(old, new))


def _unique_sets(name: str, old: Found | None, new: Found | None) -> Iterator[Difference]:
    before, after = _rules_by_properties(old), _rules_by_properties(new)
    for properties in dict.fromkeys((*before, *after)):
        was, now = before.get(properties), after.get(properties)
        effect, advice = Effect.OTHER, "Send values that no other object has together."
        if text_of(was) == text_of(now):
            continue
        if now is None:
            detail = f"several objects may have the same {listed(properties)} now."
            advice = "Expect several objects with the same values."
        elif was is None:
            detail = f"no two objects may have the same {listed(properties)} now."
        else:
            detail, effect = f"the message for {listed(properties)} that are taken is another.", Effect.HARMLESS
        values = f"{' '.join(properties)}: {step(was, now)}"
        yield Difference(name, place_of(was, now), detail, effect, advice, values=values)


def _rules_by_properties(found: Found | None) -> dict[tuple[str, ...], Found]:
    pointer, rules = found or ((), [])
    return {
        tuple(sorted(names_in(rule.get("members")))): ((*pointer, index), rule.get("message"))
        for index, rule in enumerate(rules if isinstance(rules, list) else [])
        if isinstance(rule, dict)
    }


def _references(name: str, old: Found | None, new: Found | None) -> Iterator[Difference]:
    if old is None or new is None:
        effect = Effect.NARROWER if old is None else Effect.WIDER
        which = "that exist are admitted now" if old is None else "that do not exist are admitted now, too"
        detail = f"only identities of objects {which}." if old is None else f"identities of objects {which}."
        advice = "Send identities of objects that exist."
        yield Difference(name, place_of(old, new), detail, effect, advice, values=step(old, new))
        return
    for key, what in (("to", "objects"), ("identity", "members")):
        was, now = _property(old, key), _property(new, key)
        before, after = (set(_by_name(found)) if found else {"pk"} for found in (was, now))
        if before == after:
            continue
        effect = Effect.NARROWER if after < before else Effect.WIDER if before < after else Effect.OTHER
        which, before_that = (listed(sorted(names)) or "that are not kept here" for names in (after, before))
        detail = f"it is looked up among the {what} {which}, it was among {before_that}."
        advice = f"Send identities among the {what} {which}."
        values = f"{key}: {step(was, now)}"
        yield Difference(name, place_of(was, now), detail, effect, advice, values=values)
    was, now = _property(old, "on_delete"), _property(new, "on_delete")
    if text_of(was) != text_of(now):
        detail = f"what happens when the other object is deleted (`on_delete`) {became(was, now)}."
        advice = "Check what you lose when you delete the other object."
        yield Difference(name, place_of(was, now), detail, Effect.OTHER, advice, values=f"on_delete: {step(was, now)}")


def _property(found: Found, key: str) -> Found | None:
    pointer, value = found
    return ((*pointer, key), value[key]) if isinstance(value, dict) and key in value else None


# Blueprints and lists of models contain these properties of a model; the display name, and the behaviour of the server.
_OF_MODELS = {"verbose_name": Effect.HARMLESS, "verbose_name_plural": Effect.HARMLESS, "collection": Effect.TEXT}


def _model(name: str, old: Found | None, new: Found | None) -> Iterator[Difference]:
    if old is None or new is None:
        effect = Effect.HARMLESS if old is None else Effect.OTHER
        detail = "it is a kind of object of blueprints now." if old is None else "it is not a kind of object any more."
        yield Difference(
            name, place_of(old, new), detail, effect, response="Do without objects of this kind.", values="all"
        )
        return
    keys = [key for found in (old, new) if isinstance(found[1], dict) for key in found[1]]
    for key in dict.fromkeys(keys):
        was, now = _property(old, key), _property(new, key)
        if text_of(was) != text_of(now):
            detail = f"`{key}` of the model {became(was, now)}."
            effect = _OF_MODELS.get(key, Effect.OTHER)
            advice = "Use the new value in blueprints, and expect it in answers."
            values = f"{key}: {step(was, now)}"
            yield Difference(name, place_of(was, now), detail, effect, response=advice, values=values)


def _of_the_other_side(_name: str, _old: Found | None, _new: Found | None) -> Iterator[Difference]:
    return iter(())


OF_DOCUMENTS: Mapping[str, Compare] = {
    "x-collections": _always(Effect.OTHER, "Check the names in `used_by`, and the entries of exported blueprints."),
}

OF_PARAMETERS: Mapping[str, Compare] = {
    "x-filters": _always(Effect.OTHER, "Check that you find what you look for."),
    "x-searches": _names("Do not look for objects by their {}."),
    "x-orders-by": _names("Sort by {} yourself."),
    "x-not-found": _always(Effect.OTHER, "Check which status you wait for."),
    "x-default-below": _always(Effect.OTHER, "Send the number that you mean."),
    "x-default-for-text": _always(Effect.OTHER, "Send a number, or nothing."),
    "x-null-is-least": _always(Effect.OTHER, "Check the order of objects without a value."),
    "x-argument": _always(Effect.TEXT),
    "x-references": _references,
}

_OF_BOTH: Mapping[str, Compare] = {
    "x-secret": _always(Effect.HARMLESS),
    "x-stand-in": _always(Effect.TEXT),
    "x-other-form": _always(Effect.TEXT),
}

_OF_REQUESTS: Mapping[str, Compare] = {
    "x-trim": _flag(
        "white space around it is removed now.",
        "Send no white space around it, so that you get back what you send.",
        "white space around it is kept now.",
        "Remove white space around it yourself.",
    ),
    "x-numerals": _flag(
        "integers are accepted as text now.",
        "Send text, so that you get back what you send.",
        "integers are not accepted any more.",
        "Send text.",
    ),
    "x-lifetime": _always(Effect.OTHER, "Send the time that you mean."),
    "x-set": _always(Effect.OTHER, "Check the order of the items that you get back, and whether one is there twice."),
    "x-messages": _always(Effect.HARMLESS),
    "x-unique": _unique,
    "x-unique-together": _unique_sets,
    "x-references": _references,
    "x-ignored": _flag(
        "it is ignored now.",
        "Do not rely on what you send here.",
        "it is not ignored any more.",
        "Send it only if you mean it.",
    ),
}

_OF_RESPONSES: Mapping[str, Compare] = {
    "x-url-template": _always(Effect.OTHER, "Follow the URL that is answered, and build none yourself."),
    "x-details": _always(Effect.OTHER, "Check what is answered for each item."),
    "x-model": _model,
}

OF_SCHEMAS: Mapping[Side, Mapping[str, Compare]] = {
    Side.REQUEST: {**_OF_BOTH, **dict.fromkeys(_OF_RESPONSES, _of_the_other_side), **_OF_REQUESTS},
    Side.ANSWER: {**_OF_BOTH, **dict.fromkeys(_OF_REQUESTS, _of_the_other_side), **_OF_RESPONSES},
}
