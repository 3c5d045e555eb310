"""What is connected with an object, as far as the caller may see it."""

from collections.abc import Iterable
from typing import Any

from app.domain import RequestContext
from app.store.queries.used_by import Use


def visible_uses(uses: Iterable[Use], caller: RequestContext) -> list[dict[str, Any]]:
    """The connections with objects that the caller may see."""
    return [
        {"app": app, "model_name": model, "pk": use.pk, "name": use.name, "action": use.action}
        for use in uses
        for app, _, model in (use.model.partition("."),)
        if caller.sees(use.kind)
    ]
