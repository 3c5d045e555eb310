"""Devices by which users prove who they are."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table of devices."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "devices",
        sa.Column("pk", text, nullable=False),
        sa.Column("user", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("credential", text),
        sa.Column("data", text, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_devices"),
        sa.UniqueConstraint("user", "kind", "number", name="uq_devices_user_kind_number"),
        sa.UniqueConstraint("credential", name="uq_devices_credential"),
        sa.ForeignKeyConstraint(["user"], ["objects.pk"], name="fk_devices_user", ondelete="CASCADE"),
    )
