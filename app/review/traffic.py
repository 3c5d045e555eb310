"""Recorded requests and their responses: a HAR file, or the recorded cases of `tests/oracle/`."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from app.conformance.replay import body_of

# The maximum number of characters of a value in a message.
_SHOWN = 200


class NoTraffic(Exception):
    """A file that is not recorded traffic. The message gives the reason."""


@dataclass(frozen=True)
class Exchange:
    """One request and its response.

    :param name: its name in reports
    :param method: in upper case
    :param path: decoded
    :param query: as in the URL
    :param content_type: of the request, empty if it has none
    :param body: of the request; None if it was not recorded
    :param status: of the response
    :param response_type: the media type of the response without its parameters, empty if it has none
    :param response: the body of the response if it is JSON; None if it is not
    """

    name: str
    method: str
    path: str
    query: bytes
    content_type: str
    body: bytes | None
    status: int
    response_type: str
    response: Any

    def replied(self, status: int, response_type: str) -> "Exchange":
        """The request with another response."""
        return replace(self, status=status, response_type=response_type)


def read_traffic(path: Path, left_out: list[str] | None = None) -> list[Exchange]:
    """Read the exchanges in a file.

    :param left_out: receives a sentence for each part of an archive that can't be used
    :raises NoTraffic: it is neither HAR nor recorded cases
    """
    try:
        text = path.read_bytes()
        if path.suffix == ".jsonl":
            return list(_of_cases(text, path))
        archive = json.loads(text)
    except OSError as error:
        raise NoTraffic(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise NoTraffic(f"{path} is not an HTTP archive (HAR): {_reason(error)}.") from error
    log = archive.get("log") if isinstance(archive, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise NoTraffic(f"{path} is not an HTTP archive (HAR): it has no `log` with a list of `entries`.")
    return list(_of_har(entries, path.name, [] if left_out is None else left_out))


def _reason(error: Exception) -> str:
    """Why JSON can't be read as traffic."""
    match error:
        case json.JSONDecodeError():
            return f"line {error.lineno}, column {error.colno}: {error.msg}"
        case UnicodeDecodeError():
            return "it is not UTF-8 text"
        case RecursionError():
            return "it is nested too deeply"
        case KeyError():
            return f"it has no `{error.args[0]}`"
        case _:
            return "a part of it has the wrong type"


def _of_cases(text: bytes, path: Path) -> Iterator[Exchange]:
    for number, line in enumerate(text.splitlines(), 1):
        try:
            yield _case(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            # Each line is a document of its own.
            reason = _reason(error).removeprefix("line 1, ")
            raise NoTraffic(f"{path} is not a line of JSON for each request: line {number}, {reason}.") from error


def _case(case: dict[str, Any]) -> Exchange:
    # Use the identifiers of the recording, not those of a deployment.
    sent = body_of({key: value for key, value in case.items() if key != "body_template"}, {})
    return Exchange(
        case["id"],
        case["method"],
        unquote(case["path"]),
        case.get("query", "").encode(),
        _header(case.get("headers", ()), "content-type"),
        sent or b"",
        case["status"],
        _media_type(case["response_headers"].get("content-type", "")),
        case.get("response_json"),
    )


def _of_har(entries: list[Any], name: str, left_out: list[str]) -> Iterator[Exchange]:
    """The entries of an archive with a response (HAR 1.2).

    Browsers and proxies write entries for aborted requests, and leave parts out: each entry is handled independently.
    """
    unanswered = 0
    for number, entry in enumerate(entries, 1):
        try:
            exchange = _exchange(number, entry)
        except _Malformed as error:
            left_out.append(f"entry {number} of {name}: {error}")
            continue
        if exchange is None:
            unanswered += 1
        else:
            yield exchange
    if unanswered:
        left_out.append(f"{unanswered} {'entry has' if unanswered == 1 else 'entries have'} no answer ({name})")


class _Malformed(Exception):
    """An invalid HAR entry. The message gives the reason."""


def _exchange(number: int, entry: Any) -> Exchange | None:
    """Convert an entry to an exchange; None if it has no response. :raises _Malformed: it is invalid"""
    request, response = _object(entry, "request"), _object(entry, "response")
    status = response.get("status", 0)
    if isinstance(status, bool) or not isinstance(status, int):
        raise _Malformed(f"its status {status!r} is not a number")
    if status <= 0:
        return None
    method, address = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(address, str):
        raise _Malformed("it has no method and URL")
    if not address.isascii():
        raise _Malformed(f"its URL {_start(address)} is not ASCII")
    try:
        url = urlsplit(address)
    except ValueError as error:
        raise _Malformed(f"its URL {_start(address)} is none") from error
    posted = _object(request, "postData")
    content = _object(response, "content")
    content_type = _content_type(request) or _text(posted, "mimeType")
    if not content_type.isascii():
        raise _Malformed(f"its media type {_start(content_type)} is not ASCII")
    response_type = _media_type(_text(content, "mimeType"))
    return Exchange(
        f"#{number} {method} {url.path}",
        method.upper(),
        unquote(url.path),
        url.query.encode(),
        content_type,
        _sent(posted) if request.get("postData") is not None else b"",
        status,
        response_type,
        _json(content) if response_type.endswith("json") else None,
    )


def _start(text: str) -> str:
    """The beginning of a text for a message."""
    return repr(text[:_SHOWN])


def _object(owner: Any, key: str) -> dict[str, Any]:
    """A part of an entry, empty if it is missing or null."""
    if not isinstance(owner, dict):
        raise _Malformed("it is not an object")
    part = owner.get(key)
    if part is not None and not isinstance(part, dict):
        raise _Malformed(f"its `{key}` is not an object")
    return part or {}


def _text(owner: dict[str, Any], key: str) -> str:
    text = owner.get(key)
    return text if isinstance(text, str) else ""


def _content_type(request: dict[str, Any]) -> str:
    headers = request.get("headers")
    named = [header for header in headers if isinstance(header, dict)] if isinstance(headers, list) else []
    return _header(((_text(header, "name"), _text(header, "value")) for header in named), "content-type")


def _sent(data: dict[str, Any]) -> bytes | None:
    text = data.get("text")
    if not isinstance(text, str):
        # Some recorders store only the parts of a form, without their content.
        return None
    try:
        return base64.b64decode(text) if data.get("encoding") == "base64" else text.encode("utf-8", "surrogatepass")
    except ValueError as error:
        raise _Malformed("its body is not the base64 that it is said to be") from error


def _json(content: Any) -> Any:
    text = _text(content, "text")
    if not text:
        return None
    try:
        return json.loads(base64.b64decode(text) if content.get("encoding") == "base64" else text)
    except (ValueError, RecursionError):
        return None


def _header(headers: Any, name: str) -> str:
    return next((str(value) for key, value in headers if key.lower() == name), "")


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()
