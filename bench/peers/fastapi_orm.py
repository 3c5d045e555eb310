"""FastAPI as its documentation has it: Pydantic models, a session per request, SQLAlchemy's ORM."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import ForeignKey
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from app.store.engine.factory import open_database
from bench.peers import contract, orm
from bench.peers.access import Access, permits
from bench.peers.models import Flow, FlowPage, FlowQuery, FlowRequest, PatchedFlowRequest


class StageBinding(orm.Base):
    """The binding of a stage to a flow."""

    __tablename__ = "stage_bindings"

    pk: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(ForeignKey("flows.pk"))
    stage: Mapped[str]
    order: Mapped[int]


class PolicyBinding(orm.Base):
    """The binding of a policy to a flow."""

    __tablename__ = "policy_bindings"

    pk: Mapped[str] = mapped_column(primary_key=True)
    flow: Mapped[str] = mapped_column(ForeignKey("flows.pk"))
    policy: Mapped[str]
    order: Mapped[int]


class StoredFlow(orm.FlowColumns, orm.Base):
    """A flow with its bindings."""

    __tablename__ = "flows"

    stage_bindings: Mapped[list[StageBinding]] = relationship(
        order_by=(StageBinding.order, StageBinding.pk), repr=False
    )
    policy_bindings: Mapped[list[PolicyBinding]] = relationship(
        order_by=(PolicyBinding.order, PolicyBinding.pk), repr=False
    )

    @property
    def stages(self) -> list[str]:
        """The identities of its stages, in order."""
        return [binding.stage for binding in self.stage_bindings]

    @property
    def policies(self) -> list[str]:
        """The identities of its policies, in order."""
        return [binding.policy for binding in self.policy_bindings]


stored = orm.Flows(StoredFlow, selectinload(StoredFlow.stage_bindings), selectinload(StoredFlow.policy_bindings))
router = APIRouter(prefix=contract.BASE.rstrip("/"))
bearer = HTTPBearer(auto_error=False)


class Requires:
    """Refuses who lacks permissions.

    :param permissions: all that are needed
    """

    def __init__(self, permissions: frozenset[str]) -> None:
        self._permissions = permissions

    def __call__(
        self, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
    ) -> None:
        """:raises HTTPException: the token is missing, not valid, or not enough"""
        token = credentials and request.app.state.access.find(credentials.credentials)
        if token is None or not permits(token, self._permissions):
            raise HTTPException(status.HTTP_403_FORBIDDEN, contract.FORBIDDEN)


def reading(request: Request) -> Iterator[Session]:
    """A session to read with."""
    with request.app.state.sessions.read() as session:
        yield session


def writing(request: Request) -> Iterator[Session]:
    """A session to write with; whoever uses it commits."""
    with request.app.state.sessions.write() as session:
        yield session


Reading = Annotated[Session, Depends(reading)]
Writing = Annotated[Session, Depends(writing)]


@router.get("/", dependencies=[Depends(Requires(contract.VIEW))])
def list_flows(session: Reading, query: Annotated[FlowQuery, Query()]) -> FlowPage:
    """A page of flows."""
    found = stored.page(session, query.filters, query.search, query.ordering, query.page, query.size)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, contract.INVALID_PAGE)
    count, flows = found
    return FlowPage.model_validate({"pagination": contract.pagination(count, query.page, query.size), "results": flows})


@router.get("/{slug}/", response_model=Flow, dependencies=[Depends(Requires(contract.VIEW))])
def retrieve_flow(session: Reading, slug: str) -> StoredFlow:
    """A flow."""
    return _or_404(stored.get(session, slug))


@router.post("/", response_model=Flow, status_code=201, dependencies=[Depends(Requires(contract.ADD))])
def create_flow(session: Writing, body: FlowRequest) -> StoredFlow:
    """Store a flow."""
    # Nothing is bound to it yet, so there is nothing to load.
    flow = StoredFlow(**body.model_dump(), stage_bindings=[], policy_bindings=[])
    session.add(flow)
    session.commit()
    return flow


@router.patch("/{slug}/", response_model=Flow, dependencies=[Depends(Requires(contract.CHANGE))])
def change_flow(session: Writing, slug: str, body: PatchedFlowRequest) -> StoredFlow:
    """Store the members that were sent."""
    flow = _or_404(stored.get(session, slug, to_change=True))
    for name, value in body.model_dump(exclude_unset=True).items():
        setattr(flow, name, value)
    session.commit()
    return flow


def create_app(database_url: str) -> FastAPI:
    """The ASGI application on a database."""
    app = FastAPI(title="authentik flows API")
    app.state.access = Access(open_database(database_url))
    app.state.sessions = orm.Sessions(database_url)
    app.include_router(router)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(IntegrityError, _taken)
    return app


def _or_404(flow: StoredFlow | None) -> StoredFlow:
    if flow is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, contract.NOT_FOUND)
    return flow


def _invalid(_request: Request, error: Any) -> JSONResponse:
    """The contract answers 400, with the messages by member."""
    messages: dict[str, list[str]] = {}
    for problem in error.errors():
        property_name = problem["loc"][1] if len(problem["loc"]) > 1 else "non_field_errors"
        messages.setdefault(str(property_name), []).append(problem["msg"])
    return JSONResponse(messages, status.HTTP_400_BAD_REQUEST)


def _taken(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse(contract.SLUG_TAKEN, status.HTTP_400_BAD_REQUEST)
