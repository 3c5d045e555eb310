"""The times at which passwords were set."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add a column. It stays empty for passwords that there are: when they were set is not known."""
    op.add_column("passwords", sa.Column("changed", sa.BigInteger()))
