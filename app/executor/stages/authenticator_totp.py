"""TOTP authenticator stages, in which users set up an authenticator app."""

from collections.abc import Mapping
from typing import Any

from app.executor.devices import attempts, totp
from app.executor.plan import Properties
from app.executor.stages.kind import wrong
from app.executor.stages.set_up import ISSUER, SetUp
from app.executor.steps import Step

_WRONG = "Code does not match"


class Stage(SetUp):
    """See `SetUp`. The user confirms it by a code."""

    def prepared(self) -> dict[str, Any]:
        """See `SetUp`."""
        return totp.new_data(self.stage.digits)

    def shown(self, device: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `SetUp`."""
        return {"config_url": totp.url_of(device, self.user.username, ISSUER)}

    def solve(self, answer: Properties) -> Step:
        """Store the device. :raises Invalid: the code is wrong"""
        right, self.device = attempts.attempt(self.kind, self.device or self.prepared(), str(answer.code))
        if not right:
            raise wrong("code", _WRONG)
        return self.finish(totp.NAME, self.device)
