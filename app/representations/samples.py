"""Samples of the properties that the server generates: the boot check validates them by the contract."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from app.domain import Collection, Model
from app.representations.objects import URL, Representations
from app.store.collections.capabilities import capabilities
from app.store.queries.binding_views import PolicyBindingRow, StageBindingRow
from app.store.queries.flow_row import Flow
from app.store.queries.object_views import RELATIONS, ObjectRow
from app.store.queries.people import USERS
from app.store.queries.token_views import TokenRow

UUIDS = ("00000000-0000-4000-8000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff")
"""The least and the greatest identifier."""


def sample_properties(
    models: Mapping[str, Model], collections: Mapping[str, Collection], model: Model
) -> Mapping[str, Sequence[Any]]:
    """Samples of the generated properties of a model, by property: from the representations of sample rows.

    :param models: the models by name
    :param collections: the collections by name
    """
    shapes = Representations(models, collections)
    found: dict[str, list[Any]] = defaultdict(list)
    user = next((one.name for one in models.values() if one.collection == USERS), "")
    for row in _rows(model, collections[model.collection].related, user):
        if isinstance(row, ObjectRow):
            for name, value in shapes.generated(row, model).items():
                if value not in found[name]:
                    found[name].append(value)
            continue
        kept = capabilities(models, collections, model.name).kept or ()
        for name, value in shapes.of(model.name)(row).items():
            reference = model.references.get(name)
            # A reference to objects that are not stored here is always null.
            if name not in kept and (reference is None or reference.to) and value not in found[name]:
                found[name].extend([] if value is URL else [value])
    return found


def _rows(model: Model, related: str, user: str) -> Iterator[tuple[Any, ...]]:
    """Rows of a model, with blank values for properties that are not generated. :param user: the model of users"""
    for uuid in ("1", str(10**9)) if model.numbered else UUIDS:
        match model.collection:
            case "flows":
                bound = " ".join(UUIDS) if uuid != UUIDS[0] else ""
                yield Flow._make([uuid] * len(Flow._fields))._replace(stages=bound, policies=bound)
            case "stage_bindings":
                yield StageBindingRow._make([uuid] * len(StageBindingRow._fields))._replace(flow_set="[]")
            case "policy_bindings":
                row = PolicyBindingRow._make([uuid] * len(PolicyBindingRow._fields))
                row = row._replace(policy_properties="{}", policy_references="[]", bound_to=0)
                yield row._replace(user=None, group=None, people="[]")
            case "tokens":
                token = TokenRow._make([uuid] * len(TokenRow._fields))._replace(user="1", user_related="[]", expires=0)
                properties = orjson.dumps({"name": uuid, "uuid": uuid}).decode()
                yield token._replace(user_model=user, user_properties=properties)
            case _:
                for value in RELATIONS[related].samples if related in RELATIONS else (None,):
                    yield ObjectRow(uuid, model.name, uuid, "{}", "[]", value)
