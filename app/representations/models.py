"""The models of a collection, for the creation of objects."""

from collections.abc import Mapping
from typing import Any

from app.domain import Model


def types_of(models: Mapping[str, Model], collection: str) -> list[dict[str, Any]]:
    """The models of a collection, sorted by display name."""
    alike = [model for model in models.values() if model.collection == collection]
    return [
        {
            "name": model.verbose_name,
            "description": model.description,
            "component": model.component,
            "model_name": model.model_name,
            "requires_enterprise": False,
        }
        for model in sorted(alike, key=lambda model: (model.verbose_name, model.name))
    ]
