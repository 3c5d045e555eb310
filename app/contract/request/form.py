"""Bodies of `multipart/form-data` (RFC 7578): uploads, and text fields."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.contract.document.contract import Contract, Pointer
from app.contract.request.body import BodyReader, MalformedBody
from app.contract.validation.coercion import coercion_of
from app.contract.validation.schemas import is_file
from app.domain import Upload

FORM = "multipart/form-data"

# authentik's own limit (Django's DATA_UPLOAD_MAX_NUMBER_FIELDS).
MAX_PARTS = 1000

TOO_MANY_PARTS = f"There are more than {MAX_PARTS} parts."

# Limit of the headers of all parts together, that of a request: each byte takes microseconds to parse.
MAX_HEADERS = 64 * 1024

# Characters of a media type with its parameters that are parsed: a boundary has at most 200.
_LONGEST_TYPE = 1024

# Boundaries that authentik accepts (Django's rule, longer than RFC 2046 permits).
_BOUNDARY = re.compile(r"[ -~]{0,200}[!-~]")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
_UNKNOWN_MEDIA_TYPE = "application/octet-stream"


class FormReader(BodyReader):
    """Reader of the form of one operation: properties of `format: binary` are uploads, the others text.

    Undeclared parts are ignored, as is text where a file is declared, and a file where text is.
    """

    def __init__(self, contract: Contract, pointer: Pointer, defaults: Mapping[str, Any]) -> None:
        super().__init__(contract, pointer, defaults)
        self._files = frozenset(name for name, schema in self.properties.items() if is_file(contract, schema))
        self._coercions = {
            name: coercion_of(schema) for name, schema in self.properties.items() if name not in self._files
        }

    def read(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Validate a form. :returns: its properties; of repeated ones the last

        A body that is not a form has no properties (recorded: `import.empty_body`, `import.field_not_file`).

        :raises UnsupportedMediaType: it is of another media type
        :raises MalformedBody: the boundary is missing, or there are too many parts or headers
        :raises InvalidBody: it violates the schema, or is required and missing
        """
        if not body:
            self.check_presence()
        properties, uploads = self._properties(body, content_type)
        return {**self.checked(properties), **uploads}

    def sent(self, body: bytes, content_type: str) -> dict[str, Any]:
        """The properties of an accepted form, as they were sent; for a file, its name."""
        return self._properties(body, content_type)[0]

    def _properties(self, body: bytes, content_type: str) -> tuple[dict[str, Any], dict[str, Upload]]:
        """The properties, with files by name, and the files."""
        properties: dict[str, Any] = {}
        uploads: dict[str, Upload] = {}
        for part in self._parts(body, content_type) if body else ():
            if part.filename is None:
                if coerce := self._coercions.get(part.name):
                    properties[part.name] = coerce(part.content.decode(errors="replace"))
            elif part.name in self._files and (filename := _without_folders(part.filename)):
                # The validator takes plain values: it gets the name in place of the upload.
                properties[part.name] = filename
                uploads[part.name] = Upload(filename, part.media_type, part.content)
        return properties, uploads

    def _parts(self, body: bytes, content_type: str) -> "list[_Part]":
        self.check_media_type(content_type)
        # The headers of legitimate clients are short, and long ones take long to parse.
        given = parse_options_header(content_type[:_LONGEST_TYPE])[1].get(b"boundary")
        boundary = None if given is None else given.decode("latin-1")
        if boundary is None or not _BOUNDARY.fullmatch(boundary):
            raise MalformedBody(f"Multipart form parse error - Invalid boundary in multipart: {boundary}")
        # Each delimiter takes the parser microseconds, even a false one; RFC 2046 has none within a part.
        if body.count(b"\r\n--" + boundary.encode("latin-1")) > MAX_PARTS + 1:
            raise MalformedBody(TOO_MANY_PARTS)
        collector = _Collector()
        try:
            MultipartParser(boundary, collector.callbacks()).write(body)  # type: ignore[arg-type]  # its keys are literals
        except FormParserError:
            return []
        return collector.parts if collector.complete else []


class _Part(NamedTuple):
    name: str
    filename: str | None
    media_type: str
    content: bytes


class _Collector:
    """Collector of the parts that the parser reports."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.complete = False
        self._begun = 0
        self._read = 0
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = b""
        self._content: list[bytes] = []

    def callbacks(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in dir(self) if name.startswith("on_")}

    def on_part_begin(self) -> None:
        self._begun += 1
        if self._begun > MAX_PARTS:
            raise MalformedBody(TOO_MANY_PARTS)
        self._headers, self._content = {}, []

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self._read += len(self._field) + len(self._value)
        if self._read > MAX_HEADERS:
            raise MalformedBody(f"The headers of the parts are larger than {MAX_HEADERS} bytes.")
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._content.append(data[start:end])

    def on_part_end(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        if kind != b"form-data" or b"name" not in options:
            return
        filename = options.get(b"filename")
        self.parts.append(
            _Part(
                options[b"name"].decode(errors="replace"),
                None if filename is None else filename.decode(errors="replace"),
                _media_type(self._headers.get(b"content-type", b"")),
                b"".join(self._content),
            )
        )

    def on_end(self) -> None:
        self.complete = True


def _media_type(header: bytes) -> str:
    """The media type of a part, without its parameters."""
    named = header.decode("latin-1").partition(";")[0].strip().lower()
    return named if _MEDIA_TYPE.fullmatch(named) else _UNKNOWN_MEDIA_TYPE


def _without_folders(filename: str) -> str:
    """The last segment of a client's path, without characters that are not printable; empty if nothing remains."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    name = "".join(filter(str.isprintable, name)).strip()
    return "" if name in (".", "..") else name
