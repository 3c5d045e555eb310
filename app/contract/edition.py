"""A contract as it is served, and what takes the place of it when it is edited.

Connexion hands the specification to the middleware, and its `AbstractRoutingAPI` walks the operations and resolves the handlers.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from app.contract.answers import lines, path_headers
from app.contract.frames import Framed
from app.contract.framework import (
    AbstractOperation,
    AbstractRoutingAPI,
    Resolver,
    SecurityHandlerFactory,
    Specification,
)
from app.contract.paths import PathReader
from app.contract.plan import Plan, PlanBuilder, parameters
from app.contract.problems import Problems
from app.contract.routing import Router
from app.contract.serving import PathPlan, Server
from app.contract.source import Source
from app.metrics import Metrics


class ContractAPI(AbstractRoutingAPI):
    """The plans of one contract, by path.

    :param specification: the contract as Connexion holds it
    :param source: the same contract with the places of its parts
    :param metrics: counts the requests
    :param security_map: Connexion's map of security handlers
    """

    def __init__(
        self,
        specification: Specification,
        *,
        source: Source,
        metrics: Metrics,
        security_map: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self._source = source
        self._plans: dict[str, dict[str, Plan]] = defaultdict(dict)
        base_path = options.get("base_path") or specification.base_path
        self._builder = PlanBuilder(source, base_path, SecurityHandlerFactory(security_map))
        self.router: Router[PathPlan] = Router()
        super().__init__(specification, **options)
        for template, plans in self._plans.items():
            item = source.document["paths"][template]
            undefined = item.get("x-required-permissions", {})
            headers, bare_headers = path_headers(plans)
            reader = PathReader(source, template, parameters(source, template, next(iter(plans)).lower(), "path"))
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
        """The plan of an operation."""
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


class Edition:
    """One contract, compiled. A request ends with the edition that it began with.

    :param source: the contract
    :param server: carries requests out
    :param api: its plans
    """

    __slots__ = ("doubled", "prefix", "problems", "router", "server", "source")

    def __init__(self, source: Source, server: Server, api: ContractAPI) -> None:
        self.source = source
        self.server = server
        self.router = api.router
        self.prefix = api.base_path + "/"
        # The public documentation of authentik has its URLs so: `/api/v3//flows/instances/`.
        self.doubled = api.base_path + "//"
        self.problems = Problems(source)


class Current:
    """The contract that is in force, and what is wrong with the one that was saved after it.

    :param source: the first contract that is in force
    :param server: carries its requests out
    :param metrics: counts them

    `edition` is there when the application has started; `mistakes` are what keeps the saved one from being served.
    """

    edition: Edition

    def __init__(self, source: Source, server: Server, metrics: Metrics) -> None:
        self.source = source
        self._metrics = metrics
        self.mistakes: tuple[Framed, ...] = ()
        self._server = server
        self._outline: dict[str, Any] = {}
        self._specification: Specification | None = None
        self._options: dict[str, Any] = {}

    def start(self, specification: Specification, options: dict[str, Any]) -> ContractAPI:
        """Compile the first contract.

        :param specification: the contract as Connexion holds it
        :param options: Connexion's
        """
        self._outline, self._specification, self._options = outline(self.source), specification, options
        api = ContractAPI(specification, source=self.source, metrics=self._metrics, **options)
        self.edition = Edition(self.source, self._server, api)
        return api

    def compiled(self, source: Source, server: Server, handler_of: Callable[[str], Any]) -> Edition:
        """Compile another contract, beside the one that is in force.

        :param source: a contract that has passed the boot checks
        :param handler_of: the handler of an operation
        """
        known = outline(source)
        if known != self._outline:
            # Connexion takes its time to look at one, and most changes leave it as it was.
            self._outline, self._specification = known, Specification.load(known)
        options = {**self._options, "resolver": Resolver(handler_of), "base_path": None}
        api = ContractAPI(self._specification, source=source, metrics=self._metrics, **options)
        return Edition(source, server, api)

    def put_in_force(self, edition: Edition) -> None:
        """Serve another contract from the next request on."""
        self.edition, self.source, self.mistakes = edition, edition.source, ()


def outline(source: Source) -> dict[str, Any]:
    """What Connexion has to know of a contract: its paths, and the name and the security of each operation.

    It would check and copy the whole document, which the boot checks have looked at already.
    """
    document = source.document
    paths: dict[str, dict[str, Any]] = {path: {} for path in document["paths"]}
    for _, path, method, operation in source.operations():
        known = {key: operation[key] for key in ("operationId", "security") if key in operation}
        paths[path][method] = {**known, "responses": {"default": {"description": ""}}}
    return {
        **{key: document[key] for key in ("openapi", "info", "security") if key in document},
        "servers": [{"url": source.base_path + "/"}],
        "paths": paths,
        "components": {"securitySchemes": document.get("components", {}).get("securitySchemes", {})},
    }
