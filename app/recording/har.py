"""Recorded traffic as an HTTP archive (HAR 1.2), for browsers and `flows diff --traffic`."""

import base64
import importlib.metadata
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from app.contract.request.origin import origin_of
from app.contract.response.responses import Header, parsed
from app.recording.secrets import without_credentials
from app.recording.traffic import Exchange

# Clients choose the boundary of a form at random. A short one might also occur in the text of the form.
_BOUNDARY = re.compile(r'boundary="?([^";,\s]{16,})')
_ONE_FOR_ALL = "boundary"


def archive(exchanges: Iterable[Exchange]) -> dict[str, Any]:
    """Convert exchanges to an archive."""
    creator = {"name": "flows", "version": importlib.metadata.version("flows-server")}
    return {"log": {"version": "1.2", "creator": creator, "entries": [_entry(exchange) for exchange in exchanges]}}


def _entry(exchange: Exchange) -> dict[str, Any]:
    milliseconds = round(exchange.seconds * 1000, 3)
    moment = datetime.fromtimestamp(exchange.moment - exchange.seconds, UTC).isoformat(timespec="milliseconds")
    return {
        "startedDateTime": moment.replace("+00:00", "Z"),
        "time": milliseconds,
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }


def _request(exchange: Exchange) -> dict[str, Any]:
    sent, content_type = exchange.sent, _value(exchange.asked, b"content-type")
    headers = _headers(exchange.asked)
    if found := _BOUNDARY.search(content_type):
        # A boundary of another length would not match `Content-Length`.
        fixed = _ONE_FOR_ALL.ljust(len(found[1]), "-")
        content_type = content_type.replace(found[1], fixed)
        headers = [{**header, "value": header["value"].replace(found[1], fixed)} for header in headers]
        sent = sent and sent.replace(found[1].encode("latin-1"), fixed.encode())
    query = exchange.query.decode("latin-1")
    request: dict[str, Any] = {
        "method": exchange.method,
        "url": origin_of({"scheme": exchange.scheme, "server": exchange.server, "headers": exchange.asked})
        + quote(exchange.path)
        + (f"?{query}" if query else ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "queryString": [{"name": name, "value": value} for name, value in parse_qsl(query, keep_blank_values=True)],
        "headersSize": -1,
        "bodySize": -1 if sent is None else len(sent),
    }
    if sent is None:
        request["postData"] = {"mimeType": content_type, "comment": "The body was not recorded."}
    elif sent:
        request["postData"] = {"mimeType": content_type, **_text(sent)}
    return request


def _response(exchange: Exchange) -> dict[str, Any]:
    response = exchange.response
    reported = parsed(exchange.reported)
    content: dict[str, Any] = {"size": len(response or b""), "mimeType": _value(reported, b"content-type")}
    if response is None:
        content["comment"] = "The body was not recorded."
    elif response:
        content |= _text(response)
    return {
        "status": exchange.status,
        "statusText": HTTPStatus(exchange.status).phrase,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(reported),
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1 if response is None else len(response),
    }


def _headers(headers: Iterable[Header]) -> list[dict[str, str]]:
    return [
        {"name": name.decode("latin-1"), "value": value.decode("latin-1")}
        for name, value in without_credentials(headers)
    ]


def _value(headers: Iterable[Header], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def _text(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}
