"""Static authenticator stages, in which users get codes that are valid once."""

from collections.abc import Mapping
from typing import Any

from app.executor.devices import static
from app.executor.plan import Properties
from app.executor.stages.set_up import SetUp
from app.executor.steps import Step


class Stage(SetUp):
    """See `SetUp`. The user confirms having kept the codes."""

    def prepared(self) -> list[str]:
        """See `SetUp`."""
        return static.new_codes(self.stage.token_count, self.stage.token_length)

    def shown(self, device: list[str]) -> Mapping[str, Any]:
        """See `SetUp`."""
        return {"codes": device}

    def solve(self, answer: Properties) -> Step:  # noqa: ARG002  # it says nothing
        """Store the codes that were shown; show some if none were."""
        codes: list[str] | None = self.device
        return self.ask() if codes is None else self.finish(static.NAME, static.data_of(codes))
