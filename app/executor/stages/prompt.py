"""Prompt stages, which ask for values of fields."""

from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from typing import Any

import structlog

from app import errors
from app.executor.expressions import NotEvaluated, evaluated
from app.executor.fields import REQUIRED, Field, Refused
from app.executor.plan import PROMPT_DATA, SECRETS, Properties
from app.executor.policies.engine import PolicyFailure, PolicyRequest, evaluate_policy
from app.executor.stages.kind import NON_FIELD_ERRORS, Question, wrong
from app.executor.steps import Step

log = structlog.get_logger("flows.executor")

_COMPONENT = "component"
_PASSWORD = "password"  # noqa: S105  # a type


class Stage(Question):
    """See `Question`."""

    def properties(self) -> Mapping[str, Any]:
        """See `Question`."""
        return {"fields": [field.shown() for field in self._fields]}

    def solve(self, answer: Properties) -> Step:
        """Store the values in the plan. :raises Invalid: some are wrong, or the policies of the stage reject them"""
        messages: dict[str, Any] = {}
        # The schema has checked `component`; it is kept as in authentik.
        data: dict[str, Any] = {_COMPONENT: answer.get(_COMPONENT, self.component)}
        for field in self._fields:
            try:
                self._take(field, answer, data)
            except Refused as refusal:
                messages[field.key] = [refusal.message]
        if messages:
            raise errors.Invalid(messages)
        self._check_passwords(data)
        kept = {**self._data, **nested(data)}
        self._check_policies(kept)
        self.run.context[PROMPT_DATA] = kept
        if secrets := [field.key for field in self._fields if field.prompt.type == _PASSWORD]:
            self.run.context[SECRETS] = list(dict.fromkeys([*self.run.context.get(SECRETS, ()), *secrets]))
        return self.run.done()

    def _take(self, field: Field, answer: Mapping[str, Any], data: dict[str, Any]) -> None:
        if field.key in answer:
            data[field.key] = field.read(answer[field.key])
            self._check_username(field, data[field.key])
        elif field.is_required:
            raise Refused(REQUIRED)
        elif field.initial_value:
            data[field.key] = field.initial_value

    def _check_username(self, field: Field, value: Any) -> None:
        users, own = self.run.store.runnable_flows, self.run.pending or self.run.caller
        if field.prompt.type != users.named_by or (own is not None and own.username == value):
            return
        if users.user_with([users.named_by], value, ignoring_case=False) is not None:
            raise Refused(("Username is already taken.", "invalid"))

    def _check_passwords(self, data: Mapping[str, Any]) -> None:
        passwords = [data.get(field.key) for field in self._fields if field.prompt.type == _PASSWORD]
        if len(passwords) == 2 and passwords[0] != passwords[1]:  # three are not compared
            raise wrong(NON_FIELD_ERRORS, "Passwords don't match.")

    def _check_policies(self, data: Mapping[str, Any]) -> None:
        run = self.run
        request = self._request({**run.context, PROMPT_DATA: data})
        passes, messages = True, []
        for policy in self._objects("policies", self.stage.validation_policies):
            try:
                result = evaluate_policy(policy.name, policy.model, policy, request)
                passes, found = passes and result.passes, result.messages
            except PolicyFailure as failure:
                passes, found = False, (str(failure),)
            messages += [{"string": message, "code": "invalid"} for message in found]
        if not passes:
            raise errors.Invalid({NON_FIELD_ERRORS: messages} if messages else {})

    @property
    def _data(self) -> dict[str, Any]:
        """The values of earlier stages."""
        return dict(self.run.context.get(PROMPT_DATA, {}))

    @cached_property
    def _fields(self) -> list[Field]:
        prompts = sorted(self._objects("prompts", self.stage.fields), key=lambda prompt: prompt.order)
        model = self.run.store.model_of("prompts")
        return [Field(model, prompt, partial(self._value_of, prompt), self._data) for prompt in prompts]

    def _value_of(self, prompt: Properties, name: str) -> Any:
        """The text of a property, or the value of its expression; its source if it can't be evaluated (recorded:
        `prompt.expressions`).
        """
        if not prompt[f"{name}_expression"]:
            return prompt[name]
        try:
            return evaluated(prompt[name], self._request(self.run.context))[0]
        except NotEvaluated as error:
            log.warning(
                "expression failed",
                flow=self.run.flow.slug,
                stage=self.run.stage.values.name,
                prompt=prompt.name,
                property=name,
                line=error.line,
                reason=str(error),
            )
            return prompt[name]

    def _request(self, context: Mapping[str, Any]) -> PolicyRequest:
        run = self.run
        return PolicyRequest(run.pending or run.caller, context, run.store, run.exchange.credentials, run.plan)

    def _objects(self, collection: str, keys: Iterable[str]) -> list[Properties]:
        """Objects that the stage refers to, as far as they exist, with their model."""
        store, found = self.run.store, []
        for key in keys:
            try:
                row = store.objects.get(collection, key)
            except errors.NotFound:
                continue
            found.append(Properties({**store.values(row), "name": row.name, "model": row.model}))
        return found


def nested(data: Mapping[str, Any]) -> dict[str, Any]:
    """Data in which a dot in a key separates the key of an object from one in it."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        *path, last = name.split(".")
        target = found
        for key in path:
            inner = target.setdefault(key, {})
            if not isinstance(inner, dict):
                inner = target[key] = {}
            target = inner
        target[last] = value
    return found
