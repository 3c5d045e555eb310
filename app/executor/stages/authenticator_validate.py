"""Authenticator validation stages, which ask for proof by a device. No user of this server has one."""

from app.executor.stages.kind import Act
from app.executor.steps import Step

_CHALLENGES = "goauthentik.io/stages/authenticator_validate/device_challenges"
_NO_DEVICE = "No (allowed) MFA authenticator configured."


class Stage(Act):
    """See `Act`."""

    def act(self) -> Step:
        """Go on without a device, if the stage permits it."""
        self.run.context[_CHALLENGES] = []
        # An action has the name of the method that takes it.
        take = getattr(self, f"_{self.stage.not_configured_action}", self._deny)
        return take()

    def _skip(self) -> Step:
        return self.run.done()

    def _deny(self) -> Step:
        return self.run.deny(_NO_DEVICE)
