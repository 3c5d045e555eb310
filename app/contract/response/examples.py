"""Documented examples as responses of an operation without a handler."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.contract.response.responses import SENT, Header, Response, encode
from app.contract.validation.schemas import flattened, is_file

_EXAMPLE: Header = (b"x-contract-example", b"true")


def no_handler(_store: Any, **_arguments: Any) -> None:
    """Placeholder for a missing handler; it is never called."""


class Examples:
    """The example responses of one operation.

    :param contract: the contract
    :param pointer: the pointer of the operation
    :param status: the status code of its success
    """

    def __init__(self, contract: Contract, pointer: Pointer, status: int) -> None:
        self._status = status
        self._responses: dict[int, dict[str, Response]] = {}
        for code, response in contract.at((*pointer, "responses")).items():
            described = contract.resolve((), response)[1]
            named = self._responses[int(code)] = {}
            headers = (_EXAMPLE, *_headers(contract, described))
            for media_type, media in described.get("content", {}).items():
                for name, value in _values(contract, media).items():
                    named.setdefault(name, _response(contract, int(code), media_type, media["schema"], value, headers))
            if not named:
                named[""] = Response(int(code), headers=headers)

    def response(self, headers: list[Header]) -> Response:
        """The example that a client prefers (RFC 7240): `Prefer: code=404`, `Prefer: example=NAME`. Other preferences are ignored.

        :param headers: the request's
        """
        wanted = _preferences(headers)
        code = wanted.get("code", "")
        status = int(code) if code.isdecimal() and int(code) in self._responses else self._status
        named = self._responses[status]
        name = wanted.get("example", "")
        response = named[name] if name in named else next(iter(named.values()))
        applied = [f"code={code}"] if code == str(status) else []
        applied += [f"example={name}"] if name and name in named else []
        if not applied:
            return response
        return response._replace(headers=(*response.headers, (b"preference-applied", ", ".join(applied).encode())))


def _values(contract: Contract, media: Mapping[str, Any]) -> dict[str, Any]:
    """The examples of a media type, by name; a single one has none."""
    values = {"": media["example"]} if "example" in media else {}
    for name, example in media.get("examples", {}).items():
        example = contract.resolve((), example)[1]
        if "value" in example:
            values[name] = example["value"]
    return values


def header_value(contract: Contract, header: Mapping[str, Any]) -> Any:
    """The value of a header in an example response: its example or the first of several, or that of its schema, or the default, or
    the only value of an enum. None if there is none of these.
    """
    if "example" in header:
        return header["example"]
    for example in header.get("examples", {}).values():
        return contract.resolve((), example)[1].get("value")
    schema = flattened(contract, header["schema"])
    only = schema.get("enum", ())
    return schema.get("example", schema.get("default", only[0] if len(only) == 1 else None))


def _headers(contract: Contract, described: Mapping[str, Any]) -> Iterator[Header]:
    for name, header in described.get("headers", {}).items():
        value = header_value(contract, contract.resolve((), header)[1])
        if value is not None and name.lower() not in SENT:
            yield name.lower().encode(), _simple(value).encode("latin-1")


def _simple(value: Any) -> str:
    """Serialize a value in the style `simple` (OpenAPI 3.0.3, "Style Values")."""
    if isinstance(value, list):
        return ",".join(map(_simple, value))
    if isinstance(value, dict):
        return ",".join(f"{key},{_simple(inner)}" for key, inner in value.items())
    return value if isinstance(value, str) else encode(value).decode()


def _response(
    contract: Contract, status: int, media_type: str, schema: Any, value: Any, headers: tuple[Header, ...]
) -> Response:
    if is_file(contract, schema):
        return Response(status, str(value).encode(), headers, media_type=media_type.encode())
    return Response(status, encode(value), headers, "example" if status >= 400 else "")


def _preferences(headers: list[Header]) -> dict[str, str]:
    """The preferences in the `Prefer` headers of a request, the first of each name (RFC 7240, section 2)."""
    found: dict[str, str] = {}
    for header, value in headers:
        if header == b"prefer":
            for preference in value.decode("latin-1").replace(";", ",").split(","):
                name, _, text = preference.partition("=")
                found.setdefault(name.strip().lower(), text.strip().strip('"'))
    return found
