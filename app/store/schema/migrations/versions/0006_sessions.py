"""Sessions, and the key that signs their cookies."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table of sessions, and a signing key."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "sessions",
        sa.Column("digest", text, nullable=False),
        sa.Column("uuid", text, nullable=False),
        sa.Column("user", text),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("lifetime", sa.BigInteger(), nullable=False),
        sa.Column("address", text, nullable=False),
        sa.Column("agent", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        sa.UniqueConstraint("uuid", name="uq_sessions_uuid"),
        sa.ForeignKeyConstraint(["user"], ["objects.pk"], name="fk_sessions_user", ondelete="CASCADE"),
    )
    op.create_index("ix_sessions_user", "sessions", ["user"])
    op.create_index("ix_sessions_expires", "sessions", ["expires"])
    kept = sa.table("store_properties", sa.column("name", sa.Text()), sa.column("value", sa.Text()))
    op.bulk_insert(kept, [{"name": "session_key", "value": secrets.token_hex(32)}])
