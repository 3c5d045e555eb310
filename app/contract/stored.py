"""Reports of stored values in responses that violate the contract."""

from collections.abc import Iterable

import structlog

from app.contract.answers import StoredViolation
from app.contract.plan import Plan
from app.metrics import Metrics


class ViolationReporter:
    """Reports stored values that violate the contract: each to the metrics, and the first of a kind to the log.

    :param metrics: counts them
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log = structlog.get_logger("flows.contract")
        # All of these are names of the contract, so there are only so many.
        self._logged: set[tuple[str, str, str]] = set()

    def tell(self, plan: Plan | None, violations: Iterable[StoredViolation], place: int | None) -> None:
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
