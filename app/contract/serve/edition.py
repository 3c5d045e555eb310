"""A contract as it is served, and what takes the place of it when it is edited."""

from collections.abc import Callable
from typing import Any

from app.contract.compile.connexion_api import ContractAPI, outline
from app.contract.connexion import Resolver, Specification
from app.contract.document.code_frames import Framed
from app.contract.document.source import Source
from app.contract.serve.executor import Server
from app.contract.serve.problems import Problems
from app.metrics import Metrics


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
