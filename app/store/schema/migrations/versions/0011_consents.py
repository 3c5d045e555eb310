"""Consents that users have given to applications."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table of consents."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "consents",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("user", text, nullable=False),
        sa.Column("application", text, nullable=False),
        sa.Column("permissions", text, nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_consents"),
        sa.UniqueConstraint("user", "application", name="uq_consents_user_application"),
        sa.ForeignKeyConstraint(["user"], ["objects.pk"], name="fk_consents_user", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["application"], ["objects.pk"], name="fk_consents_application", ondelete="CASCADE"),
    )
    op.create_index("ix_consents_application", "consents", ["application"])
