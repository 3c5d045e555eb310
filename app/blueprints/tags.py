"""The tags of authentik's blueprints: what a value of the document stands for."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import xor
from typing import Any

from app.blueprints.document import MAX_DEPTH, MAX_VALUES, Value
from app.blueprints.mistakes import BlueprintError, Place, mistake

Find = Callable[[str, Mapping[str, Any], Place], str | None]
KeyOf = Callable[[str, Place], str]

_REFUSED = {
    "!Env": "!Env is refused: this server reads no environment for a blueprint. Write the value, or use !Context.",
    "!File": "!File is refused: this server reads no files for a blueprint. Write the value, or use !Context.",
}
# What a piece of text counts as: so many characters weigh as much as a value.
_CHARACTERS = 64
_FORMATS = 100
_FORMAT = re.compile(r"%(?:%|[-#0 +]{0,5}\d{0,3}(?:\.\d{0,3})?[diouxXeEfFgGcrsa])")

_CONDITIONS: Mapping[str, Callable[[list[bool]], bool]] = {
    "AND": all,
    "NAND": lambda values: not all(values),
    "OR": any,
    "NOR": lambda values: not any(values),
    "XOR": lambda values: reduce(xor, values),
    "XNOR": lambda values: not reduce(xor, values),
}


def objection(tag: str) -> str | None:
    """What speaks against a tag, None if it may be used."""
    return _REFUSED.get(tag) or (None if tag in _TAGS else f"The tag {tag} is not known.")


class Resolver:
    """Turns values of the document into plain data, for one blueprint.

    What that may take is limited: tags can ask for the same value again and again.

    :param context: what `!Context` looks a key up in
    :param find: gives the pk of the object of a model whose members equal those given, for `!Find`
    :param key_of: gives the pk of the object of an entry, by the entry's id
    """

    def __init__(self, context: Mapping[str, Value], find: Find, key_of: KeyOf) -> None:
        self._context = context
        self._find = find
        self._key_of = key_of
        self._left = MAX_VALUES
        self._depth = 0
        # The items that the `!Enumerate` around a value are at, the innermost last.
        self._items: list[tuple[Any, Any] | None] = []

    def resolve(self, value: Value) -> Any:
        """What a value stands for, as JSON has it.

        :raises BlueprintError: a tag is used wrongly, leads nowhere, or asks for too much
        """
        self._depth += 1
        if self._depth > 2 * MAX_DEPTH:
            raise mistake(value.place, f"Values lie more than {2 * MAX_DEPTH} deep within one another.")
        self._spend(1, value.place)
        try:
            if value.tag is not None:
                return _TAGS[value.tag](self, value)
            if isinstance(value.content, dict):
                return {key: self.resolve(inner) for key, inner in value.content.items()}
            if isinstance(value.content, list):
                return [self.resolve(inner) for inner in value.content]
            if isinstance(value.content, str):
                self._spend(len(value.content) // _CHARACTERS, value.place)
            return value.content
        finally:
            self._depth -= 1

    def _spend(self, amount: int, place: Place) -> None:
        self._left -= amount
        if self._left < 0:
            raise mistake(place, f"Tags ask for more than {MAX_VALUES} values.")

    def _resolve_key_of(self, value: Value) -> str:
        if not isinstance(value.content, str):
            raise mistake(value.place, "!KeyOf takes the id of an entry.")
        return self._key_of(value.content, value.place)

    def _resolve_find(self, value: Value) -> str | None:
        model, *conditions = _arguments(value, "[model, [member, value], ...]", least=2)
        name = self._as_text(model, "a model")
        members: dict[str, Any] = {}
        for condition in conditions:
            if condition.tag is not None or not isinstance(condition.content, list) or len(condition.content) != 2:
                raise mistake(condition.place, "!Find takes [model, [member, value], ...].")
            member, wanted = condition.content
            members[self._as_text(member, "a member")] = self.resolve(wanted)
        return self._find(name, members, value.place)

    def _resolve_context(self, value: Value) -> Any:
        if isinstance(value.content, str):
            key, default = value.content, None
        else:
            first, default = _arguments(value, "key or [key, default]", least=2, most=2)
            key = self._as_text(first, "a key")
        found = self._context.get(key, default)
        # A key that leads back to itself ends at the limit of depth.
        return None if found is None else self.resolve(found)

    def _resolve_format(self, value: Value) -> str:
        first, *rest = _arguments(value, "[format, value, ...]", least=1)
        form = self._as_text(first, "a format")
        if "%" in _FORMAT.sub("", form):
            raise mistake(first.place, "This is no format: there are %s, %d and the like, of 999 characters at most.")
        if form.count("%") > _FORMATS:
            raise mistake(first.place, f"A format has no more than {_FORMATS} of % in it.")
        try:
            text: str = form % tuple(self.resolve(argument) for argument in rest)
            # %c can make half of a character.
            text.encode()
        except (TypeError, ValueError, OverflowError) as error:
            raise mistake(value.place, f"The values do not fit the format: {error}.") from error
        self._spend(len(text) // _CHARACTERS, value.place)
        return text

    def _resolve_condition(self, value: Value) -> bool:
        first, *rest = _arguments(value, "[mode, value, ...]", least=2)
        mode = self._as_text(first, "a mode").upper()
        if mode not in _CONDITIONS:
            raise mistake(first.place, f"{mode!r} is no mode: there are {', '.join(_CONDITIONS)}.")
        return _CONDITIONS[mode]([bool(self.resolve(argument)) for argument in rest])

    def _resolve_if(self, value: Value) -> Any:
        condition, *branches = _arguments(value, "[condition] or [condition, value, other value]", least=1, most=3)
        if len(branches) == 1:
            raise mistake(value.place, "!If takes [condition] or [condition, value, other value].")
        holds = bool(self.resolve(condition))
        return self.resolve(branches[0 if holds else 1]) if branches else holds

    def _resolve_enumerate(self, value: Value) -> Any:
        source, form, body = _arguments(value, "[values, SEQ or MAP, value]", least=3, most=3)
        self._items.append(None)
        try:
            items = _items(self.resolve(source), source.place)
            shape = self._as_text(form, "SEQ or MAP").upper()
            if shape not in ("SEQ", "MAP"):
                raise mistake(form.place, f"{shape!r} is not SEQ or MAP.")
            made = []
            for item in items:
                self._items[-1] = item
                made.append(self.resolve(body))
        finally:
            self._items.pop()
        return made if shape == "SEQ" else _as_mapping(made, body.place)

    def _resolve_index(self, value: Value) -> Any:
        return self._item(value)[0]

    def _resolve_value(self, value: Value) -> Any:
        return self._item(value)[1]

    def _item(self, value: Value) -> tuple[Any, Any]:
        """The item that an `!Enumerate` is at; 0 is the innermost one."""
        if not isinstance(value.content, str) or not re.fullmatch(r"\d{1,3}", value.content, re.ASCII):
            raise mistake(value.place, f"{value.tag} takes a number: 0 for the innermost !Enumerate around it.")
        depth = int(value.content)
        item = self._items[-1 - depth] if depth < len(self._items) else None
        if item is None:
            raise mistake(value.place, f"There is no !Enumerate around this one that {value.tag} {depth} could mean.")
        # It is counted again: it may be large, and stand in many places.
        self._spend(_weight(item[1]), value.place)
        return item

    def _as_text(self, value: Value, what: str) -> str:
        text = self.resolve(value)
        if not isinstance(text, str):
            raise mistake(value.place, f"{what[0].upper()}{what[1:]} is text.")
        return text


_TAGS: Mapping[str, Callable[[Resolver, Value], Any]] = {
    "!KeyOf": Resolver._resolve_key_of,
    "!Find": Resolver._resolve_find,
    "!Context": Resolver._resolve_context,
    "!Format": Resolver._resolve_format,
    "!Condition": Resolver._resolve_condition,
    "!If": Resolver._resolve_if,
    "!Enumerate": Resolver._resolve_enumerate,
    "!Index": Resolver._resolve_index,
    "!Value": Resolver._resolve_value,
}


def _arguments(value: Value, form: str, *, least: int, most: int | None = None) -> list[Value]:
    """The values of a tag that takes a list."""
    content = value.content
    if not isinstance(content, list) or len(content) < least or (most is not None and len(content) > most):
        raise mistake(value.place, f"{value.tag} takes {form}.")
    return content


def _items(values: Any, place: Place) -> Iterable[tuple[Any, Any]]:
    if isinstance(values, dict):
        return values.items()
    if isinstance(values, list | str):
        return enumerate(values)
    raise mistake(place, "!Enumerate takes a list or a mapping.")


def _as_mapping(made: list[Any], place: Place) -> dict[str, Any]:
    """A mapping of pairs, or of mappings one after the other."""
    mapping: dict[str, Any] = {}
    for part in made:
        if isinstance(part, dict):
            mapping |= part
        elif isinstance(part, list) and len(part) == 2 and not isinstance(part[0], list | dict):
            mapping[str(part[0])] = part[1]
        else:
            raise _not_a_pair(place)
    return mapping


def _not_a_pair(place: Place) -> BlueprintError:
    return mistake(place, "The value of !Enumerate with MAP is [key, value] or a mapping.")


def _weight(data: Any) -> int:
    """How many values plain data has."""
    if isinstance(data, dict):
        return 1 + sum(map(_weight, data.values()))
    if isinstance(data, list):
        return 1 + sum(map(_weight, data))
    return 1 + len(data) // _CHARACTERS if isinstance(data, str) else 1
