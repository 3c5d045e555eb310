"""What the API shows of tokens, and their users."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# Alembic adds the constraint by a statement of its own, which SQLite does not have.
_USER = """
ALTER TABLE tokens ADD COLUMN "user" TEXT {collation} CONSTRAINT fk_tokens_user REFERENCES objects (pk) ON DELETE CASCADE
"""


def upgrade() -> None:
    """Add columns. Tokens stay valid; the server gives those of no user one when it has migrated."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("tokens", sa.Column("pk", text))
    op.execute(_USER.format(collation="" if op.get_bind().dialect.name == "sqlite" else 'COLLATE "C"'))
    op.add_column("tokens", sa.Column("intent", text, nullable=False, server_default=sa.text("'api'")))
    op.add_column("tokens", sa.Column("description", text, nullable=False, server_default=sa.text("''")))
    op.add_column("tokens", sa.Column("managed", text))
    op.add_column("tokens", sa.Column("expiring", sa.Boolean()))
    op.create_index("ix_tokens_user", "tokens", ["user"])
