"""The model, the serializer and the view of flows. To be imported once Django has its settings."""

import uuid
from typing import Any, ClassVar

import django_filters.rest_framework
from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import StrIndex
from django.http import Http404
from django.urls import include, path
from rest_framework import authentication, exceptions, filters, pagination, permissions, routers, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from app.store.database import Database
from app.store.search import fold, search_text
from app.store.tokens import Token
from bench.peers import contract
from bench.peers.access import Access, permits

access = Access(Database(settings.DATABASE_URL))


def new_id() -> str:
    """A new identity."""
    return str(uuid.uuid4())


class Designation(models.TextChoices):
    """What a flow is for."""

    AUTHENTICATION = "authentication"
    AUTHORIZATION = "authorization"
    INVALIDATION = "invalidation"
    ENROLLMENT = "enrollment"
    UNENROLLMENT = "unenrollment"
    RECOVERY = "recovery"
    STAGE_CONFIGURATION = "stage_configuration"


class PolicyEngineMode(models.TextChoices):
    """Whether all or any of the bound policies must pass."""

    ALL = "all"
    ANY = "any"


class Layout(models.TextChoices):
    """Where the form stands on the page."""

    STACKED = "stacked"
    CONTENT_LEFT = "content_left"
    CONTENT_RIGHT = "content_right"
    SIDEBAR_LEFT = "sidebar_left"
    SIDEBAR_RIGHT = "sidebar_right"


class DeniedAction(models.TextChoices):
    """What happens to a user who is denied."""

    MESSAGE_CONTINUE = "message_continue"
    MESSAGE = "message"
    CONTINUE = "continue"


class Authentication(models.TextChoices):
    """Who may enter a flow."""

    NONE = "none"
    REQUIRE_AUTHENTICATED = "require_authenticated"
    REQUIRE_UNAUTHENTICATED = "require_unauthenticated"
    REQUIRE_SUPERUSER = "require_superuser"
    REQUIRE_OUTPOST = "require_outpost"


class Flow(models.Model):
    """A flow."""

    # `pk` is a name that Django keeps for itself.
    flow_uuid = models.TextField(primary_key=True, db_column="pk", default=new_id, editable=False)
    policybindingmodel_ptr_id = models.TextField(unique=True, default=new_id, editable=False)
    name = models.TextField()
    slug = models.SlugField(unique=True)
    title = models.TextField()
    designation = models.TextField(choices=Designation)
    background = models.TextField(default=contract.BACKGROUND, editable=False)
    policy_engine_mode = models.TextField(choices=PolicyEngineMode, default=PolicyEngineMode.ANY)
    compatibility_mode = models.BooleanField(default=False)
    layout = models.TextField(choices=Layout, default=Layout.STACKED)
    denied_action = models.TextField(choices=DeniedAction, default=DeniedAction.MESSAGE_CONTINUE)
    authentication = models.TextField(choices=Authentication, default=Authentication.NONE)
    search = models.TextField(editable=False)

    # Nothing binds stages or policies to a flow, and nothing plans it.
    stages = policies = ()
    cache_count = 0

    class Meta:
        """Where flows are kept: the table is the project's."""

        app_label = "flows"
        db_table = "flows"
        managed = False

    def __str__(self) -> str:
        return self.name

    @property
    def export_url(self) -> str:
        """Where the flow can be had as a blueprint."""
        return contract.export_url(self.slug)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the flow with the text it is searched by."""
        values = {member: getattr(self, member) for member in contract.SEARCHED}
        self.search = search_text(values, contract.SEARCHED)
        super().save(*args, **kwargs)


class FlowSerializer(serializers.ModelSerializer):
    """A flow as it is sent and answered."""

    class Meta:
        """The members."""

        model = Flow
        fields: ClassVar[list[str]] = [
            "pk",
            "policybindingmodel_ptr_id",
            "name",
            "slug",
            "title",
            "designation",
            "background",
            "stages",
            "policies",
            "cache_count",
            "policy_engine_mode",
            "compatibility_mode",
            "export_url",
            "layout",
            "denied_action",
            "authentication",
        ]


class BearerAuthentication(authentication.BaseAuthentication):
    """Tokens in the `Authorization` header; without a challenge, so that refusals are 403."""

    def authenticate(self, request: Request) -> tuple[Token, None] | None:
        """The token that a request was sent with."""
        authorization = request.headers.get("Authorization")
        if authorization is None:
            return None
        token = access.bearer(authorization)
        if token is None:
            raise exceptions.AuthenticationFailed("Token invalid/expired")
        return token, None


class HasPermissions(permissions.BasePermission):
    """Lets those pass whose token has the permissions of the action."""

    _needed: ClassVar[dict[str, frozenset[str]]] = {
        "list": contract.VIEW,
        "retrieve": contract.VIEW,
        "create": contract.ADD,
        "partial_update": contract.CHANGE,
    }

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the request may be carried out. An action that there is not is refused later, with 405."""
        return request.user is not None and permits(request.user, self._needed.get(view.action, frozenset()))


class FlowFilter(django_filters.FilterSet):
    """The filters of a list."""

    flow_uuid = django_filters.UUIDFilter()

    class Meta:
        """The other members to filter on."""

        model = Flow
        fields: ClassVar[list[str]] = ["name", "slug", "designation", "denied_action"]


class FoldedSearch(filters.BaseFilterBackend):
    """Finds every word in the column that is made for it."""

    def filter_queryset(self, request: Request, queryset: models.QuerySet[Flow], _view: Any) -> models.QuerySet[Flow]:
        """The flows that have all words of `search`."""
        for term in contract.terms(request.query_params.get("search", "")):
            queryset = queryset.alias(position=StrIndex("search", models.Value(fold(term)))).filter(position__gt=0)
        return queryset


class Ordering(filters.OrderingFilter):
    """Sorts by what is asked for, then by identity."""

    def get_ordering(self, request: Request, queryset: models.QuerySet[Flow], view: Any) -> list[str]:
        """The columns to sort by."""
        return [*super().get_ordering(request, queryset, view), "pk"]


class Pagination(pagination.PageNumberPagination):
    """Pages by number, counted as authentik does."""

    page_size = contract.DEFAULT_PAGE_SIZE
    page_size_query_param = "page_size"
    invalid_page_message = contract.INVALID_PAGE

    def get_paginated_response(self, data: list[dict[str, Any]]) -> Response:
        """A page with where it stands among all pages."""
        page = self.page
        numbers = contract.pagination(page.paginator.count, page.number, page.paginator.per_page)
        return Response({"pagination": numbers, "results": data})


class FlowViewSet(viewsets.ModelViewSet):
    """The operations on flows."""

    http_method_names: ClassVar[list[str]] = ["get", "post", "patch"]
    queryset = Flow.objects.defer("search")
    serializer_class = FlowSerializer
    lookup_field = "slug"
    authentication_classes: ClassVar[list[type]] = [BearerAuthentication]
    permission_classes: ClassVar[list[type]] = [HasPermissions]
    pagination_class = Pagination
    filter_backends: ClassVar[list[type]] = [
        django_filters.rest_framework.DjangoFilterBackend,
        FoldedSearch,
        Ordering,
    ]
    filterset_class = FlowFilter
    ordering_fields = tuple(contract.SORTABLE)
    ordering = ("slug", "name")

    def get_queryset(self) -> models.QuerySet[Flow]:
        """The flows; others have to wait with their changes of the one that is to be changed."""
        queryset = super().get_queryset()
        return queryset.select_for_update() if self.action == "partial_update" else queryset

    def filter_queryset(self, queryset: models.QuerySet[Flow]) -> models.QuerySet[Flow]:
        """The flows that match the query. Only lists have one here, as in the other peers."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    def get_object(self) -> Flow:
        """The flow that a request names. :raises NotFound: there is none"""
        try:
            return super().get_object()
        except Http404:
            # Without Django's sentence, which names the model.
            raise exceptions.NotFound from None

    @transaction.atomic
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Store the members that were sent, in one transaction with reading the others."""
        return super().partial_update(request, *args, **kwargs)


router = routers.SimpleRouter()
router.register("flows/instances", FlowViewSet)
urlpatterns = [path("api/v3/", include(router.urls))]
