"""The Pydantic models of the peers that use FastAPI."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from bench.peers import contract

Designation = Literal[
    "authentication",
    "authorization",
    "invalidation",
    "enrollment",
    "unenrollment",
    "recovery",
    "stage_configuration",
]
PolicyEngineMode = Literal["all", "any"]
Layout = Literal["stacked", "content_left", "content_right", "sidebar_left", "sidebar_right"]
DeniedAction = Literal["message_continue", "message", "continue"]
Authentication = Literal[
    "none", "require_authenticated", "require_unauthenticated", "require_superuser", "require_outpost"
]

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00]*$")]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[-a-zA-Z0-9_]+$")]
Filter = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00]*$")]


class FlowRequest(BaseModel):
    """A new flow, as a client sends it."""

    name: Name
    slug: Slug
    title: Name
    designation: Designation
    policy_engine_mode: PolicyEngineMode = "any"
    compatibility_mode: StrictBool = False
    layout: Layout = "stacked"
    denied_action: DeniedAction = "message_continue"
    authentication: Authentication = "none"


class PatchedFlowRequest(BaseModel):
    """A change of a flow: the members that are sent. `None` stands for those that are not, and can't be sent."""

    name: Name = Field(default=None)
    slug: Slug = Field(default=None)
    title: Name = Field(default=None)
    designation: Designation = Field(default=None)
    policy_engine_mode: PolicyEngineMode = Field(default=None)
    compatibility_mode: StrictBool = Field(default=None)
    layout: Layout = Field(default=None)
    denied_action: DeniedAction = Field(default=None)
    authentication: Authentication = Field(default=None)


class Flow(BaseModel):
    """A flow as it is answered."""

    model_config = ConfigDict(from_attributes=True)

    pk: UUID
    policybindingmodel_ptr_id: UUID
    name: str
    slug: Slug
    title: str
    designation: Designation
    background: str
    stages: list[UUID]
    policies: list[UUID]
    cache_count: int
    policy_engine_mode: PolicyEngineMode
    compatibility_mode: bool
    export_url: str
    layout: Layout
    denied_action: DeniedAction
    authentication: Authentication


class Pagination(BaseModel):
    """Where a page stands among all pages."""

    next: int
    previous: int
    count: int
    current: int
    total_pages: int
    start_index: int
    end_index: int


class FlowPage(BaseModel):
    """One page of flows."""

    pagination: Pagination
    results: list[Flow]


class FlowQuery(BaseModel):
    """The query of a list."""

    flow_uuid: UUID | None = None
    name: Filter | None = None
    slug: Filter | None = None
    designation: Designation | None = None
    denied_action: DeniedAction | None = None
    search: str = ""
    ordering: str = contract.DEFAULT_ORDERING
    page: int = 1
    page_size: int = contract.DEFAULT_PAGE_SIZE

    @property
    def filters(self) -> dict[str, str]:
        """The value that each filtered column has to equal."""
        values = {
            "pk": self.flow_uuid and str(self.flow_uuid),
            "name": self.name,
            "slug": self.slug,
            "designation": self.designation,
            "denied_action": self.denied_action,
        }
        return {column: value for column, value in values.items() if value}

    @property
    def size(self) -> int:
        """How many flows a page holds: a number below 1 means the default."""
        return self.page_size if self.page_size >= 1 else contract.DEFAULT_PAGE_SIZE
