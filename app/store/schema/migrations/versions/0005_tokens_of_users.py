"""Properties of tokens in the API, and their users."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add columns. Tokens stay valid; the server assigns a user to tokens without one after the migration."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    # SQLite recreates the table, as it can't add a constraint.
    with op.batch_alter_table("tokens") as table:
        table.add_column(sa.Column("pk", text))
        table.add_column(sa.Column("user", text))
        table.add_column(sa.Column("intent", text, nullable=False, server_default=sa.text("'api'")))
        table.add_column(sa.Column("description", text, nullable=False, server_default=sa.text("''")))
        table.add_column(sa.Column("managed", text))
        table.add_column(sa.Column("expiring", sa.Boolean()))
        table.create_foreign_key("fk_tokens_user", "objects", ["user"], ["pk"], ondelete="CASCADE")
    op.create_index("ix_tokens_user", "tokens", ["user"])
