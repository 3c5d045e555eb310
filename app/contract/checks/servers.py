"""Check of the servers of the contract: one base path."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from app.contract.document.contract import Contract, Pointer, path_of
from app.contract.document.findings import Finding

# Segments that are equivalent for every client with and without percent-encoding (RFC 3986, section 3.3).
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*/?")
_VARIABLE = re.compile(r"\{([^{}]*)\}")


def check_servers(contract: Contract) -> Iterator[Finding]:
    """Check that all server URLs have the same, absolute path (OpenAPI 3.0.3, "Server Object")."""
    # Without `servers`, the path is `/` (OpenAPI 3.0.3, "OpenAPI Object").
    servers: list[dict[str, Any]] = contract.document.get("servers", [])
    for index, server in enumerate(servers):
        place: Pointer = ("servers", index, "url")
        wrong = _problem(server["url"], server.get("variables", {}))
        if wrong is not None:
            yield contract.finding(place, *wrong)
        elif index and path_of(server["url"]) != contract.base_path:
            problem = f"The API is served below one path, and that is {contract.base_path + '/'!r}."
            yield contract.finding(place, problem, "Remove this server, or give its URL the path of the first.")
    for pointer, path, _, operation in contract.operations():
        for owner, item in (((*pointer,), operation), (("paths", path), contract.document["paths"][path])):
            if "servers" in item:
                problem = "An operation must not have servers of its own."
                yield contract.finding((*owner, "servers"), problem, "Name the servers once, for the whole document.")


def _problem(url: str, variables: dict[str, Any]) -> tuple[str, str] | None:
    """The problem of a server's URL and its remedy; None if it is valid."""
    names = _VARIABLE.findall(url)
    try:
        parts = urlsplit(_VARIABLE.sub("0", url))
        if parts.netloc:
            _ = parts.port
    except ValueError as error:
        return f"{url!r} is not a URL: {error}.", "Write it as 'https://api.example/api/v3/'."
    for name in names:
        if name not in variables:
            return f"The variable {name!r} of the URL is not described.", "Add it to the server's `variables`."
    if "?" in url or "#" in url:
        return "A server's URL has no query and no fragment.", "Keep the part before it."
    if parts.scheme not in ("", "http", "https") or (parts.scheme and not parts.netloc):
        return f"The API is not served at {url!r}.", "Write a URL of http or https, or a path."
    if _VARIABLE.search(url.partition("//")[2].partition("/")[2] if parts.netloc else url):
        return "A variable in the path is not served: there is one path.", "Write the path itself."
    if not parts.netloc and not url.startswith("/"):
        remedy = f"Begin it with a slash, as in '/{url.removeprefix('./')}'."
        return f"The URL {url!r} is relative to the document, which is below the API.", remedy
    segments = parts.path.split("/")
    if not _PATH.fullmatch(parts.path) or "." in segments or ".." in segments:
        return f"The path {parts.path!r} is not served.", "Write it without dots, empty parts and encoded characters."
    return None
