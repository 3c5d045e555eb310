"""Applications as targets of policy bindings."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_TABLE, _COLUMN = "policy_bindings", "application"


def upgrade() -> None:
    """Allow bindings to an application instead of a flow or a stage binding."""
    if op.get_bind().dialect.name == "sqlite":
        # Alembic can't add a column with a foreign key on SQLite.
        op.execute(
            f"ALTER TABLE {_TABLE} ADD COLUMN {_COLUMN} TEXT"
            f" CONSTRAINT fk_{_TABLE}_{_COLUMN} REFERENCES objects (pk) ON DELETE CASCADE"
        )
    else:
        text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
        op.add_column(_TABLE, sa.Column(_COLUMN, text))
        op.create_foreign_key(f"fk_{_TABLE}_{_COLUMN}", _TABLE, "objects", [_COLUMN], ["pk"], ondelete="CASCADE")
    op.create_index(f"ix_{_TABLE}_{_COLUMN}_order", _TABLE, [_COLUMN, "order", "pk"])
    op.create_index(f"uq_{_TABLE}_policy_{_COLUMN}_order", _TABLE, ["policy", _COLUMN, "order"], unique=True)
