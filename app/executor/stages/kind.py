"""The interface of stages."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from app import errors
from app.executor.plan import Properties
from app.executor.run import Run
from app.executor.steps import Step


class Kind(ABC):
    """The current stage of a plan.

    :param run: the request
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.stage: Properties = run.stage.values

    @abstractmethod
    def ask(self) -> Step:
        """The response to a request for the challenge."""

    @abstractmethod
    def answer(self) -> Step:
        """The response to an answer."""


class Act(Kind):
    """A stage without a challenge, which acts on requests of both methods."""

    @abstractmethod
    def act(self) -> Step:
        """Perform the action. :returns: the next step"""

    def ask(self) -> Step:
        """See `Kind`."""
        return self.act()

    def answer(self) -> Step:
        """See `Kind`."""
        return self.act()


class Question(Kind):
    """A stage with a challenge."""

    @abstractmethod
    def properties(self) -> Mapping[str, Any]:
        """The properties of the challenge besides those of all challenges."""

    @abstractmethod
    def solve(self, answer: Properties) -> Step:
        """The response to a valid answer. :raises Invalid: it is wrong"""

    @property
    def component(self) -> str:
        """The kind of challenge, which has the name of this module."""
        return "ak-stage-" + type(self).__module__.rpartition(".")[2].replace("_", "-")

    def ask(self) -> Step:
        """See `Kind`."""
        return self.run.challenge(self.component, **self.properties())

    def answer(self) -> Step:
        """See `Kind`."""
        assert self.run.answers is not None  # noqa: S101  # only called with an answer
        try:
            return self.solve(Properties(self.run.answers.read(self.component)))
        except errors.Invalid as error:
            return self.refuse(error.messages)

    def refuse(self, messages: Mapping[str, Any]) -> Step:
        """The response to a wrong answer. :param messages: by property"""
        return self.run.invalid() or self.run.challenge(self.component, messages, **self.properties())


def wrong(property_name: str, text: str, code: str = "invalid") -> errors.Invalid:
    """The error for a wrong answer, with one message."""
    return errors.Invalid({property_name: [{"string": text, "code": code}]})


NON_FIELD_ERRORS = "non_field_errors"
"""The name for messages about no property."""
