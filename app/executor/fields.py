"""The fields of prompt stages: the values that each type accepts, with authentik's messages (recorded: `prompt.type.*`)."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from app.domain import Model
from app.executor.choices import Choice, choices_of, shown_choices
from app.executor.plan import Properties

REQUIRED, NULL, BLANK = (
    ("This field is required.", "required"),
    ("This field may not be null.", "null"),
    ("This field may not be blank.", "blank"),
)
_INVALID = "invalid"
_NO_TEXT = ("Not a valid string.", _INVALID)
_NUL = ("Null characters are not allowed.", "null_characters_not_allowed")
_NO_INTEGER = ("A valid integer is required.", _INVALID)
# The integers that a session can keep: those of 64 bits, signed or unsigned.
_INTEGERS = range(-(2**63), 2**64)
_NO_DATE = ("Date has wrong format. Use one of these formats instead: YYYY-MM-DD.", _INVALID)
_NO_DATE_TIME = (
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
    _INVALID,
)
_TRUE = frozenset({"t", "y", "yes", "true", "on", "1"})
_FALSE = frozenset({"f", "n", "no", "false", "off", "0"})
_EMAIL = re.compile(r"[^@\s]+@(?:[\w-]+\.)+[\w-]{2,}")
_INTEGER = re.compile(r"\s*[-+]?\d{1,1000}(?:\.0*)?\s*", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}", re.ASCII)


class Refused(Exception):
    """A value that a field does not accept. :param message: text and code"""

    def __init__(self, message: tuple[str, str]) -> None:
        super().__init__(*message)
        self.message = {"string": message[0], "code": message[1]}


class Field:
    """A field of a prompt stage.

    :param model: the model of prompts
    :param prompt: the properties of the prompt
    :param value_of: the text of a property, or the value of its expression
    :param data: the values of earlier prompts

    `initial_value` is the value at the beginning, empty if there is none; `choices` are the values to choose from, None for any.
    """

    def __init__(
        self, model: Model, prompt: Properties, value_of: Callable[[str], Any], data: Mapping[str, Any] = {}
    ) -> None:
        self._model = model
        self.key = str(prompt.field_key)
        self.prompt = prompt
        self._value_of = value_of
        value = data.get(self.key)
        self.initial_value = value_of("initial_value") if value is None else value
        self.choices: list[Choice] | None = None
        if prompt.type in _CHOOSING:
            given = data.get(self.key + _CHOICES)
            given = value_of("placeholder") if given is None else given
            self.choices = choices_of(given, model)
            values = [choice.value for choice in self.choices]
            if str(self.initial_value) not in values:
                self.initial_value = next(iter(values), "")
        # A type has the name of the method that reads its values; all others are those of plain text.
        kind = prompt.type.replace("-", "_")
        self._read: Callable[[Any], Any] = getattr(self, f"_{kind}", self._trimmed)
        self._fixed = kind in _FIXED
        self._optional = kind in _OPTIONAL

    def shown(self) -> dict[str, Any]:
        """The field in a challenge."""
        prompt = self.prompt
        return {
            "field_key": self.key,
            "label": prompt.label,
            "type": prompt.type,
            "required": prompt.required,
            "placeholder": str(self._value_of("placeholder")) if self.choices is None else "",
            "initial_value": str(self.initial_value),
            "order": prompt.order,
            "sub_text": prompt.sub_text,
            "choices": shown_choices(self.choices, self._model) or None,
        }

    @property
    def is_required(self) -> bool:
        """Whether a value has to be given."""
        return not self._optional and not self.initial_value and (bool(self.prompt.required) or self._fixed)

    def read(self, value: Any) -> Any:
        """Validate the value from a client. :raises Refused: the field does not accept it"""
        if value is None and self._read != self._hidden:
            raise Refused(NULL)
        found = self._read(value)
        return self.initial_value if self._fixed else found

    def _text(self, value: Any) -> str:
        text = self._plain(value)
        if not text and self.prompt.required:
            raise Refused(BLANK)
        return text

    _text_area = _text

    def _trimmed(self, value: Any) -> str:
        text = self._plain(value).strip()
        if not text:
            raise Refused(BLANK)
        return text

    def _plain(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Refused(_NO_TEXT)
        text = str(value)
        if "\0" in text:
            raise Refused(_NUL)
        return text

    def _email(self, value: Any) -> str:
        text = self._plain(value).strip()
        if not text and not self.prompt.required:
            return text
        if not text:
            raise Refused(BLANK)
        if _EMAIL.fullmatch(text) is None:
            raise Refused(("Enter a valid email address.", _INVALID))
        return text

    def _number(self, value: Any) -> int:
        text = str(value)
        if isinstance(value, bool) or _INTEGER.fullmatch(text) is None:
            raise Refused(_NO_INTEGER)
        number = int(text.partition(".")[0])
        if number not in _INTEGERS:
            raise Refused(_NO_INTEGER)
        return number

    def _checkbox(self, value: Any) -> bool:
        word = str(value).lower() if isinstance(value, str | int) else ""
        if word not in _TRUE | _FALSE:
            raise Refused(("Must be a valid boolean.", _INVALID))
        return word in _TRUE

    def _dropdown(self, value: Any) -> str:
        text = str(value)
        if (
            self.choices is None
            or isinstance(value, list | dict)
            or all(text != choice.value for choice in self.choices)
        ):
            raise Refused((f'"{text[:1000]}" is not a valid choice.', "invalid_choice"))
        return text

    _radio_button_group = _dropdown

    def _date(self, value: Any) -> str:
        try:
            if not isinstance(value, str) or _DATE.fullmatch(value) is None:
                raise Refused(_NO_DATE)
            return date(*map(int, value.split("-"))).isoformat()
        except ValueError as error:
            raise Refused(_NO_DATE) from error

    def _date_time(self, value: Any) -> str:
        try:
            moment = datetime.fromisoformat(value if isinstance(value, str) else "")
            return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
        except (ValueError, OverflowError) as error:
            raise Refused(_NO_DATE_TIME) from error

    def _file(self, value: Any) -> str:
        text = self._trimmed(value)
        if not text.startswith("data:"):
            raise Refused(("Invalid scheme", _INVALID))
        head, _, content = text.partition(",")
        try:
            if not head.endswith(";base64"):
                raise Refused(("Invalid encoding", _INVALID))
            base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise Refused(("Invalid encoding", _INVALID)) from error
        return text

    def _separator(self, value: Any) -> str:
        return self._plain(value)

    def _ak_locale(self, value: Any) -> str:
        return self._plain(value)

    def _hidden(self, value: Any) -> Any:
        return value


# In the data of a plan, the choices of a field have its key with this ending.
_CHOICES = "__choices"
_CHOOSING = frozenset({"dropdown", "radio-button-group"})
# The initial value replaces a value that is sent for these. These may be left out.
_ALERTS = frozenset({"alert_info", "alert_warning", "alert_danger"})
_FIXED = _ALERTS | {"hidden", "static", "text_read_only", "text_area_read_only"}
_OPTIONAL = _ALERTS | {"checkbox", "separator"}
