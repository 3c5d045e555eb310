"""The application: the contract, the store, the handlers and the pages, connected. Wiring only."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Protocol

from starlette.types import ASGIApp

from app import handlers, pages
from app.contract import checks
from app.contract.checks import checked_cache
from app.contract.checks.drafts import Draft
from app.contract.checks.stand_ins import check_stand_ins
from app.contract.compile import models, scopes
from app.contract.compile.connexion_api import outline
from app.contract.compile.constants import constants
from app.contract.connexion import (
    ConnexionMiddleware,
    ExceptionMiddleware,
    LifespanMiddleware,
    Resolver,
    ServerErrorMiddleware,
)
from app.contract.document.contract import Contract, cached
from app.contract.document.findings import ContractError
from app.contract.document.overlays import version_named
from app.contract.document.versions import names, overlays, root_release
from app.contract.document.versions import read as read_version
from app.contract.request.authentication import BearerSecurityHandler
from app.contract.response.examples import no_handler
from app.contract.response.stand_ins import StandIns
from app.contract.serve.asgi import Room
from app.contract.serve.compiled_contract import ActiveContract, CompiledContract
from app.contract.serve.compiled_versions import CompiledVersions
from app.contract.serve.long_running import LongRunning
from app.contract.serve.middleware import ContractMiddleware
from app.contract.serve.plan_runner import PlanRunner
from app.contract.serve.response_cache import ResponseCache
from app.contract.serve.threads import Workers
from app.domain import Capabilities
from app.exchanges import Services
from app.executor.expressions.interpreters import Interpreters
from app.executor.mail.postman import Postman
from app.executor.sessions import ClientSessions
from app.metrics import Metrics
from app.middleware.cross_origin import CrossOrigin
from app.middleware.prefix import Prefix
from app.recording.recorder import Recorder
from app.representations.samples import sample_properties
from app.settings import Settings
from app.store import Store
from app.store.collections.capabilities import capabilities
from app.store.engine.database import Database
from app.tracing import Tracing


def load_contract(
    settings: Settings,
    served_by: Mapping[str, handlers.Handler] | None = None,
    *,
    version: str | None = None,
    thorough: bool = False,
    cache: Path | None = None,
    draft: Draft | None = None,
) -> Contract:
    """Load the contract, and check it against the code.

    :param served_by: the handlers written for one operation, by name; default: all of `app.handlers`
    :param version: the name of the version; None for the one of the settings
    :param thorough: whether to run the check that is too slow for each start
    :param cache: the folder of contracts that have passed the checks; None to always check
    :param draft: the state of earlier loads with the same code, unless there is a cache
    :raises UnknownVersion: there is no such version
    :raises ContractError: the contract can't be served
    """
    starts = version is None
    version = version_named(version or settings.version) or None
    implementation = checks.Implementation(partial(handlers_of, written=served_by), capabilities_of, samples_of)
    check = partial(checks.load, settings.contract, implementation, version=version, thorough=thorough)
    if cache is None:
        return check(draft=draft)

    def check_once(draft: Draft) -> Contract:
        contract = check(draft=draft)
        if starts:
            check_overlays(settings.contract)
        return contract

    return checked_cache.load(settings.contract, cache, check_once, version)


def check_overlays(path: Path) -> None:
    """Check that the overlays of a contract can be applied, and that what is new in them has stand-ins.

    :param path: the root file of the contract
    :raises ContractError: an overlay is invalid
    """
    if found := overlays(path):
        findings = list(check_stand_ins(read_version(path), read_version(path, found[-1].version)))
        if findings:
            raise ContractError(findings)


def load_versions(settings: Settings, draft: Draft) -> Iterator[Contract]:
    """Load each version of the contract that an overlay makes, oldest first, and check it against the code.

    :param draft: the state of earlier loads: what the versions have in common is checked once
    :raises ContractError: an overlay is invalid, or a version can't be served
    """
    earlier = read_version(settings.contract)
    for overlay in overlays(settings.contract):
        later = load_contract(settings, version=overlay.version, draft=draft)
        if findings := list(check_stand_ins(earlier, later)):
            raise ContractError(findings)
        yield later
        earlier = later


def load_draft(settings: Settings, draft: Draft | None = None, version: str | None = None) -> Contract:
    """Load a contract that is being edited: operations without a handler return their examples.

    :param draft: the state of earlier loads
    :param version: the name of the version; None for the one of the settings
    :raises UnknownVersion: there is no such version
    :raises ContractError: the contract can't be served
    """
    implementation = checks.Implementation(handlers_of, capabilities_of, samples_of, examples=True)
    version = version_named(version or settings.version) or None
    return checks.load(settings.contract, implementation, version=version, draft=draft)


def capabilities_of(contract: Contract) -> Callable[[str], Capabilities]:
    """The capabilities of the store for models and collections of a contract with valid models."""
    known = models.models(contract), models.collections(contract)
    return lru_cache(maxsize=None)(partial(capabilities, *known))


def samples_of(contract: Contract) -> checks.Samples:
    """Samples of the results of handlers, for a contract with valid models."""
    known, collections = models.models(contract), models.collections(contract)
    responses = lru_cache(maxsize=None)(partial(handlers.sample_responses, known, scopes.served(contract)))
    return checks.Samples(responses, known, partial(sample_properties, known, collections))


def open_store(
    settings: Settings,
    contract: Contract,
    database: Database | None = None,
    searched: Mapping[str, Sequence[str]] | None = None,
) -> Store:
    """Open the store of the settings. It connects on first use.

    :param database: the database, if another store has opened it
    :param searched: the searched properties by collection, if they are not those of the contract
    """
    return Store(
        database or settings.database_url,
        searched=scopes.searched(contract) if searched is None else searched,
        models=models.models(contract),
        collections=models.collections(contract),
        pool_size=settings.database_pool,
        token_cache=settings.token_cache,
    )


def create_metrics(contract: Contract, processes: int = 1, versions: Iterable[str] = ()) -> Metrics:
    """Create the counters of requests to a contract's operations.

    :param processes: the number of processes that count at the same time
    :param versions: the names of the versions of the contract
    """
    operations = ((operation["operationId"], method.upper()) for _, _, method, operation in contract.operations())
    return Metrics(operations, processes, versions)


def version_names(settings: Settings, contract: Contract) -> tuple[str, ...]:
    """The names of all versions of the contract, oldest first. :param contract: the one of the settings"""
    return names(settings.contract, root_release(settings.contract) if settings.version else contract.release)


def create_app(
    settings: Settings,
    *,
    contract: Contract | None = None,
    store: Store | None = None,
    active_contract: ActiveContract | None = None,
    metrics: Metrics | None = None,
    recorder: Recorder | None = None,
    tracing: Tracing | None = None,
    served_by: Mapping[str, handlers.Handler] | None = None,
    load_version: Callable[[str], Contract] | None = None,
) -> ConnexionMiddleware:
    """Create the ASGI application.

    :param contract: the contract, if it is loaded
    :param store: the store, if it is open; the application closes it at shutdown
    :param active_contract: the active contract, if it may change
    :param metrics: the counters of requests, if several processes share them
    :param recorder: records coverage and traffic, and shows them; None to record nothing
    :param tracing: creates spans of requests; None to trace nothing
    :param served_by: the handlers written for one operation, by name; default: all of `app.handlers`
    :param load_version: loads another version of the contract, by its name; `load_contract` by default
    :raises ContractError: the contract can't be served
    """
    contract = contract or load_contract(settings, served_by)
    store = store or open_store(settings, contract)
    scheduling = store.database.scheduling()
    workers = Workers(*scheduling.workers) if scheduling.workers is not None else None
    interpreters = Interpreters() if settings.expressions == "on" else None
    # A store in memory serves no other thread.
    keeps = settings.outbox == "on" or recorder is not None or not store.database.serves_threads
    postman = Postman(store, settings.smtp_url, settings.smtp_from, settings.public_url, keeps=keeps)
    long_running = LongRunning() if store.database.serves_threads else None
    metrics = metrics or create_metrics(contract, versions=version_names(settings, contract))
    store.database.watch_connections(metrics.connected)
    active_contract = active_contract or first_contract(settings, contract, store, metrics)

    serve_contract = partial(
        ContractMiddleware,
        active_contract=active_contract,
        versions=CompiledVersions(
            active_contract,
            partial(_compile_version, settings, store, active_contract, load_version),
        ),
        workers=workers,
        long_running=long_running,
        pending=scheduling.pending,
        wait_for_lock=scheduling.wait_for_lock,
        pipelined=scheduling.pipelined,
        metrics=metrics,
        observer=recorder,
        trace=tracing.record if tracing is not None else None,
        room=Room(max(settings.bodies_limit, settings.body_limit)),
        services=Services(interpreters, postman),
    )
    app = ConnexionMiddleware(
        pages.create_app(active_contract, store, settings, metrics, recorder, interpreters),
        import_name=__name__,
        lifespan=_lifespan(tracing, (tracing, workers, long_running, interpreters, postman), store),
        middlewares=[
            *_in_front(settings),
            serve_contract,
            ServerErrorMiddleware,
            ExceptionMiddleware,
            LifespanMiddleware,
        ],
        resolver=Resolver(_handler_of(served_by, contract)),
        security_map={"bearer": partial(BearerSecurityHandler, store.tokens.find, ClientSessions(store).access)},
    )
    app.add_api(outline(contract))
    return app


class _Stoppable(Protocol):
    def stop(self) -> None: ...


def _lifespan(
    tracing: Tracing | None, parts: Sequence[_Stoppable | None], store: Store
) -> Callable[[object], contextlib.AbstractAsyncContextManager[None]]:
    """The lifespan of the application, which ends with that of its parts and of the store."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        if tracing is not None:
            tracing.start()
        yield
        for part in parts:
            if part is not None:
                part.stop()
        store.close()

    return lifespan


def _in_front(settings: Settings) -> list[Callable[..., ASGIApp]]:
    """The middleware in front of all others, if the settings ask for any."""
    asked: list[Callable[..., ASGIApp]] = []
    if settings.allowed_origins:
        asked.append(partial(CrossOrigin, origins=settings.allowed_origins))
    if settings.prefix or settings.trusted_proxies:
        asked.append(partial(Prefix, prefix=settings.prefix, trusted=settings.trusted_proxies))
    return asked


def first_contract(settings: Settings, contract: Contract, store: Store, metrics: Metrics) -> ActiveContract:
    """The contract that is active when an application starts."""
    names = version_names(settings, contract)
    return ActiveContract(contract, _server(settings, contract, store), metrics, settings.prefix, names)


def next_contract(
    settings: Settings, contract: Contract, store: Store, active_contract: ActiveContract
) -> CompiledContract:
    """Compile another contract while one is active.

    :param contract: a contract that has passed the boot checks
    :param store: a store of this contract, on the same database
    """
    return active_contract.compiled(contract, _server(settings, contract, store), _handler_of(None, contract))


def _compile_version(
    settings: Settings,
    store: Store,
    active_contract: ActiveContract,
    load_version: Callable[[str], Contract] | None,
    version: str,
) -> CompiledContract:
    """Compile a version of the contract.

    :param store: the store of the active contract, which other versions share
    """
    contract = load_contract(settings, version=version) if load_version is None else load_version(version)
    # All versions write the same search column.
    own = open_store(settings, contract, store.database, searched=scopes.searched(active_contract.contract))
    return next_contract(settings, contract, own, active_contract)


def _server(settings: Settings, contract: Contract, store: Store) -> PlanRunner:
    version = store.database.change_counter() if settings.response_cache > 0 else None
    memory = ResponseCache(version, settings.response_cache) if version is not None else None
    problems = partial(handlers.problems, scopes.served(contract), store)
    return PlanRunner(
        store,
        problems,
        settings.body_limit,
        memory,
        settings.json_limit,
        unit_of_work=store.database.unit_of_work,
        restricted=store.restricted,
        stand_ins=StandIns(settings.contract),
    )


def _handler_of(
    written: Mapping[str, handlers.Handler] | None, contract: Contract
) -> Callable[[str], handlers.Handler]:
    """The handler of each operation of a contract that has passed the boot checks."""
    known = handlers_of(contract, written)
    return lambda name: known.get(name, no_handler)


def handlers_of(
    contract: Contract, written: Mapping[str, handlers.Handler] | None = None
) -> Mapping[str, handlers.Handler]:
    """The handlers by name: for one operation, for models and collections, and constant ones.

    :param contract: one with valid models
    :param written: those for one operation; default: all of `app.handlers`
    """
    return {**constants(contract), **crud_handlers(contract), **(handlers.discover() if written is None else written)}


@cached
def crud_handlers(contract: Contract) -> Mapping[str, handlers.Handler]:
    """The handlers of a contract's models and collections, by name."""
    return handlers.crud_handlers(scopes.served(contract), models.models(contract), models.collections(contract))
