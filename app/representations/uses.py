"""The uses of an object and the bindings of a flow, limited to those that the caller may see."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.domain import Collection, RequestContext
from app.store.collections.flow_tree import Structure
from app.store.queries.used_by import Use


def visible_uses(uses: Iterable[Use], caller: RequestContext) -> list[dict[str, Any]]:
    """The uses by objects that the caller may see."""
    return [
        {"app": app, "model_name": model, "pk": use.pk, "name": use.name, "action": use.action}
        for use in uses
        for app, _, model in (use.model.partition("."),)
        if caller.sees(use.kind)
    ]


def visible_bindings(structure: Structure, caller: RequestContext, collections: Mapping[str, Collection]) -> Structure:
    """A flow with the bindings that the caller may see."""
    seen = {name for name, collection in collections.items() if caller.sees(collection)}
    if "stage_bindings" not in seen:
        structure = replace(structure, stages=[])
    if "policy_bindings" not in seen:
        stages = [replace(stage, policies=[]) for stage in structure.stages]
        structure = replace(structure, policies=[], stages=stages)
    return structure
