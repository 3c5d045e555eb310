"""Samples of values that handlers generate: the boot check validates them by the contract."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.domain import Model
from app.representations.models import types_of
from app.representations.pages import page_of

_UUIDS = ("00000000-0000-4000-8000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff")
# The first page of none, and a page of very many.
_PAGES = (page_of([], 0, 1, 20), page_of([], 10**9, 5, 100))
_LOG = {"timestamp": "2000-01-01T00:00:00.000000+00:00", "logger": "a", "event": "a", "attributes": {}}


def sample_responses(models: Mapping[str, Model], operation_id: str, collection: str) -> Sequence[Any]:
    """Samples of an operation's responses.

    :param models: the models by name
    :param collection: what the operation is about
    """
    make = next((make for end, make in _MAKERS.items() if operation_id.endswith(end)), None)
    return list(make(models, collection)) if make is not None else []


def _uses(models: Mapping[str, Model], _collection: str) -> Iterator[Any]:
    yield []
    for model in models.values():
        for reference in model.references.values():
            use = {"app": model.app, "model_name": model.model_name, "pk": _UUIDS[0], "name": "a"}
            yield [{**use, "action": reference.on_delete}]


def _imports(_models: Mapping[str, Model], _collection: str) -> Iterator[Any]:
    yield {"logs": [], "success": False}
    yield {"logs": [{**_LOG, "log_level": level} for level in ("info", "error")], "success": True}


def _always(*samples: Any) -> Callable[[Mapping[str, Model], str], Iterable[Any]]:
    return lambda _models, _collection: samples


# By the end of the operationId, longer ones first.
_MAKERS: Mapping[str, Callable[[Mapping[str, Model], str], Iterable[Any]]] = {
    "_used_by_list": _uses,
    "_types_list": lambda models, collection: [types_of(models, collection)],
    "_cache_info_retrieve": _always({"count": 0}),
    "_diagram_retrieve": _always({"diagram": "graph TD"}),
    "_execute_retrieve": _always({"link": "https://authentik.example.com/if/flow/welcome/"}),
    "_import_create": _imports,
    "_list": _always(*_PAGES),
}


def sample_properties(model: Model) -> Mapping[str, Sequence[Any]]:
    """Samples of the generated properties of a model."""
    return {
        "pk": _UUIDS,
        "component": (model.component,),
        "verbose_name": (model.verbose_name,),
        "verbose_name_plural": (model.verbose_name_plural,),
        "meta_model_name": (model.name,),
        **_GENERATED.get(model.collection, {}),
    }


# By collection.
_GENERATED: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "flows": {
        "policybindingmodel_ptr_id": _UUIDS,
        "cache_count": (0,),
        "stages": ([], _UUIDS),
        "policies": ([], _UUIDS),
    },
    "stages": {"flow_set": ([],)},
    "prompts": {"promptstage_set": ([],)},
    "policies": {"bound_to": (0, 10**9)},
    "stage_bindings": {"policybindingmodel_ptr_id": _UUIDS},
    "policy_bindings": {"group_obj": (None,), "user_obj": (None,)},
}
