"""Answers that may be given again: the same question, and nothing has changed in between.

Whether something has changed is asked of the database each time, so an answer is never stale, whoever wrote.
"""

from collections.abc import Callable, Hashable

from app.contract.response.answers import Answer

# The longest answer that is remembered, in bytes: with the number of answers, a bound of the memory.
_REMEMBERED_LENGTH = 32 * 1024

Version = Callable[[], Hashable | None]
"""What differs after each change of what is stored; None while that can't be told."""


class AnswerMemory:
    """The answers to reading requests, by path and query string.

    :param version: the version of what is stored
    :param size: how many are remembered at most
    """

    def __init__(self, version: Version, size: int) -> None:
        self._version = version
        self._size = size
        self._remembered_at: Hashable | None = None
        self._answers: dict[tuple[str, bytes], Answer] = {}

    def recall(self, path: str, query: bytes) -> Answer | None:
        """The answer that was given to the same request, if it still holds."""
        version = self._version()
        if version is None or version != self._remembered_at:
            self._answers.clear()
            self._remembered_at = version
            return None
        return self._answers.get((path, query))

    def remember(self, path: str, query: bytes, answer: Answer) -> None:
        """Keep an answer to a request that `recall` was asked for before it was carried out."""
        if self._remembered_at is None or len(answer.body) > _REMEMBERED_LENGTH:
            return
        if len(self._answers) >= self._size:
            self._answers.clear()
        self._answers[path, query] = answer
