"""Stored violations: checked in stored objects, reported in responses."""

from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from app.contract.compile.model import new_reader
from app.contract.compile.plan import Plan
from app.contract.compile.scopes import schemas_of_models
from app.contract.document.contract import Contract
from app.contract.request.body import InvalidBody
from app.contract.response.responses import StoredViolation
from app.contract.response.writer import WriterBuilder
from app.contract.validation.rules import MISSING, ViolatedRule, violated_by
from app.domain import Model, StoredObject
from app.metrics import Metrics


class ViolationReporter:
    """Reporter of stored violations: each to the metrics, and the first of a kind to the log.

    :param metrics: counts them
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log = structlog.get_logger("flows.contract")
        # Bounded: all keys are names of the contract.
        self._logged: set[tuple[str, str, str]] = set()

    def report(self, plan: Plan | None, violations: Iterable[StoredViolation], place: int | None) -> None:
        """Report the violations in a response.

        :param place: the index of the operation in the metrics
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
    """Checker of stored objects against the schemas of their responses and of the requests that create them.

    :param contract: a contract that has passed the boot checks
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._schemas = schemas_of_models(contract)
        self._writers = WriterBuilder(contract, contract.base_path)

    def violations(self, model: Model, stored: StoredObject, properties: Mapping[str, Any]) -> list[ViolatedRule]:
        """The rules violated by the stored values of an object, one for each property.

        :param stored: the object
        :param properties: the properties that clients may set
        """
        schema = {"$ref": f"#/components/schemas/{self._schemas[model.name]}"}
        value, errors = self._writers.build(schema).own_errors(stored)
        found = violated_by(self._contract, (), errors, value) if errors else []
        reader = new_reader(self._contract, self._schemas[model.name])
        if reader is not None:
            # The target of a reference may have been deleted, and missing properties are checked in responses.
            own = {name: value for name, value in properties.items() if name not in model.references}
            try:
                reader.checked(own)
            except InvalidBody as error:
                found += [one for one in error.violated if one.property_name and one.value is not MISSING]
        return list({one.property_name[:1]: one for one in reversed(found)}.values())[::-1]
