"""Connexion as its documentation has it: a FlaskApp made from the project's own YAML, on SQLAlchemy's ORM."""

from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from connexion import FlaskApp
from connexion.exceptions import Forbidden, OAuthProblem
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from connexion.options import SwaggerUIOptions
from connexion.resolver import Resolver
from connexion.security import BearerSecurityHandler
from jsonschema import Draft4Validator
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.contract.document.bundling import read
from app.store.engine.factory import open_database
from bench.peers import contract, orm
from bench.peers.access import Access, permits

SPECIFICATION = Path(__file__).parents[2] / "openapi" / "authentik-flows.yaml"


@Draft4Validator.FORMAT_CHECKER.checks("uuid", raises=ValueError)
def is_uuid(value: Any) -> bool:
    """Whether a text is a UUID: a format that Connexion's validator does not know by itself."""
    return not isinstance(value, str) or str(UUID(value)) == value.lower()


class Flow(orm.FlowColumns, orm.Base):
    """A flow. The identities of what is bound to it stand in columns of its own, which the database keeps."""

    __tablename__ = "flows"

    stages: Mapped[str] = mapped_column(default="")
    policies: Mapped[str] = mapped_column(default="")


Response = tuple[dict[str, Any], int]


class Operations:
    """The operations by their operationId.

    :param sessions: of the database
    """

    def __init__(self, sessions: orm.Sessions) -> None:
        self._sessions = sessions
        self._flows = orm.Flows(Flow)

    def flows_instances_list(
        self,
        token_info: dict[str, Any],
        ordering: str,
        page: int,
        page_size: int,
        search: str = "",
        flow_uuid: str | None = None,
        **filters: str,
    ) -> Response:
        """A page of flows."""
        _require(token_info, contract.VIEW)
        size = page_size if page_size >= 1 else contract.DEFAULT_PAGE_SIZE
        columns = {name: filters[name].strip() for name in ("name", "slug") if name in filters}
        columns |= {name: filters[name] for name in ("designation", "denied_action") if name in filters}
        if flow_uuid:
            columns["pk"] = flow_uuid
        with self._sessions.read() as session:
            found = self._flows.page(session, columns, search, ordering, page, size)
            if found is None:
                return {"detail": contract.INVALID_PAGE}, 404
            count, flows = found
            results = [contract.represent(flow) for flow in flows]
        return {"pagination": contract.pagination(count, page, size), "results": results}, 200

    def flows_instances_retrieve(self, token_info: dict[str, Any], slug: str) -> Response:
        """A flow."""
        _require(token_info, contract.VIEW)
        with self._sessions.read() as session:
            flow = self._flows.get(session, slug)
            return (contract.represent(flow), 200) if flow else ({"detail": contract.NOT_FOUND}, 404)

    def flows_instances_create(self, token_info: dict[str, Any], body: dict[str, Any]) -> Response:
        """Store a flow."""
        _require(token_info, contract.ADD)
        try:
            with self._sessions.write.begin() as session:
                flow = Flow(**contract.settable(body))
                session.add(flow)
        except IntegrityError:
            return dict(contract.SLUG_TAKEN), 400
        return contract.represent(flow), 201

    def flows_instances_partial_update(self, token_info: dict[str, Any], slug: str, body: dict[str, Any]) -> Response:
        """Store the members that were sent."""
        _require(token_info, contract.CHANGE)
        try:
            with self._sessions.write.begin() as session:
                flow = self._flows.get(session, slug, to_change=True)
                if flow is None:
                    return {"detail": contract.NOT_FOUND}, 404
                for name, value in contract.settable(body).items():
                    setattr(flow, name, value)
        except IntegrityError:
            return dict(contract.SLUG_TAKEN), 400
        return contract.represent(flow), 200


def create_app(database_url: str) -> FlaskApp:
    """The ASGI application on a database."""
    access = Access(open_database(database_url))

    class BearerTokens(BearerSecurityHandler):
        """Looks tokens up in the database: the YAML names no function for that."""

        def _resolve_func(self, _security_scheme: dict[str, Any]) -> Any:
            return token_info

    def token_info(token: str) -> dict[str, Any] | None:
        found = access.find(token)
        return None if found is None else {"sub": found.name, "token": found}

    app = FlaskApp(
        __name__,
        # Operations that are not timed are left out.
        resolver=Resolver(partial(getattr, Operations(orm.Sessions(database_url)))),
        resolver_error=501,
        security_map={"bearer": BearerTokens},
        swagger_ui_options=SwaggerUIOptions(swagger_ui=False),
        validate_responses=True,
    )
    app.add_api(read(SPECIFICATION).document)
    app.add_error_handler(OAuthProblem, _forbidden)
    return app


def _forbidden(_request: ConnexionRequest, _error: Exception) -> ConnexionResponse:
    """Missing and wrong credentials are 403 in this contract, never 401."""
    return ConnexionResponse(403, mimetype="application/json", body=f'{{"detail": "{contract.FORBIDDEN}"}}')


def _require(token_info: dict[str, Any], permissions: frozenset[str]) -> None:
    if not permits(token_info["token"], permissions):
        raise Forbidden(detail=contract.FORBIDDEN)
