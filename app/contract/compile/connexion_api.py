"""The adapter to Connexion, whose `AbstractRoutingAPI` iterates over the operations and resolves their handlers."""

from collections import defaultdict
from typing import Any

from app.contract.compile.plan import PathPlan, Plan, PlanBuilder, parameters
from app.contract.compile.routing import Router
from app.contract.connexion import AbstractOperation, AbstractRoutingAPI, SecurityHandlerFactory, Specification
from app.contract.document.contract import Contract
from app.contract.request.path import PathReader
from app.contract.response.responses import lines, path_headers
from app.metrics import Metrics


class ContractAPI(AbstractRoutingAPI):
    """The plans of one contract, by path.

    :param specification: Connexion's specification of the contract
    :param contract: the same contract with the locations of its parts
    :param metrics: counts the requests
    :param path_prefix: the path in front of the base path, for URLs in responses
    :param security_map: Connexion's map of security handlers
    """

    def __init__(
        self,
        specification: Specification,
        *,
        contract: Contract,
        metrics: Metrics,
        path_prefix: str = "",
        security_map: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self._contract = contract
        self._plans: dict[str, dict[str, Plan]] = defaultdict(dict)
        base_path = options.get("base_path") or specification.base_path
        self._builder = PlanBuilder(contract, path_prefix + base_path, SecurityHandlerFactory(security_map))
        self.router: Router[PathPlan] = Router()
        super().__init__(specification, **options)
        for template, plans in self._plans.items():
            item = contract.document["paths"][template]
            undefined = item.get("x-required-permissions", {})
            headers, bare_headers = path_headers(plans)
            reader = PathReader(contract, template, parameters(contract, template, next(iter(plans)).lower(), "path"))
            self.router.add(
                self.base_path + template,
                PathPlan(
                    plans=plans,
                    undefined={method.upper(): frozenset(names) for method, names in undefined.items()},
                    headers=headers,
                    lines=lines(headers),
                    bare_headers=bare_headers,
                    pointer=("paths", template),
                    reader=reader,
                    counters=metrics.places({method: plan.operation_id for method, plan in plans.items()}),
                ),
                reader.read,
            )

    def make_operation(self, operation: AbstractOperation) -> Plan:
        """Compile the plan of an operation."""
        return self._builder.build(operation)

    @staticmethod
    def _framework_path_and_name(operation: AbstractOperation, path: str) -> tuple[str, str]:
        return path, operation.operation_id

    def _add_operation_internal(
        self,
        method: str,
        path: str,
        operation: Plan,
        name: str | None = None,  # noqa: ARG002  # Connexion's interface
    ) -> None:
        self._plans[path][method.upper()] = operation


def outline(contract: Contract) -> dict[str, Any]:
    """The part of a contract that Connexion needs: paths, and the operationId and security of each operation.

    It would check and copy the whole document, which has passed the boot checks.
    """
    document = contract.document
    paths: dict[str, dict[str, Any]] = {path: {} for path in document["paths"]}
    for _, path, method, operation in contract.operations():
        known = {key: operation[key] for key in ("operationId", "security") if key in operation}
        paths[path][method] = {**known, "responses": {"default": {"description": ""}}}
    return {
        **{key: document[key] for key in ("openapi", "info", "security") if key in document},
        "servers": [{"url": contract.base_path + "/"}],
        "paths": paths,
        "components": {"securitySchemes": document.get("components", {}).get("securitySchemes", {})},
    }
