"""Models, properties and values of authentik's releases that the contract may not have, each with its first release.

The data is in `releases.json`: `models` of all releases from `first` to `last`, `properties` and `values` of releases after that
of the contract, and `durations`: the properties that were numbers before the release.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(Path(__file__).with_name("releases.json").read_text("utf-8"))
    return facts


def knows(model: str) -> bool:
    """Whether any known release of authentik has a model."""
    return model in _facts()["models"]


def about_model(model: str) -> str:
    """A message on the first release of a model; empty if there is none."""
    release = _facts()["models"].get(model)
    return _message(release) if release is not None and _key(release) > _key(_facts()["contract"]) else ""


def about_property(model: str, name: str) -> str:
    """A message on the first release of a property; empty if there is none."""
    return _message(_facts()["properties"].get(model, {}).get(name))


def about_value(model: str, name: str, value: Any) -> str:
    """A message on the first release of a value of a property, or of a list; empty if there is none."""
    return _message(next((release for _, release in _later(model, name, value)), None))


def later_values(model: str, name: str, value: Any) -> list[str]:
    """The value of a property, or those in a list, that only later releases have."""
    return [later for later, _ in _later(model, name, value)]


def _later(model: str, name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Values of later releases, each with the first one."""
    known = _facts()["values"].get(model, {}).get(name, {})
    since = _facts()["durations"].get(model, {}).get(name)
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and (release := known.get(one) or (since if "=" in one else None)):
            yield one, release


def _message(release: str | None) -> str:
    return f"authentik knows it from {release} on, this contract is that of {_facts()['contract']}." if release else ""


def _key(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))
