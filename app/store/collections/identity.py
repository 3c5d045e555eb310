"""Identifiers of new objects."""

import sqlalchemy as sa

from app import determinism
from app.store.engine.database import Database, Session
from app.store.queries.references import key_of
from app.store.schema.tables import LAST_NUMBER, properties

# The digit with the variant, by the random digit in its place: its two highest bits are 10.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def new_uuid() -> str:
    """A UUID as text, of version 4 like authentik's (RFC 9562, section 5.4), whose first 48 random bits are the milliseconds since
    1970, as in version 7 (section 5.7). Identifiers created at the same time are adjacent in each index, so that a commit writes
    few pages instead of one per object.
    """
    time = f"{int(determinism.now() * 1000):012x}"
    digits = determinism.identifying_bytes(10).hex()
    return f"{time[:8]}-{time[8:]}-4{digits[:3]}-{_VARIANT[digits[3]]}{digits[4:7]}-{digits[7:19]}"


class Numbers:
    """Integers as primary keys. Each is used only once, even after its object is deleted.

    :param database: stores the last one
    """

    def __init__(self, database: Database) -> None:
        value = properties.c.value
        following = sa.cast(sa.cast(value, sa.BigInteger) + 1, sa.Text)
        named = properties.c.name == sa.literal_column(f"'{LAST_NUMBER}'")
        self._advance = database.compile(sa.update(properties).where(named).values(value=following))
        self._last = database.compile(sa.select(value).where(named))

    def next(self, session: Session) -> str:
        """The next integer, as a stored key."""
        session.run(self._advance, {})
        ((last,),) = session.rows(self._last)
        return key_of(int(last))
