"""A challenge as the flow page shows it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from markupsafe import Markup

from app.executor.redirects import is_own
from app.pages.interface.forms import COMPONENT, OPTIONAL, TOKEN
from app.store.collections.backgrounds import MEDIA

_COMPONENT = re.compile(r"[a-z0-9-]+")
_UNKNOWN = "flow/unknown.html"
_WEB = frozenset({"http", "https"})
_NUMBER = re.compile(r"-?\d+")


class Messages:
    """The messages about a response. A field shows its own, the page all others.

    :param errors: by property, as the challenge has them
    """

    def __init__(self, errors: Mapping[str, Any]) -> None:
        self._errors = errors
        self._shown: set[str] = set()
        self._is_focused = False

    def of(self, name: str) -> list[str]:
        """The messages about a field. :param name: of the property"""
        self._shown.add(name)
        return _texts(self._errors.get(name, ()))

    def takes_focus(self, name: str) -> bool:
        """Whether a field gets the focus: it is the first that is wrong, or the first if nothing is wrong."""
        takes = not self._is_focused and (name in self._errors or not self._errors)
        self._is_focused = self._is_focused or takes
        return takes

    @property
    def need_focus(self) -> bool:
        """Whether no field that is wrong has the focus."""
        return bool(self._errors) and not self._is_focused

    def others(self) -> Iterator[str]:
        """The messages that belong to no field."""
        for name, found in self._errors.items():
            if name not in self._shown:
                yield from _texts(found)


def _texts(found: Any) -> list[str]:
    return [str(one["string"]) for one in found]


class ShownChallenge:
    """A challenge, as templates use it.

    :param challenge: the challenge; `is_wrong` says whether it is about a wrong response
    :param typed: the values of the form that was posted, by name
    """

    # The names of fields of every form, for templates.
    token_field, optional_field, component_field = TOKEN, OPTIONAL, COMPONENT

    def __init__(self, challenge: Mapping[str, Any], typed: Mapping[str, str]) -> None:
        self.challenge = challenge
        self.component = str(challenge.get("component", ""))
        self.is_wrong = "response_errors" in challenge
        self.messages = Messages(challenge.get("response_errors", {}))
        self.typed = typed

    @property
    def templates(self) -> list[str]:
        """The names of its template, and of the one for components that have none."""
        known = _COMPONENT.fullmatch(self.component) is not None
        return [f"flow/{self.component}.html", _UNKNOWN] if known else [_UNKNOWN]

    @property
    def as_text(self) -> str:
        """The challenge as JSON."""
        return orjson.dumps(self.challenge, option=orjson.OPT_INDENT_2).decode()

    @property
    def info(self) -> Mapping[str, Any]:
        """The display of the flow; empty if the challenge has none."""
        return self.challenge.get("flow_info") or {}

    @property
    def background(self) -> str:
        """The URL of the background image, if it is an upload: pages load nothing from other sites."""
        url = str(self.info.get("background", ""))
        return url if url.startswith(MEDIA) else ""

    @property
    def avatar(self) -> str:
        """The picture of the user, if it is in the challenge."""
        url = str(self.challenge.get("pending_user_avatar", ""))
        return url if url.startswith("data:image/") else ""

    def value(self, name: str, initial: str = "", kind: str = "") -> str:
        """The value of a field: the typed one, or else the initial one as browsers take it.

        :param kind: the type of the input, as HTML has it
        """
        if name in self.typed:
            return self.typed[name]
        with suppress(ValueError, OverflowError):
            match kind:
                case "datetime-local":
                    moment = datetime.fromisoformat(initial)
                    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") if moment.tzinfo else initial[:16]
                case "date":
                    return datetime.fromisoformat(initial).date().isoformat()
                case "number":
                    return initial if _NUMBER.fullmatch(initial) else ""
                case _:
                    return initial
        return ""

    @staticmethod
    def choices(given: Iterable[Any] | None) -> list[tuple[str, str]]:
        """Value and label of each choice of a prompt, which some versions of the contract tell apart."""
        return [(one["value"], one["label"]) if isinstance(one, dict) else (one, one) for one in given or ()]

    @staticmethod
    def link(url: Any) -> str:
        """A URL that a page may link to: a path of this server, or a web page; empty if it is another."""
        text = str(url or "")
        with suppress(ValueError):
            parts = urlsplit(text)
            if is_own(text) or (parts.scheme in _WEB and parts.netloc):
                return text
        return ""

    @staticmethod
    def secret(config_url: str) -> str:
        """The secret in a URL for authenticator apps."""
        return next(iter(parse_qs(config_url.partition("?")[2]).get("secret", ())), "")

    @staticmethod
    def qr_code(text: str) -> Markup:
        """A QR code, as SVG; empty if the text is too long for one."""
        import segno  # few flows need it

        try:
            image = segno.make(text, micro=False).svg_inline(dark="#000", light="#fff", omitsize=True)
        except segno.DataOverflowError:
            return Markup("")
        return Markup(image)  # noqa: S704  # made of nothing but squares
