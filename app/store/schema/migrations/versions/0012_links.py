"""Links in e-mails: the state of the user that each was made for, and how many a user has asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column and the table. Earlier links end: it is not known what the user was like."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("flow_tokens", sa.Column("user_state", text, nullable=False, server_default=sa.text("''")))
    op.create_table(
        "mail_requests",
        sa.Column("pk", text, nullable=False),
        sa.Column("address", text, nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_mail_requests"),
    )
    op.create_index("ix_mail_requests_address", "mail_requests", ["address"])
    op.create_index("ix_mail_requests_expires", "mail_requests", ["expires"])
