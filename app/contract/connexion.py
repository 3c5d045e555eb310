"""What of Connexion is used here, imported without what a server never needs of it.

Connexion brings Starlette's test client, and the HTTP clients httpx and requests, along: a quarter of the time of all imports.
"""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any


class _StandIn(ModuleType):
    """Stands in for a module, and imports it when something of it is used.

    :param callables: what is imported from the module by name, all of which can be called
    """

    def __init__(self, name: str, callables: Iterable[str]) -> None:
        super().__init__(name)
        self.__dict__.update({attribute: partial(self._call, attribute) for attribute in callables})

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            # What the import system asks of every module.
            raise AttributeError(attribute)
        return getattr(self._imported(), attribute)

    def _call(self, attribute: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._imported(), attribute)(*args, **kwargs)

    def _imported(self) -> ModuleType:
        self.leave()
        return import_module(self.__name__)

    def leave(self) -> None:
        """Stand in no longer for those who import the module from now on."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


@contextlib.contextmanager
def deferred(modules: Mapping[str, Iterable[str]]) -> Iterator[None]:
    """Put off the import of modules by those that are imported meanwhile, until something of them is used.

    :param modules: by name, what is imported from the module by name, all of which can be called
    """
    absent = [_StandIn(name, callables) for name, callables in modules.items() if name not in sys.modules]
    sys.modules.update({module.__name__: module for module in absent})
    try:
        yield
    finally:
        for module in absent:
            module.leave()


with deferred({"starlette.testclient": ("TestClient",), "httpx": (), "requests": ()}):
    from connexion.middleware import ConnexionMiddleware
    from connexion.middleware.abstract import AbstractRoutingAPI, SpecMiddleware
    from connexion.middleware.exceptions import ExceptionMiddleware
    from connexion.middleware.lifespan import LifespanMiddleware
    from connexion.middleware.server_error import ServerErrorMiddleware
    from connexion.operations import AbstractOperation
    from connexion.resolver import Resolver
    from connexion.security import AbstractSecurityHandler, SecurityHandlerFactory
    from connexion.spec import OpenAPISpecification, Specification

__all__ = [
    "AbstractOperation",
    "AbstractRoutingAPI",
    "AbstractSecurityHandler",
    "ConnexionMiddleware",
    "ExceptionMiddleware",
    "LifespanMiddleware",
    "OpenAPISpecification",
    "Resolver",
    "SecurityHandlerFactory",
    "ServerErrorMiddleware",
    "SpecMiddleware",
    "Specification",
]
