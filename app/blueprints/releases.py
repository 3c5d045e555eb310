"""What authentik's releases know that this contract may not: models, properties and values, each with its first release.

`releases.json` has the facts: `models` are those of all releases from `first` to `last`, `properties` and `values` those that came
after the release of the contract.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(Path(__file__).with_name("releases.json").read_text("utf-8"))
    return facts


def knows(model: str) -> bool:
    """Whether authentik has a model, in any release that is known here."""
    return model in _facts()["models"]


def about_model(model: str) -> str:
    """A message on the release that brought a model; empty if there is nothing to say."""
    release = _facts()["models"].get(model)
    return _message(release) if release is not None and _key(release) > _key(_facts()["contract"]) else ""


def about_property(model: str, name: str) -> str:
    """A message on the release that brought a property; empty if there is nothing to say."""
    return _message(_facts()["properties"].get(model, {}).get(name))


def about_value(model: str, name: str, value: Any) -> str:
    """A message on the release that brought a value of a property, or of a list; empty if there is nothing to say."""
    known = _facts()["values"].get(model, {}).get(name, {})
    values = value if isinstance(value, list) else [value]
    return _message(next((known[one] for one in values if isinstance(one, str) and one in known), None))


def _message(release: str | None) -> str:
    return f"authentik knows it from {release} on, this contract is that of {_facts()['contract']}." if release else ""


def _key(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))
