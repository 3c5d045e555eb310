"""Captcha stages, which ask a provider whether a person has given the answer."""

from collections.abc import Mapping
from typing import Any

from app.executor.plan import Properties
from app.executor.stages.kind import Question, wrong
from app.executor.steps import Step

_FAILED = "Failed to validate token"
_SECONDS = 5.0


class Stage(Question):
    """See `Question`."""

    def properties(self) -> Mapping[str, Any]:
        """See `Question`."""
        return {**self.run.user_info(), "site_key": self.stage.public_key, "js_url": self.stage.js_url}

    def solve(self, answer: Properties) -> Step:
        """Continue if the provider accepts the token. :raises Invalid: it does not, or does not respond"""
        stage, run = self.stage, self.run
        asked = f"captcha of {run.stage.binding}: {answer.token}"
        if not run.exchange.compute(asked, _is_accepted, stage.api_url, stage.private_key, answer.token):
            raise wrong("token", _FAILED)
        return run.done()


def _is_accepted(url: str, secret: str, token: str) -> bool:
    """Ask a provider. :returns: whether it accepts the token; False if it does not respond"""
    import httpx  # it takes long to import, and most servers never ask

    try:
        response = httpx.post(url, data={"secret": secret, "response": token}, timeout=_SECONDS)
        return bool(response.json().get("success", False))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError):
        return False
