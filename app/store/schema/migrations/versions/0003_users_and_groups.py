"""Passwords, and integer keys of users."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table of passwords, and the counter of user keys."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "passwords",
        sa.Column("user", text, nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.PrimaryKeyConstraint("user", name="pk_passwords"),
        sa.ForeignKeyConstraint(["user"], ["objects.pk"], name="fk_passwords_user", ondelete="CASCADE"),
    )
    op.execute("INSERT INTO store_properties (name, value) VALUES ('last_number', '0')")
