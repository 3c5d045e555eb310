"""Comparison of media types by their meaning (RFC 9110, section 8.3.1)."""

from collections.abc import Iterable

from werkzeug.http import parse_options_header, quote_header_value


def canonical(name: str) -> str:
    """The canonical form of a media type: without differences in case, white space and quotes, and without UTF-8, the default.

    JSON has no `charset`: it is always UTF-8 (RFC 8259, sections 8.1 and 11).
    """
    kind, given = parse_options_header(name)
    kind, parameters = kind.lower(), []
    for key, value in given.items():
        if key == "charset":
            if value.lower() in ("utf-8", "utf8") or kind.endswith("json"):
                continue
            value = value.lower()  # case-insensitive
        parameters.append(f"{key}={quote_header_value(value)}")
    return "; ".join([kind, *sorted(parameters)])


def of_kind(names: Iterable[str], media_type: str) -> str | None:
    """The most specific media type or media range that a media type matches; None if none does."""
    kind = essence(media_type)
    wanted = canonical(media_type), f"{kind.partition('/')[0]}/*", "*/*"
    known = {canonical(name): name for name in names}
    return next((known[name] for name in wanted if name in known), None)


def essence(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()
