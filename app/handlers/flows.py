"""The operations on flows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

from app import errors
from app.blueprints.exporting import export
from app.blueprints.importing import apply
from app.domain import File, RequestContext, StoredObject, Upload
from app.execution import long_running, single_statement
from app.planning.diagram import diagram
from app.planning.plan import NotApplicable, plan
from app.representations.objects import flow as flow_shape
from app.representations.pages import page_of
from app.representations.uses import visible_uses
from app.store import Store
from app.store.collections.files import StoredFile
from app.store.queries.listing import SortKey

Body = Mapping[str, Any]


class FilePath(TypedDict):
    """The body that names a file."""

    url: str


class FileUpload(TypedDict):
    """The body that holds a file."""

    file: Upload


Filters = Mapping[str, Any]


def flows_instances_list(
    store: Store, filters: Filters, search: Sequence[str], ordering: Sequence[SortKey], page: int, page_size: int
) -> dict[str, Any]:
    """A page of flows. :raises PageNotFound: there is no such page"""
    found = store.flows.page(filters, search, ordering, page, page_size)
    return page_of([StoredObject(flow, flow_shape) for flow in found.flows], found.count, page, page_size)


@single_statement
def flows_instances_create(store: Store, body: Body) -> StoredObject:
    """Store a flow. :raises NotUnique: the slug is taken"""
    return StoredObject(store.flows.add(body), flow_shape)


@single_statement
def flows_instances_retrieve(store: Store, slug: str, filters: Filters, search: Sequence[str]) -> StoredObject:
    """A flow. :raises NotFound: there is none, or it does not match the filters"""
    return StoredObject(store.flows.get(slug, filters, search), flow_shape)


@single_statement
def flows_instances_update(
    store: Store, slug: str, body: Body, filters: Filters, search: Sequence[str]
) -> StoredObject:
    """Store the members that were sent. :raises NotFound: there is no such flow :raises NotUnique: the slug is taken"""
    return StoredObject(store.flows.change(slug, body, filters, search), flow_shape)


@single_statement
def flows_instances_partial_update(
    store: Store, slug: str, body: Body, filters: Filters, search: Sequence[str]
) -> StoredObject:
    """Store the members that were sent. :raises NotFound: there is no such flow :raises NotUnique: the slug is taken"""
    return StoredObject(store.flows.change(slug, body, filters, search), flow_shape)


def flows_instances_destroy(store: Store, slug: str, filters: Filters, search: Sequence[str]) -> None:
    """Delete a flow. :raises NotFound: there is none, or it does not match the filters"""
    store.flows.remove(slug, filters, search)


def flows_instances_cache_info_retrieve(_store: Store) -> dict[str, int]:
    """How many plans are cached: nothing here plans a flow, so none."""
    return {"count": 0}


def flows_instances_cache_clear_create(_store: Store) -> None:
    """Drop the cached plans, of which there are none."""


def flows_instances_used_by_list(store: Store, slug: str, request: RequestContext) -> list[dict[str, Any]]:
    """What is connected with a flow. :raises NotFound: there is none"""
    return visible_uses(store.used_by.flow(store.flows.get(slug).pk), request)


def flows_instances_diagram_retrieve(store: Store, slug: str, request: RequestContext) -> dict[str, str]:
    """A flow as a flowchart, as far as the caller may see what is bound. :raises NotFound: there is none"""
    structure = store.structures.get(slug)
    if not request.may("authentik_flows.view_flowstagebinding"):
        structure = replace(structure, stages=[])
    if not request.may("authentik_policies.view_policybinding"):
        stages = [replace(stage, policies=[]) for stage in structure.stages]
        structure = replace(structure, policies=[], stages=stages)
    return {"diagram": diagram(structure, store.models)}


def flows_instances_execute_retrieve(store: Store, slug: str, request: RequestContext) -> dict[str, str]:
    """Where a flow is entered. :raises Refused: it can't be :raises NotFound: there is none"""
    try:
        plan(store.structures.get(slug), store.models)
    except NotApplicable as error:
        raise errors.Refused({"detail": str(error)}) from error
    return {"link": f"{request.base_url}/if/flow/{slug}/"}


@long_running
def flows_instances_set_background_create(store: Store, slug: str, body: Body) -> dict[str, Any]:
    """Take an uploaded picture, or go back to the default one. :raises NotFound: there is no such flow"""
    file: Upload | None = body.get("file")
    if body.get("clear"):
        store.backgrounds.reset(slug)
    elif file is not None:
        store.backgrounds.upload(slug, file.filename, StoredFile(file.media_type, file.content))
    return {}


def flows_instances_set_background_url_create(store: Store, slug: str, body: FilePath) -> dict[str, Any]:
    """Take the picture of a URL. :raises NotFound: there is no such flow"""
    store.backgrounds.name(slug, body["url"])
    return {}


@long_running
def flows_instances_export_retrieve(store: Store, slug: str) -> File:
    """A flow and all that it reaches, as a blueprint. :raises NotFound: there is no such flow"""
    return File(export(store, [slug]), "application/yaml", f"{slug}.yaml")


@long_running
def flows_instances_import_create(store: Store, body: FileUpload, request: RequestContext) -> dict[str, Any]:
    """Apply a blueprint, whole or not at all. :raises Unavailable: others came in between again and again"""
    outcome = apply(store, body["file"].content, may=None if request.superuser else request.may)
    return {"logs": outcome.logs, "success": outcome.success}
