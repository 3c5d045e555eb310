"""Media types, compared by what they mean (RFC 9110, section 8.3.1)."""

from collections.abc import Iterable


def canonical(name: str) -> str:
    """A media type in one form: case, blanks and quotes mean nothing, and UTF-8 goes without saying.

    JSON has no `charset`: it is UTF-8 always (RFC 8259, section 8.1 and 11).
    """
    kind, rest = essence(name), name.partition(";")[2]
    parameters = []
    for parameter in filter(None, map(str.strip, rest.split(";"))):
        key, _, value = parameter.partition("=")
        key, value = key.strip().lower(), value.strip().strip('"')
        if key == "charset":
            value = value.lower()
        if key != "charset" or not (value in ("utf-8", "utf8") or kind.endswith("json")):
            parameters.append(f"{key}={value}")
    return "; ".join([kind, *sorted(parameters)])


def of_kind(names: Iterable[str], media_type: str) -> str | None:
    """The first of some media types or ranges of them that a media type belongs to, those that name it before ranges."""
    kind = essence(media_type)
    wanted = canonical(media_type), f"{kind.partition('/')[0]}/*", "*/*"
    known = {canonical(name): name for name in names}
    return next((known[name] for name in wanted if name in known), None)


def essence(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()
