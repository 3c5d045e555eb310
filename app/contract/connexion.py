"""Names imported from Connexion, without the dependencies that a server never needs.

Connexion imports Starlette's test client and the HTTP clients httpx and requests: a quarter of the time of all imports.
"""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any


class _StandIn(ModuleType):
    """Placeholder for a module that is imported at its first use.

    :param callables: the callables that are imported from the module by name
    """

    def __init__(self, name: str, callables: Iterable[str]) -> None:
        super().__init__(name)
        self.__dict__.update({attribute: partial(self._call, attribute) for attribute in callables})

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            # Attributes that the import system reads of every module.
            raise AttributeError(attribute)
        return getattr(self._imported(), attribute)

    def _call(self, attribute: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._imported(), attribute)(*args, **kwargs)

    def _imported(self) -> ModuleType:
        self.leave()
        return import_module(self.__name__)

    def leave(self) -> None:
        """Remove the placeholder; later imports get the module itself."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


@contextlib.contextmanager
def deferred(modules: Mapping[str, Iterable[str]]) -> Iterator[None]:
    """Defer the imports of modules within this context until their first use.

    :param modules: by module, the callables that are imported from it by name
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
