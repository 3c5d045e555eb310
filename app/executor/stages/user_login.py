"""User login stages, which log the pending user in."""

from collections.abc import Mapping
from typing import Any

from app import determinism
from app.executor.durations import seconds_of
from app.executor.plan import Properties
from app.executor.stages.kind import Question
from app.executor.steps import Step
from app.store.queries.moments import moment_of
from app.store.queries.people import USERS


class Stage(Question):
    """See `Question`. It asks only if the stage can extend the session."""

    def ask(self) -> Step:
        """See `Kind`."""
        return super().ask() if self._longer else self._log_in(0)

    def answer(self) -> Step:
        """See `Kind`."""
        return super().answer() if self._longer else self._log_in(0)

    def properties(self) -> Mapping[str, Any]:
        """See `Question`."""
        return self.run.user_info()

    def solve(self, answer: Properties) -> Step:
        """Log in."""
        return self._log_in(self._longer if answer.remember_me else 0)

    @property
    def _longer(self) -> int:
        """The additional lifetime of the session for users who want to be remembered, in seconds."""
        return seconds_of(self.stage.remember_me_offset)

    def _log_in(self, longer: int) -> Step:
        run, user = self.run, self.run.pending
        if user is None or not user.pk:
            return run.deny()
        lifetime = seconds_of(self.stage.session_duration)
        run.session.log_in(user, lifetime + longer if lifetime or longer else 0)
        if self.stage.terminate_other_sessions:
            own = run.session.stored
            run.store.sessions.remove_others(user.pk, own.digest if own is not None else "")
        run.store.objects.change(USERS, user.pk, {"last_login": moment_of(int(determinism.now()))})
        return run.done()
