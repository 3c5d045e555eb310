"""Consent stages, which ask for consent, and store it for the application of the plan."""

import hmac
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from app import determinism
from app.executor.durations import seconds_of
from app.executor.people import Person
from app.executor.plan import APPLICATION, Properties
from app.executor.stages.kind import Question
from app.executor.steps import Step

_TOKEN_BYTES = 16
# The keys in the context of the text above the permissions, and of the permissions.
_HEADER, _PERMISSIONS = "consent_header", "consent_permissions"
_NO_WORD = re.compile(r"[\s%]")
_NEVER_KEPT, _EXPIRING = "always_require", "expiring"


class Stage(Question):
    """See `Question`."""

    def ask(self) -> Step:
        """See `Kind`. A user who has consented to all permissions is not asked."""
        if self._is_kept and self._given == set(self._permissions):
            return self.run.done()
        return super().ask()

    def properties(self) -> Mapping[str, Any]:
        """See `Question`. Each challenge has a token of its own."""
        run, header = self.run, self.run.context.get(_HEADER)
        run.session.consent = determinism.random_bytes(_TOKEN_BYTES).hex()
        given = self._given if self._is_kept else None
        shown = self._permissions.values()
        return {
            **run.user_info(),
            **({} if header is None else {"header_text": str(header)}),
            "permissions": [one for one in shown if given is None or one["id"] in given],
            "additional_permissions": [one for one in shown if given is not None and one["id"] not in given],
            "token": run.session.consent,
        }

    def solve(self, answer: Properties) -> Step:
        """Store the consent and continue if the token is that of the last challenge, or else ask again."""
        asked = self.run.session.consent
        if not asked or not hmac.compare_digest(asked.encode(), answer.token.encode()):
            return self.ask()
        self.run.session.consent = ""
        if self._is_kept:
            ends = self.stage.mode == _EXPIRING
            expires = int(determinism.now()) + seconds_of(self.stage.consent_expire_in) if ends else 0
            application: Mapping[str, Any] = self.run.context[APPLICATION]
            names = " ".join(map(_as_word, self._permissions))
            self.run.store.consents.keep(self._user.pk, application["pk"], names, expires)
        return self.run.done()

    @property
    def _is_kept(self) -> bool:
        return APPLICATION in self.run.context and self.stage.mode != _NEVER_KEPT

    @property
    def _user(self) -> Person:
        """The user who consents. :raises LookupError: there is none"""
        user = self.run.pending or self.run.user
        if user is None or not user.pk:
            raise LookupError("Nobody consents.")
        return user

    @property
    def _given(self) -> set[str] | None:
        """The permissions that the user has consented to; None without a consent."""
        found = self.run.store.consents.permissions(self._user.pk, self.run.context[APPLICATION]["pk"])
        return None if found is None else set(map(unquote, found.split()))

    @property
    def _permissions(self) -> dict[str, dict[str, str]]:
        """The permissions in the context, by identifier."""
        found = self.run.context.get(_PERMISSIONS) or []
        return {str(one["id"]): {"name": str(one["name"]), "id": str(one["id"])} for one in found}


def _as_word(permission: str) -> str:
    """A permission as a word: permissions are stored as words of a text. White space is percent-encoded."""
    return _NO_WORD.sub(lambda found: quote(found[0], safe=""), permission)
