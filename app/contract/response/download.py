"""Responses that are files: from the result of a handler to the bytes and headers of a download."""

import re
from typing import Any
from urllib.parse import quote

from werkzeug.http import dump_options_header, quote_header_value

from app.contract.errors import ResponseValidationError
from app.contract.response.responses import Response
from app.domain import File

# RFC 8187, section 3.2.1, "attr-char" without letters and digits.
_ATTRIBUTE_CHARACTERS = "!#$&+-.^_`|~"
_NOT_PRINTABLE_ASCII = re.compile(r"[^ -~]")


def write_file(result: Any, status: int, media_types: tuple[str, ...]) -> Response:
    """Write the response with a file.

    :param result: the result of the handler
    :param media_types: the media types in the contract; the first one is the default
    :raises ResponseValidationError: it is not a file, or of another media type
    """
    if not isinstance(result, File):
        raise ResponseValidationError(f"The operation returns a file, and its handler a {type(result).__name__}.")
    media_type = result.media_type or media_types[0]
    if media_type not in media_types:
        raise ResponseValidationError(f"The media type {media_type!r} is not documented.")
    disposition = content_disposition(result.filename)
    return Response(status, result.content, ((b"content-disposition", disposition),), "", media_type.encode())


def content_disposition(filename: str | None) -> bytes:
    """The `Content-Disposition` header of a download (RFC 6266), for any file name.

    The plain name comes first for older clients; if it is not exact, the full name follows (RFC 8187).
    """
    if not filename:
        return b"attachment"
    plain = _NOT_PRINTABLE_ASCII.sub("_", filename)
    # Always quoted, as authentik does (recorded: `export.plain`).
    header = f"attachment; filename={quote_header_value(plain, allow_token=False)}"
    whole = f"UTF-8''{quote(filename, safe=_ATTRIBUTE_CHARACTERS, errors='replace')}"
    return dump_options_header(header, {"filename*": whole if plain != filename else None}).encode()
