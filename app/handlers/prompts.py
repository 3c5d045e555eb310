"""The preview of a prompt."""

from collections.abc import Mapping
from typing import Any

from app import errors
from app.domain import RequestContext
from app.executor.choices import choices_of, shown_choices
from app.executor.expressions import NotEvaluated, evaluated
from app.executor.people import Person
from app.executor.policies.engine import PolicyRequest
from app.store import Store
from app.store.queries.people import USERS

# The properties that no field shows, and the types of fields with choices.
_HIDDEN = frozenset({"name", "placeholder_expression", "initial_value_expression"})
_CHOICES = ("dropdown", "radio-button-group")


def stages_prompt_prompts_preview_create(
    store: Store, body: Mapping[str, Any], request: RequestContext
) -> dict[str, Any]:
    """The challenge of a prompt. :raises Invalid: an expression can't be evaluated"""
    (model,) = (one for one in store.models.values() if one.collection == "prompts")
    prompt = {**model.defaults, **body}
    caller = PolicyRequest(
        Person(store.objects.get(USERS, request.user), store=store), {}, store=store, http_request=request.credentials
    )
    try:
        placeholder, initial = (_value(prompt, name, caller) for name in ("placeholder", "initial_value"))
    except NotEvaluated as error:
        raise errors.Invalid({"non_field_errors": [str(error)]}) from error
    choices = None
    if prompt["type"] in _CHOICES:
        choices = choices_of(placeholder, model)
        values = [choice.value for choice in choices]
        placeholder, initial = "", str(initial) if str(initial) in values else next(iter(values), "")
    shown = {**prompt, "placeholder": str(placeholder), "initial_value": str(initial)}
    field = {name: shown[name] for name in model.properties if name not in _HIDDEN}
    return {"component": "ak-stage-prompt", "fields": [{**field, "choices": shown_choices(choices, model) or None}]}


def _value(prompt: Mapping[str, Any], name: str, caller: PolicyRequest) -> Any:
    """The text of a prompt, or the value of its expression, unless that is blank."""
    return evaluated(prompt[name], caller)[0] if prompt[f"{name}_expression"] and prompt[name] else prompt[name]
