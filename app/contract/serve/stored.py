"""Stored values that violate the contract: found in stored objects, reported when they are answered."""

from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from app.contract.compile.models import new_reader, schemas_of_models
from app.contract.compile.plan import Plan
from app.contract.document.source import Source
from app.contract.request.body import InvalidBody
from app.contract.response.answers import StoredViolation
from app.contract.response.writer import WriterBuilder
from app.contract.validation.rules import MISSING, Broken, broken_by
from app.domain import Model, StoredObject
from app.metrics import Metrics


class ViolationReporter:
    """Reports stored values that violate the contract: each to the metrics, and the first of a kind to the log.

    :param metrics: counts them
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log = structlog.get_logger("flows.contract")
        # Bounded: all of these are names of the contract.
        self._logged: set[tuple[str, str, str]] = set()

    def report(self, plan: Plan | None, violations: Iterable[StoredViolation], place: int | None) -> None:
        """Report the violations in a response.

        :param place: of the operation in the metrics
        """
        operation = plan.operation_id if plan else ""
        for violation in violations:
            self._metrics.count_stored_violation(place, violation.rule)
            kind = (operation, violation.property, violation.rule)
            if kind in self._logged:
                continue
            self._logged.add(kind)
            self._log.warning(
                "stored value violates the contract",
                operation=operation,
                property=violation.property or None,
                rule=violation.rule,
                pk=violation.pk,
                advice="flows check --store",
            )


class StoredObjectChecker:
    """Validates stored objects by the schemas of their responses and of the requests that create them.

    :param source: a contract that has passed the boot checks
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._schemas = schemas_of_models(source)
        self._writers = WriterBuilder(source, source.base_path)

    def violations(self, model: Model, stored: StoredObject, members: Mapping[str, Any]) -> list[Broken]:
        """The rules that the stored values of an object break, one for each property.

        :param stored: the object
        :param members: those of its properties that a client sets
        """
        schema = {"$ref": f"#/components/schemas/{self._schemas[model.name]}"}
        value, errors = self._writers.build(schema).own_errors(stored)
        found = broken_by(self._source, (), errors, value) if errors else []
        reader = new_reader(self._source, self._schemas[model.name])
        if reader is not None:
            # What a reference leads to may be gone by now, and what is not stored is for responses to say.
            own = {name: value for name, value in members.items() if name not in model.references}
            try:
                reader.checked(own)
            except InvalidBody as error:
                found += [one for one in error.broken if one.member and one.value is not MISSING]
        return list({one.member[:1]: one for one in reversed(found)}.values())[::-1]
