"""The active contract, compiled, and its replacement."""

from collections.abc import Callable, Sequence
from typing import Any

from app.contract.compile.connexion_api import ContractAPI
from app.contract.connexion import Resolver
from app.contract.document.code_frames import CodeFrame
from app.contract.document.contract import Contract
from app.contract.document.overlays import minor
from app.contract.serve.plan_runner import PlanRunner
from app.contract.serve.problems import Problems
from app.metrics import Metrics


class CompiledContract:
    """A compiled contract. A request keeps the one that it began with.

    :param contract: the contract
    :param runner: serves requests
    :param api: the plans
    :param metrics: counts requests
    """

    __slots__ = ("contract", "counter", "doubled", "prefix", "problems", "router", "runner", "version")

    def __init__(self, contract: Contract, runner: PlanRunner, api: ContractAPI, metrics: Metrics) -> None:
        self.contract = contract
        self.version = minor(contract.release)
        self.counter = metrics.version_place(self.version)
        self.runner = runner
        self.router = api.router
        self.prefix = contract.base_path + "/"
        # URLs in authentik's public documentation: `/api/v3//flows/instances/`.
        self.doubled = contract.base_path + "//"
        self.problems = Problems(contract)


class ActiveContract:
    """The active contract, and the findings of the one that was saved after it.

    :param contract: the first active contract
    :param runner: serves its requests
    :param metrics: counts them
    :param path_prefix: the path in front of the base path, for URLs in responses
    :param version_names: the names of all versions, oldest first; default: of its own only

    `compiled_contract` is set when the application has started, and `versions` has other versions of the contract that are
    compiled, by name; `findings` are those of a saved contract that can't be served.
    """

    compiled_contract: CompiledContract

    def __init__(
        self,
        contract: Contract,
        runner: PlanRunner,
        metrics: Metrics,
        path_prefix: str = "",
        version_names: Sequence[str] = (),
    ) -> None:
        self.contract = contract
        self.version = minor(contract.release)
        self.version_names = tuple(version_names) or (self.version,)
        self.versions: dict[str, CompiledContract] = {}
        self._metrics = metrics
        self.findings: tuple[CodeFrame, ...] = ()
        self._runner = runner
        self._path_prefix = path_prefix
        self._options: dict[str, Any] = {}

    def start(self, options: dict[str, Any]) -> ContractAPI:
        """Compile the first contract.

        :param options: Connexion's options of an API
        """
        self._options = {**options, "path_prefix": self._path_prefix}
        api = ContractAPI(self.contract, metrics=self._metrics, stand_ins=self._runner.stand_ins, **self._options)
        self.compiled_contract = CompiledContract(self.contract, self._runner, api, self._metrics)
        return api

    def compiled(self, contract: Contract, runner: PlanRunner, handler_of: Callable[[str], Any]) -> CompiledContract:
        """Compile another contract, beside the active one.

        :param contract: a contract that has passed the boot checks
        :param handler_of: returns the handler of an operationId
        """
        options = {**self._options, "resolver": Resolver(handler_of)}
        api = ContractAPI(contract, metrics=self._metrics, stand_ins=runner.stand_ins, **options)
        return CompiledContract(contract, runner, api, self._metrics)

    def activate(self, compiled_contract: CompiledContract, version_names: Sequence[str] = ()) -> None:
        """Serve another contract from the next request on.

        :param version_names: the names of all its versions; default: the present ones
        """
        self.compiled_contract, self.contract, self.findings = compiled_contract, compiled_contract.contract, ()
        self.version, self.versions = compiled_contract.version, {}
        self.version_names = tuple(version_names) or self.version_names
