"""Workflow commands of GitHub, which it shows as annotations."""

from app.contract.document.findings import Location


def annotation(kind: str, location: Location | None, title: str, text: str) -> str:
    """A workflow command.

    :param kind: `error`, `warning` or `notice`
    :param location: the place to show it at; None for the whole workflow
    """
    place = ""
    if location is not None:
        place = f"file={_property(location.file)},line={location.line},col={location.column},"
    return f"::{kind} {place}title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
