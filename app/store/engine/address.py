"""The address of the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import sqlalchemy as sa

_UNREADABLE = (
    "PostgreSQL can't read that URL: give postgresql://USER:PASSWORD@HOST/NAME, what is special in a name or password as %XX, and"
    " after a ? nothing but its parameters"
)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a database.

    :param url: as a URL of SQLAlchemy
    :param engine: `sqlite` or `postgresql`
    :param path: the file of SQLite; None for a database in memory
    :param options: connection parameters of libpq
    :param shown: for messages: without the password
    """

    url: sa.URL
    engine: str
    path: Path | None
    shown: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_memory(self) -> bool:
        """Whether it is a SQLite database without a file."""
        return self.engine == "sqlite" and self.path is None

    def __str__(self) -> str:
        """The address for messages: without the password."""
        return self.shown


def address_of(url: str) -> Address:
    """Parse the address in a setting: `sqlite:///PATH` or `postgresql://...`.

    :raises ValueError: it is not a URL, or names another kind of database
    """
    backend = url.partition("://")[0].partition("+")[0]
    if backend in ("postgresql", "postgres"):
        return _postgresql(f"postgresql://{url.partition('://')[2]}")
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise ValueError("That is not a URL of a database: give sqlite:///PATH or postgresql://...") from error
    if backend != "sqlite":
        raise ValueError(f"The database {backend!r} is not supported: use sqlite or postgresql.")
    path = Path(parsed.database) if parsed.database and parsed.database != ":memory:" else None
    return Address(parsed, engine=backend, path=path, shown=str(path or "memory"))


def _postgresql(url: str) -> Address:
    """Parse the address of one or several PostgreSQL servers as libpq does."""
    import psycopg

    try:
        parsed = psycopg.pq.Conninfo.parse(url.encode())
    except psycopg.Error as error:
        # The message of libpq may contain the password.
        raise ValueError(_UNREADABLE) from error
    given = [(one.keyword.decode(), one.val.decode(), one.dispchar == b"*") for one in parsed if one.val is not None]
    shown = _shown({name: value for name, value, secret in given if not secret})
    options = {name: value for name, value, _ in given}
    if not all(port.isdecimal() for port in options.get("port", "").split(",") if port):
        raise ValueError(_UNREADABLE)
    return Address(sa.URL.create("postgresql+psycopg"), engine="postgresql", path=None, shown=shown, options=options)


def _shown(options: dict[str, str]) -> str:
    """A URL with some of the options."""
    user, name = (quote(options.pop(option, ""), safe="") for option in ("user", "dbname"))
    hosts, ports = (options.pop(option, "").split(",") for option in ("host", "port"))
    named = [f"[{host}]" if ":" in host else quote(host, safe="") for host in hosts]
    # A single port applies to all hosts.
    numbered = zip(named, ports * len(hosts), strict=False)
    servers = ",".join(f"{host}:{port}" if port else host for host, port in numbered)
    query = urlencode(options, quote_via=quote)
    return f"postgresql://{user and user + '@'}{servers}/{name}{query and '?' + query}"
