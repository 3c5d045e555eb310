"""Responses that may be given again: the same question, and nothing has changed in between.

Whether something has changed is asked of the database each time, so a response is never stale, whoever wrote.
"""

from collections.abc import Callable, Hashable

from app.contract.response.responses import Response

# The longest answer that is cached, in bytes: with the number of responses, a bound of the memory.
_CACHED_LENGTH = 32 * 1024

Version = Callable[[], Hashable | None]
"""What differs after each change of what is stored; None while that can't be told."""


class ResponseCache:
    """The responses to reading requests, by path and query string.

    :param version: the version of what is stored
    :param size: how many are cached at most
    """

    def __init__(self, version: Version, size: int) -> None:
        self._version = version
        self._size = size
        self._cached_at: Hashable | None = None
        self._responses: dict[tuple[str, bytes], Response] = {}

    def get_cached(self, path: str, query: bytes) -> Response | None:
        """The response that was given to the same request, if it still holds."""
        version = self._version()
        if version is None or version != self._cached_at:
            self._responses.clear()
            self._cached_at = version
            return None
        return self._responses.get((path, query))

    def put(self, path: str, query: bytes, response: Response) -> None:
        """Keep a response to a request that `get_cached` was asked for before it was carried out."""
        if self._cached_at is None or len(response.body) > _CACHED_LENGTH:
            return
        if len(self._responses) >= self._size:
            self._responses.clear()
        self._responses[path, query] = response
