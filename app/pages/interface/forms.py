"""The forms of the flow page: from posted fields to the response to a challenge."""

import base64
import hmac
import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import orjson
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from app.contract.document.contract import Contract
from app.contract.request.body import is_too_deep

TOKEN, OPTIONAL, COMPONENT = "form_token", "form_optional", "component"
"""The fields that every form begins with: its token, the names of fields that are left out if they are blank (JSON), the kind of
challenge. A prompt may have the same name: only the first value of each is the form's.
"""

_INTEGER = re.compile(r"\d{1,18}", re.ASCII)
_MOST_FIELDS = 1000
_URL_ENCODED = "application/x-www-form-urlencoded"


class TooManyFields(Exception):
    """A form has more than 1,000 fields."""


class Form:
    """A posted form.

    :param content_type: the header
    :param body: the body; one that is not a form counts as empty
    :raises TooManyFields: it has too many
    """

    def __init__(self, content_type: str, body: bytes) -> None:
        name, options = parse_options_header(content_type)
        media_type = name.lower()
        parser = FormDataParser(
            stream_factory=lambda *_, **__: BytesIO(), max_form_memory_size=None, max_form_parts=_MOST_FIELDS
        )
        fields: MultiDict[str, str]
        files: MultiDict[str, FileStorage]
        # The parser limits those of the other media type only.
        if media_type == _URL_ENCODED and body.count(b"&") >= _MOST_FIELDS:
            raise TooManyFields
        try:
            _, fields, files = parser.parse(BytesIO(body), media_type, len(body), options)
        except RequestEntityTooLarge as error:
            raise TooManyFields from error
        given = dict(fields.lists())
        self.token, self.component, optional = (given.get(name, [""])[0] for name in (TOKEN, COMPONENT, OPTIONAL))
        """The token, and the kind of challenge that the form responds to; each empty if it is missing."""
        self._optional = _names(optional)
        answers = {
            name: values[1:] if name in (TOKEN, COMPONENT, OPTIONAL) else values for name, values in given.items()
        }
        self.typed: Mapping[str, str] = {name: values[-1] for name, values in answers.items() if values}
        """The last value of each field."""
        self._files = files

    def response(self, types: Mapping[str, str]) -> dict[str, Any]:
        """The response to a challenge.

        :param types: the types of its properties in the contract, by name; others are texts
        """
        values = {
            name: _value(text, types.get(name, ""))
            for name, text in self.typed.items()
            if text or name not in self._optional
        }
        files = {name: _data_url(file) for name, file in self._files.items() if file.filename}
        return {COMPONENT: self.component, **values, **files}


def token_of(session_cookie: str) -> str:
    """The token of the forms in a session: only pages of this server know it. :param session_cookie: the value of its cookie"""
    return hmac.digest(session_cookie.encode(), b"form", "sha256").hex()


def response_types(contract: Contract, request_body: Mapping[str, Any], component: str) -> dict[str, str]:
    """The types of the properties of the response to a challenge, by name.

    :param request_body: of the operation that takes it
    :param component: the kind of challenge
    """
    (media,) = contract.resolve((), request_body)[1]["content"].values()
    mapping = contract.resolve((), media["schema"])[1]["discriminator"]["mapping"]
    if component not in mapping:
        return {}
    _, schema = contract.resolve((), {"$ref": mapping[component]})
    return {
        name: str(contract.resolve((), found)[1].get("type", "object")) for name, found in schema["properties"].items()
    }


def _names(text: str) -> frozenset[str]:
    """The names in a JSON array; none if the text is not such an array."""
    try:
        return frozenset(orjson.loads(text))
    except (orjson.JSONDecodeError, TypeError):
        return frozenset()


def _value(text: str, kind: str) -> Any:
    """Convert text to a type. Text that is not a literal of the type remains text, which the contract rejects."""
    if kind == "integer":
        return int(text) if _INTEGER.fullmatch(text.strip()) else text
    if kind == "boolean":
        return text == "true"
    if kind == "object":
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
        return text if is_too_deep(value) else value
    return text


def _data_url(file: FileStorage) -> str:
    content = base64.b64encode(file.read()).decode()
    return f"data:{file.mimetype or 'application/octet-stream'};base64,{content}"
