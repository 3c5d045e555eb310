"""The text of e-mails, from the templates that the contract names."""

from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.executor.people import Person


class Text(NamedTuple):
    """The text of an e-mail, in two media types."""

    plain: str
    html: str


def rendered(template: str, subject: str, user: Person | None, url: str, expires: str) -> Text:
    """Render the text of an e-mail.

    :param template: its name in the contract, such as `email/password_reset.html`
    :param user: who gets it; None if that is not a user yet
    :param url: the link in it
    :param expires: until when the link is valid; empty for no limit
    """
    name = PurePosixPath(template).stem
    values: dict[str, Any] = {"subject": subject, "user": user, "url": url, "expires": expires}
    plain, html = (_environment().get_template(f"{name}.{ending}").render(values) for ending in ("txt", "html"))
    return Text(plain, html)


@cache
def _environment() -> Environment:
    folder = Path(__file__).parent / "templates"
    loader = FileSystemLoader(folder)
    return Environment(loader=loader, autoescape=select_autoescape(), undefined=StrictUndefined)
