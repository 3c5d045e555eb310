"""FastAPI as fast as it goes without leaving its ways: compiled statements, and no change of threads for SQLite."""

import functools
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, status
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from app import errors
from app.store.collections.flows import Flows
from app.store.engine.factory import open_database
from bench.peers import contract
from bench.peers.access import Access
from bench.peers.models import Flow, FlowPage, FlowQuery, FlowRequest, PatchedFlowRequest

Endpoint = Callable[..., Any]


def create_app(database_url: str) -> FastAPI:
    """The ASGI application on a database."""
    database = open_database(database_url)
    flows = Flows(database, contract.SEARCHED)
    access = Access(database)
    app = FastAPI(title="authentik flows API")
    # SQLite answers in less time than a change of threads takes; PostgreSQL must not hold the loop up.
    endpoint = _in_a_thread if database.is_remote else _inline

    def requires(permissions: frozenset[str]) -> Any:
        async def check(request: Request) -> None:
            # A token is looked up once a second, which holds the loop up less than a thread for each request would.
            if not access.allows(request.headers.get("authorization"), permissions):
                raise HTTPException(status.HTTP_403_FORBIDDEN, contract.FORBIDDEN)

        return Depends(check)

    @app.get(contract.BASE, response_model=FlowPage, dependencies=[requires(contract.VIEW)])
    @endpoint
    def list_flows(query: Annotated[FlowQuery, Query()]) -> dict[str, Any]:
        if query.page < 1:
            raise errors.PageNotFound
        found = flows.page(
            query.filters, contract.terms(query.search), contract.sort_keys(query.ordering), query.page, query.size
        )
        return {
            "pagination": contract.pagination(found.count, query.page, query.size),
            "results": [contract.represent(flow) for flow in found.flows],
        }

    @app.get(contract.BASE + "{slug}/", response_model=Flow, dependencies=[requires(contract.VIEW)])
    @endpoint
    def retrieve_flow(slug: str) -> dict[str, Any]:
        return contract.represent(flows.get(slug))

    @app.post(contract.BASE, response_model=Flow, status_code=201, dependencies=[requires(contract.ADD)])
    @endpoint
    def create_flow(body: FlowRequest) -> dict[str, Any]:
        return contract.represent(flows.add({"background": contract.BACKGROUND, **body.model_dump()}))

    @app.patch(contract.BASE + "{slug}/", response_model=Flow, dependencies=[requires(contract.CHANGE)])
    @endpoint
    def change_flow(slug: str, body: PatchedFlowRequest) -> dict[str, Any]:
        return contract.represent(flows.change(slug, body.model_dump(exclude_unset=True)))

    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(errors.NotUnique, _taken)
    app.add_exception_handler(errors.PageNotFound, functools.partial(_missing, detail=contract.INVALID_PAGE))
    app.add_exception_handler(errors.NotFound, functools.partial(_missing, detail=contract.NOT_FOUND))
    return app


def _inline(function: Endpoint) -> Callable[..., Awaitable[Any]]:
    """The function for FastAPI to call on the event loop."""

    @functools.wraps(function)
    async def inline(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inline


def _in_a_thread(function: Endpoint) -> Callable[..., Awaitable[Any]]:
    """The function for FastAPI to call in a thread: for a plain `def` it takes another one, to validate what is answered."""

    @functools.wraps(function)
    async def in_a_thread(*args: Any, **kwargs: Any) -> Any:
        return await run_in_threadpool(function, *args, **kwargs)

    return in_a_thread


async def _missing(_request: Request, _error: Exception, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status.HTTP_404_NOT_FOUND)


async def _taken(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse(contract.SLUG_TAKEN, status.HTTP_400_BAD_REQUEST)


async def _invalid(_request: Request, error: Any) -> JSONResponse:
    """The contract answers 400, with the messages by member."""
    messages: dict[str, list[str]] = {}
    for problem in error.errors():
        property_name = problem["loc"][1] if len(problem["loc"]) > 1 else "non_field_errors"
        messages.setdefault(str(property_name), []).append(problem["msg"])
    return JSONResponse(messages, status.HTTP_400_BAD_REQUEST)
