"""The adapter to Connexion, whose `AbstractRoutingAPI` iterates over the operations and resolves their handlers.

A path is compiled when the first request for it arrives: a start compiles none, and a worker keeps only the plans it needs.
"""

import threading
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from app.contract.compile.plan import PathPlan, Plan, PlanBuilder, parameters
from app.contract.compile.routing import ReadValues, Router
from app.contract.connexion import AbstractOperation, AbstractRoutingAPI, SecurityHandlerFactory, Specification
from app.contract.document.contract import Contract
from app.contract.document.overlays import minor
from app.contract.request.path import PathReader
from app.contract.response.responses import lines, path_headers
from app.contract.response.stand_ins import StandIns
from app.metrics import Metrics


class ContractAPI:
    """The plans of one contract, by path.

    :param contract: the contract
    :param metrics: counts the requests
    :param path_prefix: the path in front of the base path, for URLs in responses
    :param stand_ins: the stand-ins of values that the enums lack
    :param security_map: Connexion's map of security handlers
    :param options: Connexion's other options of an API
    """

    def __init__(
        self,
        contract: Contract,
        *,
        metrics: Metrics,
        path_prefix: str = "",
        stand_ins: StandIns | None = None,
        security_map: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.router: Router[PathPlan] = Router()
        self._contract = contract
        self._metrics = metrics
        self._builder = PlanBuilder(
            contract, path_prefix + contract.base_path, SecurityHandlerFactory(security_map), stand_ins
        )
        self._options = options
        self._compiling = threading.Lock()
        for template in dict.fromkeys(path for _, path, _, _ in contract.operations()):
            self.router.add_later(contract.base_path + template, partial(self._compile, template))

    def _compile(self, template: str) -> tuple[PathPlan, ReadValues]:
        """Compile the plans of a path."""
        # Paths share writers of responses.
        with self._compiling:
            specification = Specification.load(outline(self._contract, [template]))
            plans = _PathAPI(specification, builder=self._builder, **self._options).plans
        item = self._contract.document["paths"][template]
        undefined = item.get("x-required-permissions", {})
        headers, bare_headers = path_headers(plans, minor(self._contract.release), item.get("x-frame-options"))
        declared = parameters(self._contract, template, next(iter(plans)).lower(), "path")
        reader = PathReader(self._contract, template, declared)
        plan = PathPlan(
            plans=plans,
            undefined={method.upper(): frozenset(names) for method, names in undefined.items()},
            headers=headers,
            lines=lines(headers),
            bare_headers=bare_headers,
            pointer=("paths", template),
            reader=reader,
            counters=self._metrics.places({method: plan.operation_id for method, plan in plans.items()}),
        )
        return plan, reader.read


class _PathAPI(AbstractRoutingAPI):
    """The plans of the operations of a specification, by method."""

    def __init__(self, specification: Specification, *, builder: PlanBuilder, **options: Any) -> None:
        self._builder = builder
        self.plans: dict[str, Plan] = {}
        super().__init__(specification, **options)

    def make_operation(self, operation: AbstractOperation) -> Plan:
        """Compile the plan of an operation."""
        return self._builder.build(operation)

    @staticmethod
    def _framework_path_and_name(operation: AbstractOperation, path: str) -> tuple[str, str]:
        return path, operation.operation_id

    def _add_operation_internal(
        self,
        method: str,
        path: str,  # noqa: ARG002  # Connexion's interface
        operation: Plan,
        name: str | None = None,  # noqa: ARG002
    ) -> None:
        self.plans[method.upper()] = operation


def outline(contract: Contract, templates: Collection[str] = ()) -> dict[str, Any]:
    """The part of a contract that Connexion needs: the operationId and security of each operation.

    It would check and copy the whole document, which has passed the boot checks.

    :param templates: the paths to include
    """
    document = contract.document
    paths: Mapping[str, dict[str, Any]] = {template: {} for template in templates}
    for _, path, method, operation in contract.operations():
        if path in paths:
            known = {key: operation[key] for key in ("operationId", "security") if key in operation}
            paths[path][method] = {**known, "responses": {"default": {"description": ""}}}
    return {
        **{key: document[key] for key in ("openapi", "info", "security") if key in document},
        "servers": [{"url": contract.base_path + "/"}],
        "paths": paths,
        "components": {"securitySchemes": document.get("components", {}).get("securitySchemes", {})},
    }
