"""Bodies with alternatives, one of which the handler chooses, regardless of the discriminator."""

from collections.abc import Iterator, Mapping
from typing import Any

from app import errors
from app.contract.document.contract import Contract, Pointer
from app.contract.request.body import BodyReader, InvalidBody, MalformedBody, UnsupportedMediaType
from app.contract.validation.messages import Messages
from app.contract.validation.wording import code_of


class AnswerReader:
    """Reader of the JSON body of one operation by the alternatives of its schema.

    :param contract: the contract
    :param pointer: the pointer of the operation's `requestBody`, whose schema has a discriminator with a mapping
    """

    def __init__(self, contract: Contract, pointer: Pointer) -> None:
        _, body = contract.resolve(pointer, contract.at(pointer))
        (media,) = body["content"].values()
        _, schema = contract.resolve((), media["schema"])
        self._readers = {
            value: BodyReader(contract, pointer, {}, {"$ref": text})
            for value, text in schema["discriminator"]["mapping"].items()
        }

    def of(self, body: bytes, content_type: str) -> "Answer":
        """A body that is not read yet."""
        return Answer(self._readers, body, content_type)


class Answer:
    """A body, not yet read; see `Answers`."""

    __slots__ = ("_body", "_content_type", "_readers")

    def __init__(self, readers: Mapping[str, BodyReader], body: bytes, content_type: str) -> None:
        self._readers = readers
        self._body = body
        self._content_type = content_type

    def read(self, alternative: str) -> dict[str, Any]:
        """See `Answers`."""
        try:
            return self._readers[alternative].read(self._body, self._content_type)
        except (UnsupportedMediaType, MalformedBody) as error:
            raise errors.Unreadable(str(error)) from error
        except InvalidBody as error:
            raise errors.Invalid(dict(_with_codes(error.messages))) from error


def _with_codes(messages: Messages) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Convert messages to the form of a challenge: each with a code, those of nested properties in one list."""
    for name, texts in messages.items():
        yield name, [{"string": text, "code": code_of(text)} for text in _texts(texts)]


def _texts(messages: Any) -> Iterator[str]:
    if isinstance(messages, str):
        yield messages
    else:
        for inner in messages.values() if isinstance(messages, dict) else messages:
            yield from _texts(inner)
