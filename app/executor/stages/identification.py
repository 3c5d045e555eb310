"""Identification stages, which ask who the user is, and possibly for the password."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app import errors
from app.executor.people import Person, person
from app.executor.plan import PENDING_NAME, PENDING_USER, Properties
from app.executor.stages.kind import NON_FIELD_ERRORS, Question, wrong
from app.executor.stages.password import backend_of, proof_of
from app.executor.steps import Step

_FAILED = "Failed to authenticate."
_AUTHENTICATION = "authentication"
# Some properties of users have another name in the contract.
_OTHERWISE = {"upn": "attributes.upn"}


class Stage(Question):
    """See `Question`."""

    def properties(self) -> Mapping[str, Any]:
        """See `Question`."""
        stage, flow = self.stage, self.run.flow
        password = self._password_stage()
        return {
            "user_fields": stage.user_fields,
            "password_fields": password is not None,
            "allow_show_password": password is not None and password.allow_show_password,
            "flow_designation": flow.designation,
            **self._link("enroll_url", stage.enrollment_flow),
            **self._link("recovery_url", stage.recovery_flow),
            **self._link("passwordless_url", stage.passwordless_flow),
            "primary_action": "Log in" if flow.designation == _AUTHENTICATION else "Continue",
            "sources": [],
            "show_source_labels": stage.show_source_labels,
        }

    def solve(self, answer: Properties) -> Step:
        """Continue with the user. :raises Invalid: there is none, or the password is wrong"""
        run, stage, typed = self.run, self.stage, answer.uid_field
        fields = [_OTHERWISE.get(name, name) for name in stage.user_fields]
        ignoring_case = stage.case_insensitive_matching
        key = run.store.runnable_flows.user_with(fields, typed, ignoring_case=ignoring_case) if fields else None
        found = person(run.store, key or "")
        user, password = found or Person(None, typed), self._password_stage()
        proof: dict[str, Any] = {}
        if password is not None:
            given = answer.get("password") or ""
            backend = backend_of(run.store, run.exchange, user, given, password.backends)
            if not backend:
                raise wrong(NON_FIELD_ERRORS, _FAILED)
            proof = proof_of(backend)
        elif found is None and not stage.pretend_user_exists:
            run.context[PENDING_USER] = user.in_context  # kept by a restart with the context
            raise wrong(NON_FIELD_ERRORS, _FAILED)
        run.context.update({PENDING_USER: user.in_context, **proof})
        if not stage.show_matched_user:
            run.context[PENDING_NAME] = typed
        return run.done()

    def _password_stage(self) -> Properties | None:
        """The password stage inside of this one; None if there is none."""
        store, key = self.run.store, self.stage.password_stage
        if key is None:
            return None
        try:
            row = store.objects.get("stages", key)
        except errors.NotFound:
            return None
        return Properties(store.values(row))

    def _link(self, name: str, flow: str | None) -> dict[str, str]:
        """The page of another flow, with the parameters of this page. :param name: of the property"""
        slug = self.run.store.runnable_flows.slug_of(flow) if flow else None
        if slug is None:
            return {}
        query = urlencode(self.run.session.query or [])
        return {name: f"{self.run.exchange.root}/if/flow/{slug}/" + (f"?{query}" if query else "")}
