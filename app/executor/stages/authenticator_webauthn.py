"""WebAuthn authenticator stages, in which users set up a WebAuthn device."""

from collections.abc import Mapping
from typing import Any

from app import errors
from app.executor.devices import webauthn
from app.executor.plan import Properties
from app.executor.stages.kind import wrong
from app.executor.stages.set_up import ISSUER, SetUp
from app.executor.steps import Step

_REJECTED = "Registration failed. Error: {}"
_KNOWN = "Credential ID already exists."
_EXCEEDED = f"Exceeded maximum attempts. Contact your {ISSUER} administrator for help."
_ATTEMPTS = "goauthentik.io/stages/authenticator_webauthn/attempts of "


class Stage(SetUp):
    """See `SetUp`. The device signs a challenge."""

    def prepared(self) -> dict[str, Any]:
        """See `SetUp`."""
        return webauthn.registration_options(self.stage, self.user, self._origin, ISSUER)

    def shown(self, device: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `SetUp`."""
        return {"registration": device}

    def properties(self) -> Mapping[str, Any]:
        """See `Question`. Each challenge is a new one."""
        self.device = None
        return super().properties()

    def refuse(self, messages: Mapping[str, Any]) -> Step:
        """See `Question`. The flow ends after as many wrong responses as the stage allows."""
        context, counted = self.run.context, _ATTEMPTS + self.run.stage.binding
        context[counted] = context.get(counted, 0) + 1
        # A property of later versions.
        if 0 < self.stage.get("max_attempts", 0) <= context[counted]:
            del context[counted]
            return self.run.deny(_EXCEEDED)
        return super().refuse(messages)

    def solve(self, answer: Properties) -> Step:
        """Store the credential. :raises Invalid: it is not valid, or known already"""
        try:
            options, verification = self.device or self.prepared(), self.stage.user_verification
            credential, data = webauthn.verify_registration(answer.response, options, verification, self._origin)
            return self.finish(webauthn.NAME, data, credential)
        except webauthn.Rejected as error:
            raise wrong("response", _REJECTED.format(error)) from error
        except errors.NotUnique as error:
            raise wrong("response", _KNOWN) from error

    @property
    def _origin(self) -> str:
        return self.run.exchange.credentials.origin
