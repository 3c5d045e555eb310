"""Cache of responses that are valid until something is stored.

The version of the data is read from the database each time, so a response is never stale, even if other processes write.
"""

from collections.abc import Callable, Hashable

from app.contract.response.responses import Response

# The longest cached response, in bytes: with the number of responses, this limits the memory.
_CACHED_LENGTH = 32 * 1024

Version = Callable[[], Hashable | None]
"""The version of the stored data, new after each change; None while it is unknown."""


class ResponseCache:
    """Cache of the responses to GET requests, by path and query string.

    :param version: returns the version of the stored data
    :param size: the maximum number of responses
    """

    def __init__(self, version: Version, size: int) -> None:
        self._version = version
        self._size = size
        self._cached_at: Hashable | None = None
        self._responses: dict[tuple[str, bytes], Response] = {}

    def get_cached(self, path: str, query: bytes) -> Response | None:
        """The cached response to the same request, if it is still valid."""
        version = self._version()
        if version is None or version != self._cached_at:
            self._responses.clear()
            self._cached_at = version
            return None
        return self._responses.get((path, query))

    def put(self, path: str, query: bytes, response: Response) -> None:
        """Cache a response. `get_cached` must have been called for its request before it ran."""
        if self._cached_at is None or len(response.body) > _CACHED_LENGTH:
            return
        if len(self._responses) >= self._size:
            self._responses.clear()
        self._responses[path, query] = response
