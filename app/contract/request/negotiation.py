"""Content negotiation (RFC 9110, section 12.5.1) by authentik's rules (recorded: `accept.*`)."""

from urllib.parse import parse_qsl

from app.caches import bounded_cache

# The longest header whose result is cached, in characters.
_CACHED_LENGTH = 256


def accepts(accept: str, media_type: str) -> bool:
    """Whether an `Accept` header admits a media type.

    Weights are ignored, `q=0` included: there is only one representation. A blank header admits nothing.

    :param accept: the value of the header
    :param media_type: such as `application/json`
    """
    return (_cached if len(accept) <= _CACHED_LENGTH else _accepts)(accept, media_type)


def _accepts(accept: str, media_type: str) -> bool:
    ranges = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return not {media_type, media_type.partition("/")[0] + "/*", "*/*"}.isdisjoint(ranges)


_cached = bounded_cache(256)(_accepts)


def names(accept: str, media_type: str) -> bool:
    """Whether an `Accept` header names a media type explicitly, not only by a range."""
    return any(part.partition(";")[0].strip().lower() == media_type for part in accept.split(","))


def names_json(query: bytes) -> bool:
    """Whether a query string asks for JSON or for no format; any other gets 404 (recorded: `list.query.format=*`)."""
    formats = [value for name, value in parse_qsl(query.decode("latin-1")) if name == "format"]
    return not formats or formats[-1] == "json"
