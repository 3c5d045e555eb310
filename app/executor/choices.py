"""Choices of a prompt: texts, or from 2025.10 on objects with a value and a label (`labelled_choices` of `x-model`)."""

from typing import Any, NamedTuple

from app.domain import Model


class Choice(NamedTuple):
    """A value to choose.

    :param value: the value
    :param label: its display text
    """

    value: str
    label: str


def choices_of(given: Any, model: Model) -> list[Choice]:
    """The choices that a placeholder or an earlier stage gives: one, or a list of them.

    :param given: texts; objects with `value` and `label` if the version has labels
    :param model: the model of prompts
    """
    return [_choice(one, model) for one in (given if isinstance(given, list | tuple) else [given])]


def shown_choices(choices: list[Choice] | None, model: Model) -> list[Any] | None:
    """Choices as a challenge shows them."""
    if choices is None:
        return None
    return [one._asdict() if model.labelled_choices else one.value for one in choices]


def _choice(given: Any, model: Model) -> Choice:
    if model.labelled_choices and isinstance(given, dict) and "value" in given:
        value = str(given["value"])
        return Choice(value, str(given.get("label", value)))
    return Choice(str(given), str(given))
