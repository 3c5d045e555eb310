"""A server in this process, on a store of its own that begins empty."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import orjson
from starlette.types import ASGIApp, Message

from app import determinism
from app.application import create_app, open_store
from app.contract.document.contract import Contract
from app.contract.serve.problems import PROBLEM
from app.settings import Settings

_ORIGIN = "http://127.0.0.1"
_NAME = "flows-upgrade"
_SEED = b"flows upgrade"

# More random values than any request takes.
_STEP = 1 << 16


@dataclass(frozen=True)
class Request:
    """A request to carry out.

    :param method: in upper case
    :param target: path and query, encoded
    :param content_type: of its body, empty if it has none
    :param body: its body
    """

    method: str
    target: bytes
    content_type: str = ""
    body: bytes = b""


class InvalidRequest(Exception):
    """A request that can't be sent, such as one with an overlong URL."""


@dataclass(frozen=True)
class Reply:
    """A response.

    :param status: its status
    :param media_type: of its body without parameters, empty if it has none
    :param body: its body if it is JSON; None if it is not
    """

    status: int
    media_type: str
    body: Any

    @property
    def is_error(self) -> bool:
        """Whether it is an error response (RFC 9110, section 15)."""
        return self.status >= httpx.codes.BAD_REQUEST


class Deployment:
    """A server of all versions. Equal requests in the same order have equal responses: time and random bytes are fixed.

    :param client: sends requests to it
    :param runner: runs it
    """

    def __init__(self, client: httpx.AsyncClient, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def send(self, request: Request, version: str, moment: int) -> Reply:
        """Carry out a request.

        :param version: the version to ask for
        :param moment: the number of the request: random values depend on it alone
        :raises InvalidRequest: it can't be sent
        """
        try:
            built = self._built(request, version)
        except (httpx.InvalidURL, ValueError) as error:
            raise InvalidRequest(str(error)) from error
        determinism.begin(moment * _STEP)
        return self._runner.run(self._send(built))

    def _built(self, request: Request, version: str) -> httpx.Request:
        headers = {"Accept": f"*/*, {PROBLEM}", "X-Authentik-Version": version}
        if request.content_type:
            headers["Content-Type"] = request.content_type
        url = httpx.URL(_ORIGIN, raw_path=request.target)
        return self._client.build_request(request.method, url, content=request.body, headers=headers)

    async def _send(self, request: httpx.Request) -> Reply:
        response = await self._client.send(request)
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = None
        if media_type.endswith("json"):
            with suppress(ValueError):
                body = orjson.loads(response.content)
        return Reply(response.status_code, media_type, body)


@contextmanager
def deployments(
    settings: Settings, contract: Contract, load_version: Callable[[str], Contract]
) -> Iterator[tuple[Deployment, Deployment]]:
    """Two servers that differ in nothing, as a context manager. Time and random bytes are fixed meanwhile.

    :param settings: the path of the contract, and the version that they serve by default; others have their defaults
    :param contract: the contract that they serve by default
    :param load_version: loads another version
    """
    with (
        determinism.fixed(_SEED),
        asyncio.Runner() as runner,
        TemporaryDirectory(prefix="flows-upgrade-") as folder,
        _deployed(settings, contract, load_version, Path(folder, "old.sqlite3"), runner) as old,
        _deployed(settings, contract, load_version, Path(folder, "new.sqlite3"), runner) as new,
    ):
        yield old, new


@contextmanager
def _deployed(
    settings: Settings,
    contract: Contract,
    load_version: Callable[[str], Contract],
    file: Path,
    runner: asyncio.Runner,
) -> Iterator[Deployment]:
    own = replace(
        Settings(contract=settings.contract),
        database_url=f"sqlite:///{file}",
        version=settings.version,
        token_cache=0.0,
    )
    determinism.begin(0)
    store = open_store(own, contract)
    store.migrate()
    headers = {"Authorization": f"Bearer {store.tokens.add(_NAME, superuser=True)}"}
    app = create_app(own, contract=contract, store=store, load_version=load_version)
    lifespan = _Lifespan(app)
    runner.run(lifespan.start())
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), headers=headers)
    try:
        yield Deployment(client, runner)
    finally:
        runner.run(client.aclose())
        runner.run(lifespan.stop())


class _Lifespan:
    """The lifespan of an application (ASGI, "Lifespan Protocol")."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._done: asyncio.Queue[Message] = asyncio.Queue()

    async def start(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._running = asyncio.ensure_future(self._app(scope, self._messages.get, self._done.put))
        await self._tell("startup")

    async def stop(self) -> None:
        await self._tell("shutdown")
        await self._running

    async def _tell(self, what: str) -> None:
        await self._messages.put({"type": f"lifespan.{what}"})
        await self._done.get()
