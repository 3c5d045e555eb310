"""The uses of an object, limited to those that the caller may see."""

from collections.abc import Iterable
from typing import Any

from app.domain import RequestContext
from app.store.queries.used_by import Use


def visible_uses(uses: Iterable[Use], caller: RequestContext) -> list[dict[str, Any]]:
    """The uses by objects that the caller may see."""
    return [
        {"app": app, "model_name": model, "pk": use.pk, "name": use.name, "action": use.action}
        for use in uses
        for app, _, model in (use.model.partition("."),)
        if caller.sees(use.kind)
    ]
