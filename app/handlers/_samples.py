"""Samples of responses that handlers generate: the boot check validates them by the contract."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.domain import Model
from app.representations.models import types_of
from app.representations.pages import page_of
from app.representations.samples import UUIDS

# The first page of an empty list, and a page of a very long one.
_PAGES = (page_of([], 0, 1, 20), page_of([], 10**9, 5, 100))
_LOG = {"timestamp": "2000-01-01T00:00:00.000000+00:00", "logger": "a", "event": "a", "attributes": {}}


def sample_responses(
    models: Mapping[str, Model], served: Mapping[str, tuple[str, str]], operation_id: str
) -> Sequence[Any]:
    """Samples of an operation's responses.

    :param models: the models by name
    :param served: the model or collection, and the verb, of each operation that serves one
    """
    scope, verb = served.get(operation_id, ("", ""))
    match verb:
        case "list":
            return _PAGES
        case "used_by_list":
            return list(_uses(models))
        case "types_list":
            return [types_of(models, scope)]
    return _WRITTEN.get(operation_id, ())


def _uses(models: Mapping[str, Model]) -> Iterator[Any]:
    yield []
    for model in models.values():
        for reference in model.references.values():
            use = {"app": model.app, "model_name": model.model_name, "pk": UUIDS[0], "name": "a"}
            yield [{**use, "action": reference.on_delete}]


# Operations with a handler of their own.
_WRITTEN: Mapping[str, Sequence[Any]] = {
    "flows_instances_cache_info_retrieve": [{"count": 0}],
    "flows_instances_diagram_retrieve": [{"diagram": "graph TD"}],
    "flows_instances_execute_retrieve": [{"link": "https://authentik.example.com/if/flow/welcome/"}],
    "flows_instances_import_create": [
        {"logs": [], "success": False},
        {"logs": [{**_LOG, "log_level": level} for level in ("info", "warning", "error")], "success": True},
    ],
    "policies_all_cache_info_retrieve": [{"count": 0}],
}
