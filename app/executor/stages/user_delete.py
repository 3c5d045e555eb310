"""User delete stages, which delete the pending user, or that of the session."""

from app import errors
from app.executor.stages.kind import Act
from app.executor.steps import Step
from app.store.queries.people import USERS


class Stage(Act):
    """See `Act`."""

    def act(self) -> Step:
        """Delete the user, and end the session."""
        run = self.run
        user = run.pending or run.caller
        if user is None or not user.pk:
            return run.deny()
        try:
            run.store.objects.remove(USERS, user.pk)
        except errors.NotFound:
            return run.deny()
        if run.session.user == user.pk:
            # The sessions of a user are deleted with the user.
            run.session.stored = None
        run.session.flush()
        return run.done()
