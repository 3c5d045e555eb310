"""Responses that are files: what a handler returns to the bytes and headers of a download."""

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
    """The response that a file is sent in.

    :param result: what the handler returned
    :param media_types: those that the contract has for it; the first one is that of a file that names none
    :raises BrokenContract: it is no file, or of another media type
    """
    if not isinstance(result, File):
        raise ResponseValidationError(f"The operation answers a file, and its handler a {type(result).__name__}.")
    media_type = result.media_type or media_types[0]
    if media_type not in media_types:
        raise ResponseValidationError(f"The media type {media_type!r} is not documented.")
    disposition = content_disposition(result.filename)
    return Response(status, result.content, ((b"content-disposition", disposition),), "", media_type.encode())


def content_disposition(filename: str | None) -> bytes:
    """The header that lets a browser save a response (RFC 6266), whatever characters the name has.

    The plain name comes first for clients that know nothing else; if it can't say all, the whole one follows (RFC 8187).
    """
    if not filename:
        return b"attachment"
    plain = _NOT_PRINTABLE_ASCII.sub("_", filename)
    # Always quoted, as authentik does (recorded: `export.plain`).
    header = f"attachment; filename={quote_header_value(plain, allow_token=False)}"
    whole = f"UTF-8''{quote(filename, safe=_ATTRIBUTE_CHARACTERS, errors='replace')}"
    return dump_options_header(header, {"filename*": whole if plain != filename else None}).encode()
