"""All settings, read from the environment once. `docs/settings.md` describes each; a test compares the two."""

import contextlib
import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.mail_servers import MailServer, is_host, mail_server, sender

PREFIX = "FLOWS_"

# Variables that commands read, and a server does not.
_OF_COMMANDS = ("FLOWS_TOKEN",)

TOKEN_RULE = "a token has visible ASCII characters only, and no blanks"  # noqa: S105  # a sentence
"""The syntax of tokens, for the `Authorization` header (RFC 9110, section 11.4)."""


class SettingsError(Exception):
    """An invalid setting. The message names it and the valid values."""


def _contract_path() -> Path:
    """The contract beside this package in a checkout, or inside of it when installed."""
    package = Path(__file__).resolve().parent
    beside = package.parent / "openapi" / "authentik-flows.yaml"
    return beside if beside.exists() else package / "openapi" / "authentik-flows.yaml"


def _at_least(least: int) -> Callable[[str], int]:
    return _whole_number(lambda number: number >= least, f"of at least {least}")


def _between(least: int, most: int) -> Callable[[str], int]:
    return _whole_number(lambda number: least <= number <= most, f"from {least} to {most}")


def _whole_number(admits: Callable[[int], bool], which: str) -> Callable[[str], int]:
    def convert(text: str) -> int:
        with contextlib.suppress(ValueError):
            if admits(number := int(text)):
                return number
        raise ValueError(f"give a whole number {which}")

    return convert


def _one_of(*choices: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"give one of {', '.join(choices)}")
        return text.lower()

    return convert


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ValueError("give a number of seconds from 0 to 1")
    return number


def is_token(text: str) -> bool:
    """Whether a text is a valid token."""
    return re.fullmatch("[!-~]+", text) is not None


def _token(text: str) -> str:
    if not is_token(text):
        raise ValueError(TOKEN_RULE)
    return text


# Unreserved characters (RFC 3986, section 2.3), which mean the same in a path, a header and a page.
_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")

_DEFAULT_PORTS = {"http": 80, "https": 443}


def path_prefix(text: str) -> str:
    """Read a path prefix. :returns: it with a slash at its beginning only; empty for none :raises ValueError: it is invalid"""
    path = text.strip().strip("/")
    if path and not _PATH.fullmatch(f"/{path}"):
        raise ValueError("give a path such as /id, with letters, digits and . _ ~ - between slashes")
    return f"/{path}" if path else ""


def _origin(text: str) -> str:
    """An origin as browsers write it (RFC 6454, section 6.2)."""
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError:
        host, port = "", None
    if not host or "@" in text or not text.isascii() or text.lower() != f"{url.scheme}://{url.netloc}".lower():
        raise ValueError("give origins such as https://app.example, separated by commas")
    host = f"[{host}]" if ":" in host else host
    return (
        f"{url.scheme}://{host}" if port in (None, _DEFAULT_PORTS.get(url.scheme)) else f"{url.scheme}://{host}:{port}"
    )


def _public_url(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    host, _, path = rest.partition("/")
    try:
        origin, prefix = _origin(scheme + separator + host), path_prefix(path)
    except ValueError:
        origin = prefix = ""
    url = urlsplit(origin)
    if url.scheme not in _DEFAULT_PORTS or not is_host(url.hostname or "") or url.port == 0:
        raise ValueError("give a URL such as https://id.example, or one with a path such as https://id.example/auth")
    return origin + prefix


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError("give addresses or networks such as 10.0.0.0/8, separated by commas") from error


def _each(convert: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    return lambda text: tuple(convert(part.strip()) for part in text.split(",") if part.strip())


def _setting(
    default: Any, meaning: str, convert: Callable[[str], Any] = str, *, secret: bool = False, alias: str | None = None
) -> Any:
    """Declare a setting. :param alias: its name in earlier versions, which is still read"""
    return field(default=default, metadata={"meaning": meaning, "convert": convert, "secret": secret, "alias": alias})


@dataclass(frozen=True)
class Settings:
    """The settings of the server. Each property is the environment variable `FLOWS_<NAME>`."""

    contract: Path = field(
        default_factory=_contract_path,
        metadata={
            "meaning": "The OpenAPI document to serve: its root file, if there are several.",
            "convert": Path,
            "secret": False,
        },
    )
    version: str = _setting(
        "",
        "The version of the contract that is served to requests that name none, such as `2025.12`; the first by default.",
    )
    database_url: str = _setting(
        "sqlite:///var/flows.sqlite3",
        "The database: `sqlite:///PATH` (embedded), `sqlite:///:memory:` (as long as the server runs) or"
        " `postgresql://USER:PASSWORD@HOST/NAME`.",
        secret=True,
    )
    database_pool: int = _setting(
        10, "Connections to PostgreSQL, and threads, per worker. Fewer than 6 turn pipelining off.", _at_least(1)
    )
    host: str = _setting("127.0.0.1", "The address to listen on.")
    port: int = _setting(8000, "The port to listen on; 0 takes a free one.", _between(0, 65535))
    prefix: str = _setting(
        "",
        "The path below which a proxy shows the server, such as `/id`. URLs in responses begin with it.",
        path_prefix,
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = _setting(
        (),
        "The addresses or networks of proxies whose `X-Forwarded-Prefix` takes the place of `FLOWS_PREFIX`, separated by commas.",
        _each(_network),
    )
    allowed_origins: tuple[str, ...] = _setting(
        (),
        "The origins of web pages that may send requests (CORS), such as `https://app.example`, separated by commas.",
        _each(_origin),
    )
    workers: int = _setting(1, "The number of worker processes.", _at_least(1))
    body_limit: int = _setting(10 * 1024 * 1024, "The largest request body, in bytes.", _at_least(1))
    json_limit: int = _setting(
        1024 * 1024,
        "The largest request body of JSON, in bytes, if that is less than `FLOWS_BODY_LIMIT`.",
        _at_least(1),
    )
    bodies_limit: int = _setting(
        64 * 1024 * 1024,
        "Bytes of request bodies that a worker holds at once, at least `FLOWS_BODY_LIMIT`; a request beyond gets 503.",
        _at_least(1),
    )
    bootstrap_token: str = _setting(
        "", "The superuser token that the first start creates, instead of a random one.", _token, secret=True
    )
    token_cache: float = _setting(
        1.0,
        "Seconds that a token is cached: how much later a revocation may take effect. At most 1.",
        _seconds,
        alias="token_memory",
    )
    response_cache: int = _setting(
        512,
        "The number of responses to safe requests that a worker caches until the SQLite database changes; 0 for none.",
        _at_least(0),
        alias="answer_memory",
    )
    metrics: str = _setting("on", "Whether `/-/metrics/` is served: `on` or `off`.", _one_of("on", "off"))
    metrics_token: str = _setting(
        "",
        "The bearer token that `/-/metrics/` asks for; without one, anybody who reaches the port may read it.",
        _token,
        secret=True,
    )
    expressions: str = _setting(
        "on",
        "Whether the expressions of policies and prompts are evaluated: `on` or `off`. A policy that is not evaluated has the"
        " failure result of its binding.",
        _one_of("on", "off"),
    )
    smtp_url: MailServer | None = _setting(  # noqa: RUF009  # a field
        None,
        "The mail server of stages with `use_global_settings`: `smtp://HOST:PORT`, or `smtps://` or `smtp+starttls://` with"
        " `USER:PASSWORD@`. Without one their e-mails are kept at `/outbox/`.",
        mail_server,
        secret=True,
    )
    smtp_from: str = _setting("authentik@localhost", "The sender of e-mails by `FLOWS_SMTP_URL`.", sender)
    outbox: str = _setting(
        "off",
        "`on` sends no e-mails and keeps all at `/outbox/`, as `flows dev` and `--record` do.",
        _one_of("on", "off"),
    )
    public_url: str = _setting(
        "",
        "The URL by which users reach the server, for links in e-mails, such as `https://id.example`. Without one, links have the"
        " host in the request, which the client chooses.",
        _public_url,
    )
    log_level: str = _setting(
        "info", "What is logged: `debug`, `info`, `warning` or `error`.", _one_of("debug", "info", "warning", "error")
    )
    log_format: str = _setting(
        "auto", "`json`, `console`, or `auto`: console on a terminal.", _one_of("auto", "json", "console")
    )

    @property
    def url_host(self) -> str:
        """The host in the syntax of URLs (RFC 3986, section 3.2.2)."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings from an environment; a variable that is unset or blank takes its default.

        :raises SettingsError: a value is invalid
        """
        values: dict[str, Any] = {}
        for setting in fields(cls):
            for name in _names(setting):
                variable = PREFIX + name.upper()
                text = environment.get(variable, "").strip()
                if text:
                    break
            if text:
                try:
                    values[setting.name] = setting.metadata["convert"](text)
                except ValueError as error:
                    shown = "the value" if setting.metadata["secret"] else repr(text)
                    raise SettingsError(f"{variable}: {shown} can't be used: {error}.") from error
        return cls(**values)


def unknown(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Find unknown variables with the prefix of settings.

    :returns: the name of each, and that of the most similar setting, empty if none is similar
    """
    names = [PREFIX + name.upper() for setting in fields(Settings) for name in _names(setting)]
    known = {*names, *_OF_COMMANDS}
    return [
        (name, next(iter(difflib.get_close_matches(name, names, 1, cutoff=0.8)), ""))
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known
    ]


def _names(setting: Field[Any]) -> Iterator[str]:
    """The name of a setting, and that in earlier versions."""
    yield from filter(None, (setting.name, setting.metadata.get("alias")))


def describe() -> list[tuple[str, str, str]]:
    """All settings: variable, default as text, meaning."""
    described = []
    for setting in fields(Settings):
        default = "the contract of this package" if setting.default is MISSING else str(setting.default or "")
        described.append((PREFIX + setting.name.upper(), default, setting.metadata["meaning"]))
    return described
