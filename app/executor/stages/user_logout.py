"""User logout stages, which end the session."""

from app.executor.stages.kind import Act
from app.executor.steps import Step


class Stage(Act):
    """See `Act`."""

    def act(self) -> Step:
        """Log out."""
        self.run.session.flush()
        return self.run.done()
