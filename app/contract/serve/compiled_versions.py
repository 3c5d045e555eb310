"""The served versions of the contract: the choice of the version of a request, and its compilation on first use.

A request names a version by the beginning of its path, by `X-Authentik-Version`, or by its `User-Agent`, in this order. Any
other request gets the version of the active contract.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import structlog

from app.contract.document.findings import ContractError
from app.contract.document.overlays import version_named
from app.contract.serve.compiled_contract import ActiveContract, CompiledContract
from app.contract.serve.garbage import collections_suspended

Compile = Callable[[str], CompiledContract]
"""Loads and compiles a version, given its name."""

# The official clients for Python and Rust, and the Terraform provider. Those for Go and TypeScript name no version.
_AGENT = re.compile(
    rb"OpenAPI-Generator/([0-9]{4}\.[0-9]{1,2})\.[0-9.-]+/(?:python|rust)\b|authentik-terraform@([0-9]{4}\.[0-9]{1,2})\."
)

# How many values of User-Agent are cached, and how long these are at most.
_CACHED_AGENTS, _CACHED_LENGTH = 256, 256

log = structlog.get_logger("flows.versions")


class Unserved(Exception):
    """A version that can't be served. The message is that of the 503."""


class CompiledVersions:
    """The versions of a contract, compiled.

    :param active_contract: the contract of the version that is served by default, and the names of all
    :param compile_version: compiles a version; called on a thread
    """

    def __init__(self, active_contract: ActiveContract, compile_version: Compile) -> None:
        self._active_contract = active_contract
        self._compile_version = compile_version
        self._compiling: dict[str, asyncio.Future[CompiledContract]] = {}
        # Versions with errors, with the versions of the contract that was active.
        self._failed: dict[str, tuple[Mapping[str, CompiledContract], Unserved]] = {}
        # The threads of the event loop's executor stay free for other requests.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flows-versions")
        self._base = f"{active_contract.contract.base_path}/"
        # Agents that name no version: nearly all requests.
        self._silent: set[bytes] = set()
        self._prefix = re.compile(rf"/([0-9]{{4}}\.[0-9]{{1,2}})(?={re.escape(active_contract.contract.base_path)}/)")

    def choose(self, path: str, asked: bytes | None, agent: bytes | None) -> tuple[str | None, str]:
        """Choose the version of a request.

        :param path: its path
        :param asked: its `X-Authentik-Version`, encoded, None if it is missing
        :param agent: its `User-Agent`, encoded, None if it is missing
        :returns: the name of the version, None for the default one; the path below it
        """
        if asked is None and (agent is None or agent in self._silent) and path.startswith(self._base):
            return None, path
        name = self._named_by(agent) if agent is not None else None
        if asked is not None:
            name = version_named(asked.decode("latin-1"))
        if path.startswith("/2") and (found := self._prefix.match(path)):
            name, path = found[1], path[found.end() :]
        return (None if name == self._active_contract.version else name), path

    def get(self, name: str) -> CompiledContract | None:
        """A compiled version; None if it does not exist, or is not compiled yet."""
        return self._active_contract.versions.get(name)

    def has(self, name: str) -> bool:
        """Whether a version exists."""
        return name in self._active_contract.version_names

    @property
    def known(self) -> str:
        """A sentence that lists all versions."""
        return f"There are: {', '.join(self._active_contract.version_names)}."

    async def compile(self, name: str) -> CompiledContract:
        """Compile a version that exists; requests that ask for it meanwhile wait for the same one.

        :raises Unserved: it can't be served
        """
        versions, failure = self._failed.get(name, (None, None))
        if failure is not None and versions is self._active_contract.versions:
            raise failure
        compiling = self._compiling.get(name)
        if compiling is None:
            compiling = asyncio.get_running_loop().run_in_executor(self._thread, self._made, name)
            self._compiling[name] = compiling
            compiling.add_done_callback(lambda _: self._compiling.pop(name))
        return await asyncio.shield(compiling)

    def _made(self, name: str) -> CompiledContract:
        # A contract that is saved meanwhile has versions of its own.
        versions = self._active_contract.versions
        try:
            # A collection would hold up requests for as long as it takes.
            with collections_suspended():
                compiled = self._compile_version(name)
        except ContractError as error:
            for finding in error.findings:
                log.error("version can't be served", version=name, finding=str(finding))
            public = self._active_contract.contract.public
            first = "".join(f" {public(str(finding))}" for finding in error.findings[:1])
            failure = Unserved(f"The contract of version {name} has errors.{first}")
            # It is not checked again: that takes seconds.
            self._failed[name] = versions, failure
            raise failure from error
        except Exception as error:
            log.exception("version can't be served", version=name)
            raise Unserved(f"The version {name} can't be served at present.") from error
        versions[name] = compiled
        return compiled

    def _named_by(self, agent: bytes) -> str | None:
        """The version in the `User-Agent` of a client; None if it names none, or one that does not exist."""
        found = _AGENT.search(agent)
        name = (found[1] or found[2]).decode() if found else None
        if name is not None:
            # A version that does not exist may be added later.
            return name if self.has(name) else None
        if len(self._silent) < _CACHED_AGENTS and len(agent) <= _CACHED_LENGTH:
            self._silent.add(agent)
        return None
