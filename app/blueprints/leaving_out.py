"""Omitted parts of an entry: values of later releases, and references to objects that do not exist."""

from collections.abc import Collection, Mapping
from typing import Any

from app.blueprints import releases
from app.blueprints.findings import BlueprintFinding, Note, NotHere
from app.blueprints.limits import MAX_NAME, shortened
from app.blueprints.problems import about, value_of
from app.blueprints.reading import Entry
from app.domain import Model

# The key of errors that concern several properties.
_SEVERAL = "non_field_errors"
_NO_OBJECT = "There is no such object."


class LeftOut:
    """The omitted values of an entry, which do not exist here.

    :param entry: the entry
    :param later: whether values of later releases are left out
    :param references: whether references to objects that do not exist are left out
    """

    def __init__(self, entry: Entry, *, later: bool, references: bool) -> None:
        self.notes: dict[str, Note] = {}
        # The properties that are wrong whatever is left out.
        self._wrong: frozenset[str] | None = None
        self._entry = entry
        self._later = later
        self._references = references

    def without(self, model: Model, properties: Mapping[str, Any], wrong: Mapping[str, Any]) -> Mapping[str, Any]:
        """The properties without invalid values that do not exist here.

        :param wrong: the invalid properties; a dangling reference has its identifier as value
        """
        kept = dict(properties)
        for name in filter(properties.__contains__, wrong):
            value = kept[name]
            values = value if isinstance(value, list) else [value]
            unknown, why = self._unknown(model, name, value, values, wrong[name])
            if unknown:
                shown = ", ".join("null" if one is None else str(one) for one in unknown)
                self.notes[name] = about(self._entry, name, f"{shortened(shown, MAX_NAME)} is left out. {why}")
                others = [one for one in values if one not in unknown]
                kept[name] = others
                if not isinstance(value, list) or not others:
                    del kept[name]
        if self._wrong is None:
            self._wrong = frozenset(wrong) - self.notes.keys() - {_SEVERAL}
        return kept

    def _unknown(
        self, model: Model, name: str, value: Any, values: list[Any], reason: Any
    ) -> tuple[Collection[Any], str]:
        """The values of a property that do not exist here, and why."""
        if self._later and (later := releases.later_values(model.name, name, value)):
            return later, releases.about_value(model.name, name, value)
        if self._references and name in model.references:
            return [one for one in values if one is None or one == reason], _NO_OBJECT
        return (), ""

    def check(self, model: Model, properties: Mapping[str, Any], wrong: Collection[str]) -> None:
        """Check that an error is not caused by omitted values or by references to missing objects.

        :param wrong: the invalid properties
        :raises NotHere: it is caused by them
        """
        missing = dict(self.notes)
        for name in model.references if self._references else ():
            value = value_of(self._entry, name)
            if value is not None and value.tag is not None and properties.get(name, value) is None:
                missing.setdefault(name, BlueprintFinding(value.place, _NO_OBJECT, name))
        own = (self._wrong or frozenset()).union(name for name in self.notes if name in properties)
        if missing and own.isdisjoint(wrong):
            note = next(iter(missing.values()))
            raise NotHere(note.place, f"{note.property_name}: {note.message}")
