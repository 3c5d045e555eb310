"""An application that reloads its contract and keeps connections and data."""

import asyncio
import gc
import threading
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import structlog
from starlette.types import Message, Receive, Scope, Send

from app import determinism
from app.application import (
    create_app,
    create_metrics,
    first_contract,
    load_draft,
    next_contract,
    open_store,
    version_names,
)
from app.contract.checks.drafts import Draft
from app.contract.document.code_frames import framed
from app.contract.document.contract import Contract
from app.contract.document.findings import ContractError, Finding, Location
from app.contract.serve.garbage import collections_suspended
from app.dev.edited_versions import EditedVersions
from app.dev.reporting import print_findings, print_served, print_versions, print_versions_findings
from app.dev.saves import saves
from app.recording.recorder import Recorder
from app.settings import Settings
from app.tracing import Tracing

log = structlog.get_logger("flows.live")

_STALE = (b"x-contract-state", b"stale")


class LiveApplication:
    """ASGI application that serves the saved contract of the settings. An invalid contract changes only the response header,
    the home page and the terminal, which report it.

    It waits for a first valid contract.

    :param deterministic: whether clock and identifiers are fixed
    :param tracing: creates the spans of requests; None if traces are off
    """

    def __init__(self, settings: Settings, *, deterministic: bool = False, tracing: Tracing | None = None) -> None:
        self._settings = settings
        self._draft = Draft()
        self._versions = EditedVersions(settings)
        self._versions_findings: list[Finding] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="flows-live", daemon=True)
        contract = self._first_contract()
        self._store = open_store(settings, contract)
        if deterministic:
            determinism.fix(self._store.fingerprint())
        metrics = create_metrics(contract, versions=version_names(settings, contract))
        self._active_contract = first_contract(settings, contract, self._store, metrics)
        self._recorder = Recorder(contract)
        self._app = create_app(
            settings,
            contract=contract,
            store=self._store,
            metrics=metrics,
            recorder=self._recorder,
            active_contract=self._active_contract,
            tracing=tracing,
            load_version=self._versions.load,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan of the application (ASGI)."""
        if scope["type"] == "lifespan":
            # Each request has to pass through here.
            await self._app({**scope, "state": {}}, self._until_shutdown(receive), self._after_startup(send))
        elif self._active_contract.findings:
            await self._app({**scope, "extensions": {}}, receive, _marked(send))
        else:
            await self._app(scope, receive, send)

    def _after_startup(self, send: Send) -> Send:
        async def started(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._thread.start()
            await send(message)

        return started

    def _until_shutdown(self, receive: Receive) -> Receive:
        async def received() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown" and self._thread.is_alive():
                self._stop.set()
                await asyncio.to_thread(self._thread.join)
            return message

        return received

    def _first_contract(self) -> Contract:
        while True:
            try:
                return load_draft(self._settings, self._draft)
            except ContractError as error:
                print_findings(framed(error.findings), served=False)
            next(saved for saved in saves(self._draft.files.folders, self._stop) if self._draft.files.outdated())

    def _follow(self) -> None:
        # Later collections skip all objects that exist now.
        gc.collect()
        gc.freeze()
        self._check_versions()
        for _ in saves(self._folders, self._stop):
            if self.outdated():
                self.take_up()

    def outdated(self) -> bool:
        """Whether a file of the contract has been saved since it was last read."""
        return self._draft.files.outdated() or self._versions.outdated()

    def _folders(self) -> AbstractSet[Path]:
        return self._draft.files.folders() | self._versions.folders()

    def take_up(self) -> None:
        """Activate the saved contract, or report its findings and those of its versions."""
        self._take_up_active()
        self._check_versions()

    def _check_versions(self) -> None:
        """Report the findings of the overlays. While the contract itself has findings, those come first."""
        try:
            with collections_suspended():
                found = self._versions.check(self._active_contract.contract)
        except Exception:
            log.exception("versions not checked")
            return
        if self._active_contract.findings:
            return
        before, self._versions_findings = self._versions_findings, found
        if found:
            print_versions_findings(framed(found))
        elif before:
            print_versions()

    def _take_up_active(self) -> None:
        started = time.perf_counter()
        try:
            # A collection would take as long as compiling.
            with collections_suspended():
                self._activate_saved()
        except ContractError as error:
            self._keep(error.findings)
        except Exception as error:
            log.exception("contract not taken up")
            problem = f"The contract can't be activated: {type(error).__name__}: {error}."
            self._keep([Finding(Location(self._active_contract.contract.name, 1, 1), problem, "Undo the last change.")])
        else:
            print_served(self._active_contract.contract.name, (time.perf_counter() - started) * 1000)
        finally:
            gc.collect()

    def _activate_saved(self) -> None:
        contract = load_draft(self._settings, self._draft)
        store = open_store(self._settings, contract, self._store.database)
        # The searched properties may have changed.
        store.update_search()
        compiled_contract = next_contract(self._settings, contract, store, self._active_contract)
        self._active_contract.activate(compiled_contract, version_names(self._settings, contract))
        self._recorder.follow(contract)

    def _keep(self, findings: Sequence[Finding]) -> None:
        """Keep the active contract, and report the findings of the saved one."""
        self._active_contract.findings = framed(findings)
        print_findings(self._active_contract.findings, served=True)


def _marked(send: Send) -> Send:
    """Mark responses as stale: the contract saved last is not active."""

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = (*message["headers"], _STALE)
        await send(message)

    return marked
