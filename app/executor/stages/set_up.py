"""The interface of stages in which users set up devices."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from app.executor.people import Person
from app.executor.stages.kind import NON_FIELD_ERRORS, Question, wrong
from app.executor.steps import Step
from app.store.collections.devices import TooManyDevices

ISSUER = "authentik"
"""The name by which devices know the server: that of authentik's default brand."""

_APP = "authenticator_"
_TOO_MANY = "You have too many devices of this kind. Ask an administrator to delete one."


class SetUp(Question):
    """A stage in which the user sets up a device. Without a user it is skipped.

    The data of the device is kept in the session until the user has proved to possess it.
    """

    @abstractmethod
    def prepared(self) -> Any:
        """Prepare a device. :returns: its data for the session, as JSON"""

    @abstractmethod
    def shown(self, device: Any) -> Mapping[str, Any]:
        """The properties of the challenge for a prepared device."""

    def ask(self) -> Step:
        """See `Kind`."""
        return self.run.done() if self._user is None else super().ask()

    def answer(self) -> Step:
        """See `Kind`."""
        return self.run.done() if self._user is None else super().answer()

    def properties(self) -> Mapping[str, Any]:
        """See `Question`."""
        if self.device is None:
            self.device = self.prepared()
        return {**self.run.user_info(), **self.shown(self.device)}

    @property
    def user(self) -> Person:
        """The user who sets up the device."""
        assert self._user is not None  # noqa: S101  # only asked with a user
        return self._user

    @property
    def device(self) -> Any:
        """The data of the prepared device; None if none has been prepared for this user."""
        owner, device = (self.run.session.prepared or {}).get(self.kind, (None, None))
        return device if owner == self.user.pk else None

    @device.setter
    def device(self, device: Any) -> None:
        self.run.session.prepared = {**(self.run.session.prepared or {}), self.kind: (self.user.pk, device)}

    def finish(self, name: str, data: Mapping[str, Any], credential: str | None = None) -> Step:
        """Store the device, and continue. See `Devices.add`. :raises Invalid: the user has too many"""
        run = self.run
        if not self.user.pk:
            return run.deny()
        try:
            run.store.devices.add(self.user.pk, self.kind, name, data, credential)
        except TooManyDevices as error:
            raise wrong(NON_FIELD_ERRORS, _TOO_MANY) from error
        self.device = None
        return run.done()

    @cached_property
    def _user(self) -> Person | None:
        return self.run.pending or self.run.caller

    @property
    def kind(self) -> str:
        """The kind of device, which the name of this module ends in."""
        return type(self).__module__.rpartition(".")[2].removeprefix(_APP)
