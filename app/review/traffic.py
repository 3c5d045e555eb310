"""Recorded requests and their answers: a HAR file, or the recorded cases of `tests/oracle/`."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from app.proofs.replay import body_of


class NoTraffic(Exception):
    """A file can't be read as recorded traffic. The message says why."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer.

    :param name: what reports call it
    :param method: in capital letters
    :param path: decoded
    :param query: as it stands in the URL
    :param content_type: of the request, empty if it has none
    :param body: of the request; None if it was not recorded
    :param status: of the answer
    :param answer_type: the media type of the answer without its parameters, empty if it has none
    :param answer: the body of the answer if it is JSON; None if it is not
    """

    name: str
    method: str
    path: str
    query: bytes
    content_type: str
    body: bytes | None
    status: int
    answer_type: str
    answer: Any


def read_traffic(path: Path) -> list[Exchange]:
    """The exchanges of a file.

    :raises NoTraffic: it is neither HAR nor recorded cases
    """
    try:
        text = path.read_bytes()
        exchanges = _of_cases(text) if path.suffix == ".jsonl" else _of_har(json.loads(text))
        return list(exchanges)
    except OSError as error:
        raise NoTraffic(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        form = "a line of JSON for each request" if path.suffix == ".jsonl" else "an HTTP archive (HAR)"
        raise NoTraffic(f"{path} is not {form}: {error!r}.") from error


def _of_cases(text: bytes) -> Iterator[Exchange]:
    for line in text.splitlines():
        case = json.loads(line)
        # The identities of the recording, not those of a deployment that it is replayed on.
        sent = body_of({key: value for key, value in case.items() if key != "body_template"}, {})
        yield Exchange(
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


def _of_har(archive: Any) -> Iterator[Exchange]:
    """The entries of an archive that were answered (HAR 1.2)."""
    for number, entry in enumerate(archive["log"]["entries"], 1):
        request, response = entry["request"], entry["response"]
        if response["status"] == 0:
            continue
        url = urlsplit(request["url"])
        headers = [(header["name"], header["value"]) for header in request.get("headers", ())]
        content = response.get("content", {})
        answer_type = _media_type(content.get("mimeType", ""))
        yield Exchange(
            f"#{number} {request['method']} {url.path}",
            request["method"],
            unquote(url.path),
            url.query.encode(),
            _header(headers, "content-type") or request.get("postData", {}).get("mimeType", ""),
            _sent(request.get("postData")),
            response["status"],
            answer_type,
            _json(content) if answer_type.endswith("json") else None,
        )


def _sent(data: Any) -> bytes | None:
    if data is None:
        return b""
    if "text" not in data:
        # Some recorders keep the parts of a form only, without their content.
        return None
    text: str = data["text"]
    return base64.b64decode(text) if data.get("encoding") == "base64" else text.encode("utf-8", "surrogatepass")


def _json(content: Any) -> Any:
    text = content.get("text")
    if not text:
        return None
    try:
        return json.loads(base64.b64decode(text) if content.get("encoding") == "base64" else text)
    except ValueError:
        return None


def _header(headers: Any, name: str) -> str:
    return next((str(value) for key, value in headers if key.lower() == name), "")


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()
