"""The operations on flows beside those that every collection has."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict

from app import errors
from app.blueprints.exporting import export
from app.blueprints.importing import apply
from app.domain import File, RequestContext, Upload
from app.execution import long_running
from app.planning.diagram import diagram
from app.planning.plan import NotApplicable, plan
from app.store import Store
from app.store.collections.files import StoredFile

Body = Mapping[str, Any]


class FilePath(TypedDict):
    """The body that names a file."""

    url: str


class FileUpload(TypedDict):
    """The body that holds a file."""

    file: Upload


def flows_instances_cache_info_retrieve(_store: Store) -> dict[str, int]:
    """How many plans are cached: nothing here plans a flow, so none."""
    return {"count": 0}


def flows_instances_cache_clear_create(_store: Store) -> None:
    """Drop the cached plans, of which there are none."""


def flows_instances_diagram_retrieve(store: Store, key: str, request: RequestContext) -> dict[str, str]:
    """A flow as a flowchart, as far as the caller may see what is bound. :raises NotFound: there is none"""
    structure = store.structures.get(key)
    seen = {name for name, collection in store.collections.items() if request.sees(collection)}
    if "stage_bindings" not in seen:
        structure = replace(structure, stages=[])
    if "policy_bindings" not in seen:
        stages = [replace(stage, policies=[]) for stage in structure.stages]
        structure = replace(structure, policies=[], stages=stages)
    return {"diagram": diagram(structure, store.models)}


def flows_instances_execute_retrieve(store: Store, key: str, request: RequestContext) -> dict[str, str]:
    """Where a flow is entered. :raises Refused: it can't be :raises NotFound: there is none"""
    try:
        plan(store.structures.get(key), store.models)
    except NotApplicable as error:
        raise errors.Rejected({"detail": str(error)}) from error
    return {"link": f"{request.base_url}/if/flow/{key}/"}


@long_running
def flows_instances_set_background_create(store: Store, key: str, body: Body) -> dict[str, Any]:
    """Take an uploaded picture, or go back to the default one. :raises NotFound: there is no such flow"""
    file: Upload | None = body.get("file")
    if body.get("clear"):
        store.backgrounds.reset(key)
    elif file is not None:
        store.backgrounds.upload(key, file.filename, StoredFile(file.media_type, file.content))
    return {}


def flows_instances_set_background_url_create(store: Store, key: str, body: FilePath) -> dict[str, Any]:
    """Take the picture of a URL. :raises NotFound: there is no such flow"""
    store.backgrounds.name(key, body["url"])
    return {}


@long_running
def flows_instances_export_retrieve(store: Store, key: str) -> File:
    """A flow and all that it reaches, as a blueprint. :raises NotFound: there is no such flow"""
    return File(export(store, [key]), "application/yaml", f"{key}.yaml")


@long_running
def flows_instances_import_create(store: Store, body: FileUpload, request: RequestContext) -> dict[str, Any]:
    """Apply a blueprint, whole or not at all. :raises Unavailable: others came in between again and again"""
    outcome = apply(store, body["file"].content, may=None if request.superuser else request.may)
    return {"logs": outcome.logs, "success": outcome.success}
