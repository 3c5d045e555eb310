"""Dummy stages, which ask for nothing."""

from collections.abc import Mapping
from typing import Any

from app.executor.plan import Properties
from app.executor.stages.kind import Question
from app.executor.steps import Step


class Stage(Question):
    """See `Question`."""

    def ask(self) -> Step:
        """See `Kind`. :raises RuntimeError: the stage is meant to fail"""
        if self.stage.throw_error:
            raise RuntimeError("Test error")
        return super().ask()

    def properties(self) -> Mapping[str, Any]:
        """See `Question`."""
        return {"name": self.stage.name}

    def solve(self, _answer: Properties) -> Step:
        """Continue with any response."""
        return self.run.done()
