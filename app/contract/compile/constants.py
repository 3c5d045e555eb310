"""Operations whose response is always the documented example (`x-constant`)."""

from dataclasses import dataclass
from typing import Any

from app.contract.document.contract import Contract


@dataclass(frozen=True, eq=False)
class Constant:
    """Handler of an operation with one response.

    :param response: the response, as JSON
    """

    response: Any

    def __call__(self, _store: Any) -> Any:
        """The response."""
        return self.response


def constants(contract: Contract) -> dict[str, Constant]:
    """The handlers of constant operations, by operationId, for a valid contract."""
    return {
        operation["operationId"]: Constant(_example(contract, operation))
        for _, _, _, operation in contract.operations()
        if "x-constant" in operation
    }


def _example(contract: Contract, operation: dict[str, Any]) -> Any:
    (response,) = (described for code, described in operation["responses"].items() if code < "300")
    (media,) = contract.resolve((), response)[1]["content"].values()
    return media["example"]
