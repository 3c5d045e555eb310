"""What an operation answers that has no handler yet: its documented examples, so that it can be tried before there is one."""

from collections.abc import Mapping
from typing import Any

from app.contract.answers import Answer, Header, encode
from app.contract.schemas import is_file
from app.contract.source import Pointer, Source

_EXAMPLE: Header = (b"x-contract-example", b"true")


def no_handler(_store: Any, **_arguments: Any) -> None:
    """Stands where a handler is missing; it is never called."""


class Examples:
    """The examples of one operation's answers.

    :param source: the contract
    :param pointer: where the operation stands
    :param status: the status code of its success
    """

    def __init__(self, source: Source, pointer: Pointer, status: int) -> None:
        self._status = status
        self._answers: dict[int, dict[str, Answer]] = {}
        for code, response in source.at((*pointer, "responses")).items():
            described = source.resolve((), response)[1]
            named = self._answers[int(code)] = {}
            for media_type, media in described.get("content", {}).items():
                for name, value in _values(source, media).items():
                    named.setdefault(name, _answer(source, int(code), media_type, media["schema"], value))
            if not named:
                named[""] = Answer(int(code), headers=(_EXAMPLE,))

    def answer(self, headers: list[Header]) -> Answer:
        """The example that a client prefers (RFC 7240): `Prefer: code=404`, `Prefer: example=NAME`. What there is not is ignored.

        :param headers: the request's
        """
        wanted = _preferences(headers)
        code = wanted.get("code", "")
        status = int(code) if code.isdecimal() and int(code) in self._answers else self._status
        named = self._answers[status]
        name = wanted.get("example", "")
        answer = named[name] if name in named else next(iter(named.values()))
        applied = [f"code={code}"] if code == str(status) else []
        applied += [f"example={name}"] if name and name in named else []
        if not applied:
            return answer
        return answer._replace(headers=(*answer.headers, (b"preference-applied", ", ".join(applied).encode())))


def _values(source: Source, media: Mapping[str, Any]) -> dict[str, Any]:
    """The examples of a content, by name; a single one has none."""
    values = {"": media["example"]} if "example" in media else {}
    for name, example in media.get("examples", {}).items():
        values[name] = source.resolve((), example)[1].get("value")
    return values


def _answer(source: Source, status: int, media_type: str, schema: Any, value: Any) -> Answer:
    if is_file(source, schema):
        return Answer(status, str(value).encode(), (_EXAMPLE,), media_type=media_type.encode())
    return Answer(status, encode(value), (_EXAMPLE,), "example" if status >= 400 else "")


def _preferences(headers: list[Header]) -> dict[str, str]:
    """What the `Prefer` headers of a request name, the first of each name (RFC 7240, section 2)."""
    found: dict[str, str] = {}
    for header, value in headers:
        if header == b"prefer":
            for preference in value.decode("latin-1").replace(";", ",").split(","):
                name, _, text = preference.partition("=")
                found.setdefault(name.strip().lower(), text.strip().strip('"'))
    return found
