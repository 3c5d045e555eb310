"""What a setting says of where the database is."""

import contextlib

import pytest
import sqlalchemy as sa

from app.store.engine.address import address_of
from app.store.engine.factory import open_database

SEVERAL = "postgresql://flows:s%40cret@a.example:5432,[::1]:5433/flows?target_session_attrs=read-write"


@pytest.mark.parametrize(
    ("url", "options", "shown"),
    [
        (
            SEVERAL,
            {"host": "a.example,::1", "port": "5432,5433", "password": "s@cret", "target_session_attrs": "read-write"},
            "postgresql://flows@a.example:5432,[::1]:5433/flows?target_session_attrs=read-write",
        ),
        ("postgresql://flows@a,b/flows?port=1", {"host": "a,b", "port": "1"}, "postgresql://flows@a:1,b:1/flows"),
        ("postgresql+psycopg://flows@/flows?host=/run", {"host": "/run"}, "postgresql://flows@%2Frun/flows"),
        ("postgres://flows@a/flows", {"host": "a"}, "postgresql://flows@a/flows"),
        (
            "postgresql://flows@a/flows?sslpassword=secret&options=-c%20b%3Dc",
            {"host": "a", "sslpassword": "secret", "options": "-c b=c"},
            "postgresql://flows@a/flows?options=-c%20b%3Dc",
        ),
    ],
)
def test_an_address_is_read_as_postgresql_does_and_shown_without_secrets(url, options, shown):
    address = address_of(url)
    assert (address.engine, address.path, str(address)) == ("postgresql", None, shown)
    assert address.options == {"user": "flows", "dbname": "flows"} | options
    # Whoever is told of it can use it.
    assert address_of(shown).shown == shown


@pytest.mark.parametrize(
    "wrong", ["s cret@a/flows", "s%zzcret@a/flows", "secret@a:1,b:x/flows", "secret@a/flows?sslmoed=require"]
)
def test_an_address_that_postgresql_does_not_take_is_refused_without_naming_the_password(wrong):
    with pytest.raises(ValueError, match="PostgreSQL can't read that URL") as caught:
        address_of(f"postgresql://flows:{wrong}")
    assert "cret" not in str(caught.value)


@pytest.mark.postgresql
def test_what_the_url_says_of_connections_wins(postgresql_url):
    def told(url, name):
        with contextlib.closing(open_database(url)) as database, database.read() as session:
            return session.row(database.compile(sa.text(f"SELECT current_setting('{name}')")))[0]

    assert told(postgresql_url, "statement_timeout") == "15s"
    given = f"{postgresql_url}&options=-c%20statement_timeout%3D3s%20-c%20work_mem%3D5MB"
    assert told(given, "statement_timeout") == "3s"
    assert told(given, "work_mem") == "5MB"
