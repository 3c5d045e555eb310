"""Flows, tokens, and metadata of the store."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first tables."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "flows",
        sa.Column("pk", text, nullable=False),
        sa.Column("policybindingmodel_ptr_id", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("slug", text, nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("designation", text, nullable=False),
        sa.Column("background", text, nullable=False),
        sa.Column("policy_engine_mode", text, nullable=False),
        sa.Column("compatibility_mode", sa.Boolean(), nullable=False),
        sa.Column("layout", text, nullable=False),
        sa.Column("denied_action", text, nullable=False),
        sa.Column("authentication", text, nullable=False),
        sa.Column("search", text, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_flows"),
        sa.UniqueConstraint("policybindingmodel_ptr_id", name="uq_flows_policybindingmodel_ptr_id"),
        sa.UniqueConstraint("slug", name="uq_flows_slug"),
    )
    op.create_index("ix_flows_name", "flows", ["name"])
    op.create_index("ix_flows_designation", "flows", ["designation", "slug"])
    op.create_table(
        "tokens",
        sa.Column("name", text, nullable=False),
        sa.Column("digest", text, nullable=False),
        sa.Column("superuser", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("permissions", text, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tokens"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
    )
    op.create_table(
        "store_properties",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_store_properties"),
    )
