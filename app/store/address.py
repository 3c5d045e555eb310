"""Where the database is."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is.

    :param url: as SQLAlchemy has it
    :param embedded: whether this process is the database, with SQLite
    :param path: the file of an embedded one; None if it is kept in memory
    """

    url: sa.URL
    embedded: bool
    path: Path | None

    def __str__(self) -> str:
        """What people are told of it: no password."""
        if self.embedded:
            return str(self.path or "memory")
        url = self.url
        query = {name: value for name, value in url.query.items() if name != "password"}
        shown = sa.URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
        return shown.render_as_string()


def address_of(url: str) -> Address:
    """The address that a setting gives: `sqlite:///PATH` or `postgresql://...`.

    :raises ValueError: it is no URL, or of another kind of database
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ValueError("That is no URL of a database: give sqlite:///PATH or postgresql://...") from error
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ValueError(f"The database {backend!r} is not supported: use sqlite or postgresql.")
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    embedded = backend == "sqlite"
    path = Path(parsed.database) if embedded and parsed.database and parsed.database != ":memory:" else None
    return Address(parsed, embedded, path)
