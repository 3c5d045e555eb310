"""Identifiers of a recording, and those of the same objects on a deployment."""

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import orjson

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Values that a server generates: identifiers, keys of tokens, URLs. Shorter texts may be equal by chance.
_OPAQUE = re.compile(r"[!-~]{16,}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T")


class Identifiers:
    """Identifiers by those of the recording.

    :param keys: the properties and parameters with integer keys
    """

    def __init__(self, keys: Collection[str]) -> None:
        self._keys = keys
        self._texts: dict[str, str] = {}
        self._numbers: dict[int, int] = {}

    def note(self, recorded: Any, found: Any, name: str = "") -> None:
        """Note the identifiers of a response.

        :param recorded: a value of the recorded response
        :param found: the value at the same place of the deployment's response
        :param name: the property with the value
        """
        match recorded, found:
            case dict(), dict():
                for key in recorded.keys() & found.keys():
                    self.note(recorded[key], found[key], key)
            case [one], [other]:
                # Longer lists may have another order.
                self.note(one, other, name)
            case bool(), _:
                return
            case int(), int() if name in self._keys:
                self._numbers.setdefault(recorded, found)
            case str(), str() if recorded != found and _OPAQUE.fullmatch(recorded) and not _TIME.match(recorded):
                self._texts.setdefault(recorded, found)

    def text(self, text: str) -> str:
        """A text of the recording, with the identifiers of the deployment."""
        if text in self._texts:
            return self._texts[text]
        return self._within(text)

    def value(self, value: Any, name: str = "") -> Any:
        """The same for a JSON value. :param name: the property with the value"""
        match value:
            case dict():
                return {key: self.value(inner, key) for key, inner in value.items()}
            case list():
                return [self.value(inner, name) for inner in value]
            case str():
                return self.text(value)
            case int() if name in self._keys and not isinstance(value, bool):
                return self._numbers.get(value, value)
        return value

    def target(self, path: str, query: bytes) -> bytes:
        """The same for the path and the query of a request, encoded."""
        encoded = "/".join(quote(self._segment(segment), safe="") for segment in path.split("/"))
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="surrogateescape")
        changed = [(name, self._parameter(name, value)) for name, value in pairs]
        if changed != pairs:
            query = urlencode(changed, errors="surrogateescape").encode()
        return encoded.encode() + (b"?" + query if query else b"")

    def body(self, body: bytes, content_type: str) -> bytes:
        """The same for the body of a request."""
        if content_type.partition(";")[0].strip().lower().endswith("json"):
            try:
                sent = orjson.loads(body)
            except ValueError:
                return body
            changed = self.value(sent)
            return body if changed == sent else orjson.dumps(changed)
        return self._within(body.decode("latin-1")).encode("latin-1")

    def _segment(self, segment: str) -> str:
        return self._number(segment) or self.text(segment)

    def _parameter(self, name: str, value: str) -> str:
        return (self._number(value) if name in self._keys else "") or self.text(value)

    def _number(self, text: str) -> str:
        """The key for a key in digits; empty if there is none."""
        found = self._numbers.get(int(text)) if text.isascii() and text.isdigit() and len(text) < 20 else None
        return str(found) if found is not None else ""

    def _within(self, text: str) -> str:
        return _UUID.sub(lambda found: self._texts.get(found[0], found[0]), text)
