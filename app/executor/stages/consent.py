"""Consent stages, which ask for consent. There are no applications here, so that none is kept."""

import hmac
from collections.abc import Mapping
from typing import Any

from app import determinism
from app.executor.plan import Properties
from app.executor.stages.kind import Question
from app.executor.steps import Step

_TOKEN_BYTES = 16


class Stage(Question):
    """See `Question`."""

    def properties(self) -> Mapping[str, Any]:
        """See `Question`. Each challenge has a token of its own."""
        self.run.session.consent = determinism.random_bytes(_TOKEN_BYTES).hex()
        return {
            **self.run.user_info(),
            "permissions": [],
            "additional_permissions": [],
            "token": self.run.session.consent,
        }

    def solve(self, answer: Properties) -> Step:
        """Go on with the token of the last challenge; ask again with another one."""
        asked = self.run.session.consent
        if not asked or not hmac.compare_digest(asked.encode(), answer.token.encode()):
            return self.ask()
        self.run.session.consent = ""
        return self.run.done()
