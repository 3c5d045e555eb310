"""The preview of a prompt."""

from collections.abc import Mapping
from typing import Any

from app import errors
from app.domain import RequestContext
from app.executor.expressions import NotEvaluated, evaluated
from app.executor.fields import Field
from app.executor.people import person
from app.executor.plan import Properties
from app.executor.policies.engine import PolicyRequest
from app.store import Store


def stages_prompt_prompts_preview_create(
    store: Store, body: Mapping[str, Any], request: RequestContext
) -> dict[str, Any]:
    """The challenge of a prompt. :raises Invalid: an expression can't be evaluated"""
    model = store.model_of("prompts")
    prompt = Properties({**model.defaults, **body})
    caller = PolicyRequest(person(store, request.user), {}, store, request.credentials)

    def value_of(name: str) -> Any:
        """The text of a property, or the value of its expression, unless that is blank."""
        is_expression = prompt[f"{name}_expression"] and prompt[name]
        return evaluated(prompt[name], caller)[0] if is_expression else prompt[name]

    try:
        field = Field(model, prompt, value_of).shown()
    except NotEvaluated as error:
        raise errors.Invalid({"non_field_errors": [str(error)]}) from error
    return {"component": "ak-stage-prompt", "fields": [field]}
