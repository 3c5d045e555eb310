"""The tags of authentik's blueprints, and their evaluation."""

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import xor
from typing import Any, Protocol

from app.blueprints.data import CHARACTERS, as_mapping, item_at, items_of, parsed_json, weight
from app.blueprints.document import MAX_DEPTH, MAX_VALUES, Value
from app.blueprints.findings import BlueprintError, Exhausted, NotHere, Place, finding
from app.blueprints.host_access import HostAccess
from app.blueprints.limits import MAX_FINDINGS, MAX_NAME, exhausted, shortened

_FORMATS = 100
# The number of values that reading a file counts as.
_VALUES_OF_A_FILE = 200
_FORMAT = re.compile(r"%(?:%|[-#0 +]{0,5}\d{0,3}(?:\.\d{0,3})?[diouxXeEfFgGcrsa])")

MODES: Mapping[str, Callable[[list[Any]], bool]] = {
    "AND": all,
    "NAND": lambda values: not all(values),
    "OR": any,
    "NOR": lambda values: not any(values),
    "XOR": lambda values: reduce(xor, map(bool, values)),
    "XNOR": lambda values: not reduce(xor, map(bool, values)),
    "EQ": lambda values: all(value == values[0] for value in values),
    "NEQ": lambda values: any(value != values[0] for value in values),
}
"""The modes of `!Condition`."""


class References(Protocol):
    """The targets of `!KeyOf`, `!Find` and `!FindObject`."""

    def key_of(self, id_: str, place: Place) -> str | int:
        """The pk of the object of an entry, by the entry's id. :raises BlueprintError: there is none"""

    def find(self, model: str, properties: Mapping[str, Any], place: Place) -> str | int | None:
        """The pk of the object with the given properties; None if there is none.

        :raises BlueprintError: there is no such model or property, or the sender lacks the permission
        """

    def read(self, model: str, properties: Mapping[str, Any], place: Place) -> dict[str, Any] | None:
        """The properties of that object that the sender may see. :raises BlueprintError: as `find`"""


def objection(tag: str, host: HostAccess) -> str | None:
    """The reason to reject a tag; None if it is allowed. :param host: the blueprint's access to the host"""
    if tag in TAGS:
        return host.objection(tag)
    return f"The tag {shortened(tag, MAX_NAME)} is not known."


class Resolver:
    """Evaluates values of the document to plain data, for one blueprint.

    The total size is limited: tags can refer to the same value again and again.

    :param context: the values for `!Context`
    :param references: the objects that tags refer to
    :param host: the blueprint's access to the host
    :param note: called with the place and the message of each note
    """

    def __init__(
        self, context: Mapping[str, Value], references: References, host: HostAccess, note: Callable[[Place, str], None]
    ) -> None:
        self._context = context
        self._references = references
        self._host = host
        self._note = note
        self._left = MAX_VALUES
        self._depth = 0
        # The current items of the enclosing `!Enumerate` tags, the innermost last.
        self._items: list[tuple[Any, Any] | None] = []

    def resolve(self, value: Value) -> Any:
        """Evaluate a value to JSON data.

        :raises BlueprintError: a tag is invalid, dangling, or exceeds a limit
        """
        self._depth += 1
        if self._depth > 2 * MAX_DEPTH:
            raise finding(value.place, f"Values are nested more than {2 * MAX_DEPTH} levels deep.")
        self._spend(1, value.place)
        try:
            if value.tag is not None:
                if (problem := objection(value.tag, self._host)) is not None:
                    raise finding(value.place, problem)
                return TAGS[value.tag](self, value)
            if isinstance(value.content, dict):
                return dict(zip(value.content, self._resolve_all(value.content.values()), strict=True))
            if isinstance(value.content, list):
                return self._resolve_all(value.content)
            if isinstance(value.content, str):
                self._spend(len(value.content) // CHARACTERS, value.place)
            return value.content
        finally:
            self._depth -= 1

    def _resolve_all(self, values: Iterable[Value]) -> list[Any]:
        """Evaluate values. :raises BlueprintError: one or more are invalid: all errors of all"""
        resolved: list[Any] = []
        failed: list[BlueprintError] = []
        for value in values:
            try:
                resolved.append(self.resolve(value))
            except Exhausted:
                raise
            except BlueprintError as error:
                failed.append(error)
                if len(failed) > MAX_FINDINGS:
                    break
        if failed:
            # Skipping the entry must not hide other errors.
            raised = next((error for error in failed if not isinstance(error, NotHere)), failed[0])
            raised.findings = tuple(finding for error in failed for finding in error.findings)
            raise raised
        return resolved

    def _spend(self, amount: int, place: Place) -> None:
        self._left -= amount
        if self._left < 0:
            raise exhausted(place, f"Tags produce more than {MAX_VALUES} values.")

    def _resolve_key_of(self, value: Value) -> str | int:
        if not isinstance(value.content, str):
            raise finding(value.place, "!KeyOf takes the id of an entry.")
        return self._references.key_of(value.content, value.place)

    def _resolve_find(self, value: Value) -> str | int | None:
        return self._references.find(*self._wanted(value), value.place)

    def _resolve_find_object(self, value: Value) -> dict[str, Any] | None:
        found = self._references.read(*self._wanted(value), value.place)
        self._spend(weight(found), value.place)
        return found

    def _wanted(self, value: Value) -> tuple[str, dict[str, Any]]:
        """The model and the properties of a lookup."""
        model, *conditions = _arguments(value, "[model, [property, value], ...]", least=2)
        name = self._as_text(model, "a model")
        properties: dict[str, Any] = {}
        for condition in conditions:
            if condition.tag is not None or not isinstance(condition.content, list) or len(condition.content) != 2:
                raise finding(condition.place, f"{value.tag} takes [model, [property, value], ...].")
            key, wanted = condition.content
            properties[self._as_text(key, "a property")] = self.resolve(wanted)
        return name, properties

    def _resolve_context(self, value: Value) -> Any:
        key, default = self._with_default(value, "key or [key, default]", "a key")
        # A cyclic key ends at the depth limit.
        if key in self._context:
            return self.resolve(self._context[key])
        name, *path = key.split(".", MAX_DEPTH)
        if path and name in self._context:
            with contextlib.suppress(LookupError):
                return reduce(item_at, path, self.resolve(self._context[name]))
        if default is None:
            known = ", ".join(self._context)
            self._note(
                value.place, f"The context has no {shortened(key, MAX_NAME)!r}, so that this is null; it has {known}."
            )
            return None
        return self.resolve(default)

    def _resolve_env(self, value: Value) -> Any:
        name, default = self._with_default(value, "name or [name, default]", "a name")
        return self._read(self._host.variable(name, value.place), f"no variable {name!r}", default, value)

    def _resolve_file(self, value: Value) -> Any:
        path, default = self._with_default(value, "path or [path, default]", "a path")
        self._spend(_VALUES_OF_A_FILE, value.place)
        return self._read(self._host.file(path, value.place), f"no file {path!r}", default, value)

    def _read(self, text: str | None, missing: str, default: Value | None, value: Value) -> Any:
        """A variable or file of the host, or else the default."""
        refusal = self._host.refusal(str(value.tag))
        if text is None and default is not None:
            if refusal is not None:
                self._note(value.place, f"{value.tag} is not allowed here: this is its default.")
            return self.resolve(default)
        if text is None:
            advice = f"Add it, or give a default: {value.tag} [..., default]."
            raise NotHere(value.place, *((refusal,) if refusal is not None else (f"There is {missing}.", advice)))
        self._spend(len(text) // CHARACTERS, value.place)
        return text

    def _with_default(self, value: Value, form: str, what: str) -> tuple[str, Value | None]:
        if isinstance(value.content, str):
            return value.content, None
        first, default = _arguments(value, form, least=2, most=2)
        return self._as_text(first, what), default

    def _resolve_parse_json(self, value: Value) -> Any:
        if not isinstance(value.content, str):
            raise finding(value.place, "!ParseJSON takes text.")
        self._spend(len(value.content) // CHARACTERS, value.place)
        data = parsed_json(value.content, value.place)
        self._spend(weight(data), value.place)
        return data

    def _resolve_at_index(self, value: Value) -> Any:
        source, at, *default = _arguments(value, "[values, index] or [values, index, default]", least=2, most=3)
        values, index = self.resolve(source), self.resolve(at)
        try:
            if isinstance(values, dict):
                # The keys of a mapping are text.
                return values[str(index) if type(index) is int else index]
            if isinstance(values, list) and type(index) is int:
                return values[index]
        except LookupError:
            pass
        except TypeError as error:
            raise finding(at.place, "An index must be a number or text.") from error
        if default:
            return self.resolve(default[0])
        if not isinstance(values, list | dict):
            raise finding(source.place, "!AtIndex takes a list or a mapping.")
        raise finding(
            at.place, f"There is nothing at {shortened(repr(index), MAX_NAME)}. Give a default, or another index."
        )

    def _resolve_format(self, value: Value) -> str:
        first, *rest = _arguments(value, "[format, value, ...]", least=1)
        form = self._as_text(first, "a format")
        if "%" in _FORMAT.sub("", form):
            raise finding(
                first.place, "This is not a format: there are %s, %d and the like, of 999 characters at most."
            )
        if form.count("%") > _FORMATS:
            raise finding(first.place, f"A format may have at most {_FORMATS} conversions.")
        try:
            text: str = form % tuple(self.resolve(argument) for argument in rest)
            # %c can create a lone surrogate.
            text.encode()
        except (TypeError, ValueError, OverflowError) as error:
            raise finding(value.place, f"The values do not fit the format: {error}.") from error
        self._spend(len(text) // CHARACTERS, value.place)
        return text

    def _resolve_condition(self, value: Value) -> bool:
        first, *rest = _arguments(value, "[mode, value, ...]", least=2)
        mode = self._as_text(first, "a mode").upper()
        if mode not in MODES:
            raise finding(first.place, f"{mode!r} is not a mode: there are {', '.join(MODES)}.")
        return MODES[mode]([self.resolve(argument) for argument in rest])

    def _resolve_if(self, value: Value) -> Any:
        condition, *branches = _arguments(value, "[condition] or [condition, value, other value]", least=1, most=3)
        if len(branches) == 1:
            raise finding(value.place, "!If takes [condition] or [condition, value, other value].")
        holds = bool(self.resolve(condition))
        return self.resolve(branches[0 if holds else 1]) if branches else holds

    def _resolve_enumerate(self, value: Value) -> Any:
        source, form, body = _arguments(value, "[values, SEQ or MAP, value]", least=3, most=3)
        self._items.append(None)
        try:
            items = items_of(self.resolve(source), source.place)
            shape = self._as_text(form, "SEQ or MAP").upper()
            if shape not in ("SEQ", "MAP"):
                raise finding(form.place, f"{shape!r} is not SEQ or MAP.")
            made = []
            for item in items:
                self._items[-1] = item
                made.append(self.resolve(body))
        finally:
            self._items.pop()
        return made if shape == "SEQ" else as_mapping(made, body.place)

    def _resolve_index(self, value: Value) -> Any:
        return self._item(value)[0]

    def _resolve_value(self, value: Value) -> Any:
        return self._item(value)[1]

    def _item(self, value: Value) -> tuple[Any, Any]:
        """The current item of an `!Enumerate`; 0 is the innermost one."""
        if not isinstance(value.content, str) or not re.fullmatch(r"\d{1,3}", value.content, re.ASCII):
            raise finding(value.place, f"{value.tag} takes a number: 0 for the innermost !Enumerate around it.")
        depth = int(value.content)
        item = self._items[-1 - depth] if depth < len(self._items) else None
        if item is None:
            raise finding(value.place, f"There is no !Enumerate around this one that {value.tag} {depth} could mean.")
        # It is counted each time: it may be large, and used in many places.
        self._spend(weight(item[1]), value.place)
        return item

    def _as_text(self, value: Value, what: str) -> str:
        text = self.resolve(value)
        if not isinstance(text, str):
            raise finding(value.place, f"{what[0].upper()}{what[1:]} is text.")
        return text


TAGS: Mapping[str, Callable[[Resolver, Value], Any]] = {
    "!KeyOf": Resolver._resolve_key_of,
    "!Find": Resolver._resolve_find,
    "!FindObject": Resolver._resolve_find_object,
    "!AtIndex": Resolver._resolve_at_index,
    "!ParseJSON": Resolver._resolve_parse_json,
    "!Env": Resolver._resolve_env,
    "!File": Resolver._resolve_file,
    "!Context": Resolver._resolve_context,
    "!Format": Resolver._resolve_format,
    "!Condition": Resolver._resolve_condition,
    "!If": Resolver._resolve_if,
    "!Enumerate": Resolver._resolve_enumerate,
    "!Index": Resolver._resolve_index,
    "!Value": Resolver._resolve_value,
}


def _arguments(value: Value, form: str, *, least: int, most: int | None = None) -> list[Value]:
    """The arguments of a tag with a list."""
    content = value.content
    if not isinstance(content, list) or len(content) < least or (most is not None and len(content) > most):
        raise finding(value.place, f"{value.tag} takes {form}.")
    return content
