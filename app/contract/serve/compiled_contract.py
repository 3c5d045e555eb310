"""A contract as it is served, and what takes the place of it when it is edited."""

from collections.abc import Callable
from typing import Any

from app.contract.compile.connexion_api import ContractAPI, outline
from app.contract.connexion import Resolver, Specification
from app.contract.document.code_frames import CodeFrame
from app.contract.document.contract import Contract
from app.contract.serve.executor import Server
from app.contract.serve.problems import Problems
from app.metrics import Metrics


class CompiledContract:
    """One contract, compiled. A request ends with the edition that it began with.

    :param contract: the contract
    :param server: carries requests out
    :param api: its plans
    """

    __slots__ = ("contract", "doubled", "prefix", "problems", "router", "server")

    def __init__(self, contract: Contract, server: Server, api: ContractAPI) -> None:
        self.contract = contract
        self.server = server
        self.router = api.router
        self.prefix = api.base_path + "/"
        # The public documentation of authentik has its URLs so: `/api/v3//flows/instances/`.
        self.doubled = api.base_path + "//"
        self.problems = Problems(contract)


class ActiveContract:
    """The contract that is active, and what is wrong with the one that was saved after it.

    :param contract: the first contract that is active
    :param server: carries its requests out
    :param metrics: counts them

    `compiled_contract` is there when the application has started; `findings` are what keeps the saved one from being served.
    """

    compiled_contract: CompiledContract

    def __init__(self, contract: Contract, server: Server, metrics: Metrics) -> None:
        self.contract = contract
        self._metrics = metrics
        self.findings: tuple[CodeFrame, ...] = ()
        self._server = server
        self._outline: dict[str, Any] = {}
        self._specification: Specification | None = None
        self._options: dict[str, Any] = {}

    def start(self, specification: Specification, options: dict[str, Any]) -> ContractAPI:
        """Compile the first contract.

        :param specification: the contract as Connexion holds it
        :param options: Connexion's
        """
        self._outline, self._specification, self._options = outline(self.contract), specification, options
        api = ContractAPI(specification, contract=self.contract, metrics=self._metrics, **options)
        self.compiled_contract = CompiledContract(self.contract, self._server, api)
        return api

    def compiled(self, contract: Contract, server: Server, handler_of: Callable[[str], Any]) -> CompiledContract:
        """Compile another contract, beside the one that is active.

        :param contract: a contract that has passed the boot checks
        :param handler_of: the handler of an operation
        """
        known = outline(contract)
        if known != self._outline:
            # Connexion takes its time to look at one, and most changes leave it as it was.
            self._outline, self._specification = known, Specification.load(known)
        options = {**self._options, "resolver": Resolver(handler_of), "base_path": None}
        api = ContractAPI(self._specification, contract=contract, metrics=self._metrics, **options)
        return CompiledContract(contract, server, api)

    def activate(self, compiled_contract: CompiledContract) -> None:
        """Serve another contract from the next request on."""
        self.compiled_contract, self.contract, self.findings = compiled_contract, compiled_contract.contract, ()
