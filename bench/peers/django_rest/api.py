"""The serializer and the view of flows. To be imported once Django has its settings."""

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

from app.store.collections.tokens import Token
from app.store.engine.factory import open_database
from app.store.schema.search import fold
from bench.peers import contract
from bench.peers.access import Access, permits
from bench.peers.django_rest.models import Flow

access = Access(open_database(settings.DATABASE_URL))


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
        """The flows with their bindings; others have to wait with their changes of the one that is to be changed."""
        queryset = super().get_queryset()
        if self.action == "partial_update":
            # The framework drops what was loaded beforehand when it has changed an object.
            return queryset.select_for_update()
        return queryset.prefetch_related("stage_bindings", "policy_bindings")

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
