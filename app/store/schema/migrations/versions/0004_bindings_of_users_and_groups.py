"""Bindings of users and groups, in addition to policies."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TRIGGERS = """
CREATE TRIGGER policy_bindings_added AFTER INSERT ON policy_bindings BEGIN {keep} END

CREATE TRIGGER policy_bindings_removed AFTER DELETE ON policy_bindings BEGIN {keep_old} END

CREATE TRIGGER policy_bindings_changed AFTER UPDATE OF flow, policy, "order" ON policy_bindings BEGIN {keep_old} {keep} END
"""
_KEEP = """
UPDATE flows SET policies = coalesce(
    (SELECT group_concat(policy, ' ')
     FROM (SELECT policy FROM policy_bindings WHERE flow = {row}.flow ORDER BY "order", pk)), '')
WHERE pk = {row}.flow;
"""
_KEPT = '"pk", "policy", "flow", "stage_binding", "negate", "enabled", "order", "timeout", "failure_result"'


def upgrade() -> None:
    """Allow bindings with a user or a group instead of a policy."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
    else:
        op.alter_column("policy_bindings", "policy", nullable=True)
        for name in ("user", "group"):
            op.add_column("policy_bindings", sa.Column(name, _text()))
            op.create_foreign_key(
                f"fk_policy_bindings_{name}", "policy_bindings", "objects", [name], ["pk"], ondelete="CASCADE"
            )
    for name in ("user", "group"):
        op.create_index(f"ix_policy_bindings_{name}", "policy_bindings", [name])


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _rebuild() -> None:
    """Recreate the table: SQLite can't drop a constraint. Its triggers are dropped with the old one."""
    new = "policy_bindings_new"

    def cascade(column: str, table: str) -> sa.ForeignKeyConstraint:
        name = f"fk_policy_bindings_{column}"
        return sa.ForeignKeyConstraint([column], [f"{table}.pk"], name=name, ondelete="CASCADE")

    op.create_table(
        new,
        sa.Column("pk", _text(), nullable=False),
        sa.Column("policy", _text()),
        sa.Column("user", _text()),
        sa.Column("group", _text()),
        sa.Column("flow", _text()),
        sa.Column("stage_binding", _text()),
        sa.Column("negate", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("timeout", sa.Integer(), nullable=False),
        sa.Column("failure_result", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_policy_bindings"),
        sa.UniqueConstraint("policy", "flow", "order", name="uq_policy_bindings_policy_flow_order"),
        sa.UniqueConstraint("policy", "stage_binding", "order", name="uq_policy_bindings_policy_stage_binding_order"),
        *(cascade(column, "objects") for column in ("policy", "user", "group")),
        cascade("flow", "flows"),
        cascade("stage_binding", "stage_bindings"),
    )
    op.execute(f"INSERT INTO {new} ({_KEPT}) SELECT {_KEPT} FROM policy_bindings")  # noqa: S608  # no client's text
    op.drop_table("policy_bindings")
    op.rename_table(new, "policy_bindings")
    op.create_index("ix_policy_bindings_policy", "policy_bindings", ["policy"])
    op.create_index("ix_policy_bindings_flow_order", "policy_bindings", ["flow", "order", "pk"])
    op.create_index("ix_policy_bindings_stage_binding_order", "policy_bindings", ["stage_binding", "order", "pk"])
    script = _TRIGGERS.format(keep=_KEEP.format(row="new"), keep_old=_KEEP.format(row="old"))
    for statement in script.strip().split("\n\n"):
        op.get_bind().exec_driver_sql(statement)
