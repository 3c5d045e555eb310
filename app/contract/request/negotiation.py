"""Whether a client accepts JSON (RFC 9110, section 12.5.1), by authentik's rules (recorded: `accept.*`)."""

from urllib.parse import parse_qsl

from app.caches import bounded_cache

# The longest header that is cached with what it admits, in characters.
_CACHED_LENGTH = 256


def accepts(accept: str, media_type: str) -> bool:
    """Whether an `Accept` header admits a media type.

    Weights are not looked at, `q=0` included: there is one representation only. A blank header admits nothing.

    :param accept: the value of the header
    :param media_type: such as `application/json`
    """
    return (_cached if len(accept) <= _CACHED_LENGTH else _accepts)(accept, media_type)


def _accepts(accept: str, media_type: str) -> bool:
    ranges = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return not {media_type, media_type.partition("/")[0] + "/*", "*/*"}.isdisjoint(ranges)


_cached = bounded_cache(256)(_accepts)


def names(accept: str, media_type: str) -> bool:
    """Whether an `Accept` header names a media type itself, and not just a range that holds it."""
    return any(part.partition(";")[0].strip().lower() == media_type for part in accept.split(","))


def names_json(query: bytes) -> bool:
    """Whether a query string leaves the format open or asks for JSON; any other is not found (recorded: `list.query.format=*`)."""
    formats = [value for name, value in parse_qsl(query.decode("latin-1")) if name == "format"]
    return not formats or formats[-1] == "json"
