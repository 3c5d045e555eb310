"""Checks of stored objects against a contract."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from app.contract.compile.models import collections, models
from app.contract.compile.scopes import schemas_of_models, scope_of
from app.contract.document.contract import Contract, Pointer
from app.contract.serve.stored import StoredObjectChecker
from app.contract.validation.rules import MISSING
from app.contract.validation.schemas import composed, schema_properties
from app.domain import Model, StoredObject
from app.logs import printable
from app.recording.secrets import Secrets
from app.representations.objects import Representations
from app.store.collections.repositories import properties_of
from app.store.engine.database import Database
from app.store.queries.object_views import ObjectRow
from app.store.upkeep.scanning import StoredRow, every_row

NO_MODEL = "x-model"
"""The rule of an object without a model in the contract."""

# The maximum length of a displayed value or name.
_SHOWN = 60


class Violation(NamedTuple):
    """A violation of the contract by a stored value.

    :param model: of the object
    :param pk: of the object
    :param name: of the object
    :param property: its name; empty for a rule across properties, and for the model
    :param rule: the keyword
    :param value: as JSON, shortened; secrets are masked; empty if nothing is stored
    :param pointer: the place of the rule in the contract
    """

    model: str
    pk: str
    name: str
    property: str
    rule: str
    value: str
    pointer: Pointer

    def __str__(self) -> str:
        about = f"{self.model} {self.pk} {_shortened(self.name)}"
        if self.rule == NO_MODEL:
            return f"{about}: The contract has no such model."
        of = f"`{self.property}`" if self.property else "its properties"
        return f"{about}: {of} violates `{self.rule}`: {self.value or 'nothing is stored'}."


class StoreChecker:
    """Checks stored objects by a contract.

    :param contract: a contract that has passed the boot checks
    """

    def __init__(self, contract: Contract) -> None:
        self.models = models(contract)
        self._contract = contract
        self._schemas = schemas_of_models(contract)
        self._checker = StoredObjectChecker(contract)
        self._secrets = Secrets(contract)
        self._representations = Representations(self.models, collections(contract))
        self._of_collection = {model.collection: model for model in self.models.values()}
        self._lists = {
            scope: pointer
            for pointer, path, _, _ in reversed(list(contract.operations()))
            if (scope := scope_of(contract, path)) is not None
        }

    def model_of(self, stored: StoredRow) -> Model | None:
        """The model of an object; None if the contract does not have it."""
        if isinstance(stored.row, ObjectRow):
            return self.models.get(stored.row.model)
        return self._of_collection.get(stored.collection)

    def violations(self, stored: StoredRow) -> list[Violation]:
        """The violations of an object."""
        model, row = self.model_of(stored), stored.row
        about = (model.name if model else getattr(row, "model", stored.collection), row.pk, getattr(row, "name", ""))
        if model is None:
            return [Violation(*about, "", NO_MODEL, "", self._lists.get(stored.collection, ()))]
        shaped, properties = self._represented(model, stored)
        found = []
        for one in self._checker.violations(model, shaped, properties):
            name = str(one.property_name[0]) if one.property_name else ""
            value = "" if one.value is MISSING else _shortened(self._secrets.masked(one.property_name, one.value))
            found.append(Violation(*about, name, one.keyword, value, one.rule))
        return found

    def place_of(self, model: Model, name: str) -> Pointer:
        """The place of a property of a model in the contract; the model's schema if it has none of this name."""
        pointer: Pointer = ("components", "schemas", self._schemas[model.name])
        place, _ = schema_properties(self._contract, self._schema(model)).get(name, (pointer, {}))
        return place

    def requires(self, model: Model, name: str) -> bool:
        """Whether responses require a property of a model."""
        return any(name in part.get("required", ()) for part in composed(self._contract, self._schema(model)))

    def _schema(self, model: Model) -> dict[str, Any]:
        return {"$ref": f"#/components/schemas/{self._schemas[model.name]}"}

    def _represented(self, model: Model, stored: StoredRow) -> tuple[StoredObject, Mapping[str, Any]]:
        """An object, and its writable properties."""
        row: Any = stored.row
        if isinstance(row, ObjectRow):
            return StoredObject(row, self._representations.object), properties_of(
                model, row.name, row.properties, row.references
            )
        represent = self._representations.of(stored.collection)
        value = represent(row)
        return StoredObject(row, represent), {name: value[name] for name in model.properties if name in value}


class Summary(NamedTuple):
    """A summary of the violations of stored objects.

    :param objects: the number of objects
    :param violating: the number of objects with violations
    :param kinds: the number of objects that violate each rule: an example of each
    """

    objects: int
    violating: int
    kinds: dict[Violation, int]


def check_store(contract: Contract, database: Database) -> Iterator[list[Violation]]:
    """The violations of each stored object, an empty list if it has none.

    :param contract: a contract that has passed the boot checks
    :raises Unavailable: the database does not respond
    """
    checker = StoreChecker(contract)
    return map(checker.violations, every_row(database))


def summarize(checked: Iterable[list[Violation]]) -> Summary:
    """Summarize the results of `check_store`."""
    objects = violating = 0
    examples: dict[tuple[str, str, Pointer], Violation] = {}
    counts: Counter[Violation] = Counter()
    for found in checked:
        objects += 1
        violating += bool(found)
        for violation in found:
            kind = (violation.model, violation.property, violation.pointer)
            counts[examples.setdefault(kind, violation)] += 1
    return Summary(objects, violating, dict(counts.most_common()))


def _shortened(value: Any) -> str:
    """A value as short JSON, safe to print."""
    text = printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
