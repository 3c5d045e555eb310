"""Deny stages, which end the flow."""

from app.executor.stages.kind import Act
from app.executor.steps import Step

# In the context of a plan, the message takes precedence over that of the stage.
_MESSAGE = "deny_message"


class Stage(Act):
    """See `Act`."""

    def act(self) -> Step:
        """Deny."""
        return self.run.deny(str(self.run.context.get(_MESSAGE) or self.stage.deny_message or ""))
