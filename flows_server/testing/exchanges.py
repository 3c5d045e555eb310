"""Recorded requests and responses as text, for the report of a failed test."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

_SHOWN = 20
_BODY = 600


def described(entries: Sequence[Mapping[str, Any]]) -> str:
    """Describe the last exchanges: method, URL, status, bodies, and the line of the contract that rejected a request.

    :param entries: the entries of an HTTP archive (HAR 1.2)
    """
    earlier = len(entries) - _SHOWN
    lines = [f"({earlier} earlier requests)"] if earlier > 0 else []
    for entry in entries[-_SHOWN:]:
        lines += _lines(entry)
    return "\n".join(lines)


def _lines(entry: Mapping[str, Any]) -> Iterator[str]:
    request, response = entry["request"], entry["response"]
    url = urlsplit(request["url"])
    target = url.path + (f"?{url.query}" if url.query else "")
    yield f"{request['method']} {target} -> {response['status']} {response['statusText']}"
    if "postData" in request:
        yield f"    sent      {_text(request['postData'])}"
    if response["content"]["size"]:
        yield f"    received  {_text(response['content'])}"
    if rule := _header(response["headers"], "x-contract-rule"):
        yield f"    rejected by {rule}"


def _text(content: Mapping[str, str]) -> str:
    if "text" not in content:
        return content.get("comment", "")
    if content.get("encoding") == "base64":
        return f"{content.get('mimeType', '')}, not text"
    text = content["text"].strip()
    return text if len(text) <= _BODY else f"{text[:_BODY]} ... ({len(text)} characters)"


def _header(headers: Iterable[Mapping[str, str]], name: str) -> str:
    return next((header["value"] for header in headers if header["name"].lower() == name), "")
