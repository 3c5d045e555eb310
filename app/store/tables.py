"""The tables, declared once. Alembic's migrations lead to them; a test compares the two.

Types are plain on purpose: an answer is made from text, numbers and booleans, with nothing to convert. What a member may hold is
the contract's business; a column only keeps it.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text() -> Text:
    """Text that compares by code point on both databases (SQLite does by itself)."""
    return Text().with_variant(Text(collation="C"), "postgresql")


# The columns carry the contract's names, so that a filter on a member is a filter on its column.
flows = Table(
    "flows",
    metadata,
    Column("pk", text(), primary_key=True),
    Column("policybindingmodel_ptr_id", text(), nullable=False, unique=True),
    Column("name", text(), nullable=False),
    Column("slug", text(), nullable=False, unique=True),
    Column("title", text(), nullable=False),
    Column("designation", text(), nullable=False),
    Column("background", text(), nullable=False),
    Column("policy_engine_mode", text(), nullable=False),
    Column("compatibility_mode", Boolean(), nullable=False),
    Column("layout", text(), nullable=False),
    Column("denied_action", text(), nullable=False),
    Column("authentication", text(), nullable=False),
    # The searched members, upper-cased and on a line each: see `search.py`.
    Column("search", text(), nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", text(), primary_key=True),
    # SHA-256 of the token, in hexadecimal: the token itself is stored nowhere.
    Column("digest", text(), nullable=False, unique=True),
    Column("superuser", Boolean(), nullable=False),
    Column("active", Boolean(), nullable=False),
    # Permissions, separated by spaces.
    Column("permissions", text(), nullable=False),
    # Seconds since 1970-01-01 UTC; 0 for a token that does not expire.
    Column("created", BigInteger(), nullable=False),
    Column("expires", BigInteger(), nullable=False),
)

# What the store knows of itself, such as the members that `flows.search` was made from.
properties = Table(
    "store_properties",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text(), nullable=False),
)

Index("ix_flows_name", flows.c.name)
Index("ix_flows_designation", flows.c.designation, flows.c.slug)
