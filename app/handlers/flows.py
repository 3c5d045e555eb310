"""The operations on flows beyond those of every collection."""

from collections.abc import Mapping
from typing import Any, TypedDict

from app import errors
from app.blueprints.exporting import export
from app.blueprints.importing import apply
from app.diagrams.diagram import flowchart, mermaid
from app.domain import File, RequestContext, Upload
from app.exchanges import Reply
from app.execution import long_running
from app.executor.beginning import begin
from app.executor.planning import NotApplicable
from app.representations.uses import visible_bindings
from app.store import Store
from app.store.collections.files import StoredFile

Body = Mapping[str, Any]

_NOT_APPLICABLE = "Flow not applicable to current user/request"


class FilePath(TypedDict):
    """A body with the URL of a file."""

    url: str


class FileUpload(TypedDict):
    """A body with a file."""

    file: Upload


def flows_instances_cache_info_retrieve(_store: Store) -> dict[str, int]:
    """The number of cached plans: none, as plans are not cached."""
    return {"count": 0}


def flows_instances_cache_clear_create(_store: Store) -> None:
    """Discard the cached plans, of which there are none."""


def flows_instances_diagram_retrieve(store: Store, key: str, request: RequestContext) -> dict[str, str]:
    """A flow as a flowchart of the bindings that the caller may see. :raises NotFound: there is none"""
    structure = visible_bindings(store.structures.get(key), request, store.collections)
    return {"diagram": mermaid(flowchart(structure, store.models))}


def flows_instances_execute_retrieve(store: Store, key: str, request: RequestContext) -> Reply:
    """Plan a flow for the caller, in the session of the client.

    :returns: the URL to execute it
    :raises Rejected: its policies deny it, or it has no stage for the caller
    :raises NotFound: there is none
    """
    try:
        headers = begin(store, key, request.credentials, request.user)
    except NotApplicable as error:
        raise errors.Rejected({"detail": f"{_NOT_APPLICABLE}: {error}"}) from error
    return Reply({"link": f"{request.base_url}/if/flow/{key}/"}, headers=headers)


@long_running
def flows_instances_set_background_create(store: Store, key: str, body: Body) -> dict[str, Any]:
    """Store an uploaded background image, or restore the default one. :raises NotFound: there is no such flow"""
    file: Upload | None = body.get("file")
    if body.get("clear"):
        store.backgrounds.reset(key)
    elif file is not None:
        store.backgrounds.upload(key, file.filename, StoredFile(file.media_type, file.content))
    return {}


def flows_instances_set_background_url_create(store: Store, key: str, body: FilePath) -> dict[str, Any]:
    """Set the background image to a URL. :raises NotFound: there is no such flow"""
    store.backgrounds.name(key, body["url"])
    return {}


@long_running
def flows_instances_export_retrieve(store: Store, key: str) -> File:
    """Export a flow and its dependencies as a blueprint. :raises NotFound: there is no such flow"""
    return File(export(store, [key]), "application/yaml", f"{key}.yaml")


@long_running
def flows_instances_import_create(store: Store, body: FileUpload, request: RequestContext) -> dict[str, Any]:
    """Apply a blueprint in one transaction. :raises Unavailable: it conflicts with other transactions again and again"""
    outcome = apply(store, body["file"].content, may=None if request.superuser else request.may, user=request.user)
    return {"logs": outcome.logs, "success": outcome.success}
