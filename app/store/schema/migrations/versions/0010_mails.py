"""E-mails, and the plans that links in them restore."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the tables of e-mails and of restorable plans."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "mails",
        sa.Column("pk", text, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("stage", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("address", text, nullable=False),
        sa.Column("subject", text, nullable=False),
        sa.Column("plain", text, nullable=False),
        sa.Column("html", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_mails"),
    )
    op.create_index("ix_mails_created", "mails", ["created"])
    op.create_table(
        "flow_tokens",
        sa.Column("digest", text, nullable=False),
        sa.Column("flow", text, nullable=False),
        sa.Column("user", text, nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("plan", text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_flow_tokens"),
        sa.ForeignKeyConstraint(["flow"], ["flows.pk"], name="fk_flow_tokens_flow", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user"], ["objects.pk"], name="fk_flow_tokens_user", ondelete="CASCADE"),
    )
    op.create_index("ix_flow_tokens_flow", "flow_tokens", ["flow"])
    op.create_index("ix_flow_tokens_user", "flow_tokens", ["user"])
    op.create_index("ix_flow_tokens_expires", "flow_tokens", ["expires"])
