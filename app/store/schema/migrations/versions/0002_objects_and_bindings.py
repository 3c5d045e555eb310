"""Stages, policies, prompts, their bindings, and uploaded files."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SQLITE_TRIGGERS = """
CREATE TRIGGER {table}_added AFTER INSERT ON {table} BEGIN {keep} END

CREATE TRIGGER {table}_removed AFTER DELETE ON {table} BEGIN {keep_old} END

CREATE TRIGGER {table}_changed AFTER UPDATE OF {flow}, {bound}, "order" ON {table} BEGIN {keep_old} {keep} END
"""
_SQLITE_KEEP = """
UPDATE flows SET {member} = coalesce(
    (SELECT group_concat({bound}, ' ')
     FROM (SELECT {bound} FROM {table} WHERE {flow} = {row}.{flow} ORDER BY "order", pk)), '')
WHERE pk = {row}.{flow};
"""

# The flow is locked first, so that the next statement sees concurrent bindings: the last transaction writes the whole list.
_POSTGRESQL_TRIGGERS = """
CREATE FUNCTION keep_{member}(bound_to text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM flows WHERE pk = bound_to FOR NO KEY UPDATE;
    UPDATE flows SET {member} = coalesce(
        (SELECT string_agg({bound}, ' ' ORDER BY "order", pk) FROM {table} WHERE {flow} = bound_to), '')
    WHERE pk = bound_to;
END
$$

CREATE FUNCTION {table}_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM keep_{member}(OLD.{flow});
    END IF;
    IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.{flow} IS DISTINCT FROM OLD.{flow}) THEN
        PERFORM keep_{member}(NEW.{flow});
    END IF;
    RETURN NULL;
END
$$

CREATE TRIGGER {table}_changed AFTER INSERT OR DELETE OR UPDATE OF {flow}, {bound}, "order" ON {table}
FOR EACH ROW EXECUTE FUNCTION {table}_changed()
"""
_KEPT = (
    {"member": "stages", "table": "stage_bindings", "flow": "target", "bound": "stage"},
    {"member": "policies", "table": "policy_bindings", "flow": "flow", "bound": "policy"},
)


def upgrade() -> None:
    """Create the tables, and the triggers that maintain `flows.stages` and `flows.policies`."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    for name in ("stages", "policies"):
        op.add_column("flows", sa.Column(name, text, nullable=False, server_default=sa.text("''")))
    op.create_table(
        "objects",
        sa.Column("pk", text, nullable=False),
        sa.Column("collection", text, nullable=False),
        sa.Column("model", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("members", text, nullable=False),
        sa.Column("search", text, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_objects"),
        sa.UniqueConstraint("collection", "name", name="uq_objects_collection_name"),
    )
    op.create_table(
        "object_references",
        sa.Column("owner", text, nullable=False),
        sa.Column("member", text, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("object", text),
        sa.Column("flow", text),
        sa.PrimaryKeyConstraint("owner", "member", "position", name="pk_object_references"),
        sa.ForeignKeyConstraint(["owner"], ["objects.pk"], name="fk_object_references_owner", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object"], ["objects.pk"], name="fk_object_references_object", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["flow"], ["flows.pk"], name="fk_object_references_flow", ondelete="CASCADE"),
    )
    op.create_index("ix_object_references_object", "object_references", ["object"])
    op.create_index("ix_object_references_flow", "object_references", ["flow"])
    op.create_table(
        "stage_bindings",
        sa.Column("pk", text, nullable=False),
        sa.Column("policybindingmodel_ptr_id", text, nullable=False),
        sa.Column("target", text, nullable=False),
        sa.Column("stage", text, nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("evaluate_on_plan", sa.Boolean(), nullable=False),
        sa.Column("re_evaluate_policies", sa.Boolean(), nullable=False),
        sa.Column("policy_engine_mode", text, nullable=False),
        sa.Column("invalid_response_action", text, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_stage_bindings"),
        sa.UniqueConstraint("policybindingmodel_ptr_id", name="uq_stage_bindings_policybindingmodel_ptr_id"),
        sa.UniqueConstraint("target", "stage", "order", name="uq_stage_bindings_target_stage_order"),
        sa.ForeignKeyConstraint(["target"], ["flows.pk"], name="fk_stage_bindings_target", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["stage"], ["objects.pk"], name="fk_stage_bindings_stage", ondelete="CASCADE"),
    )
    op.create_index("ix_stage_bindings_target_order", "stage_bindings", ["target", "order", "pk"])
    op.create_index("ix_stage_bindings_stage", "stage_bindings", ["stage"])
    op.create_table(
        "policy_bindings",
        sa.Column("pk", text, nullable=False),
        sa.Column("policy", text, nullable=False),
        sa.Column("flow", text),
        sa.Column("stage_binding", text),
        sa.Column("negate", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("timeout", sa.Integer(), nullable=False),
        sa.Column("failure_result", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_policy_bindings"),
        sa.UniqueConstraint("policy", "flow", "order", name="uq_policy_bindings_policy_flow_order"),
        sa.UniqueConstraint("policy", "stage_binding", "order", name="uq_policy_bindings_policy_stage_binding_order"),
        sa.ForeignKeyConstraint(["policy"], ["objects.pk"], name="fk_policy_bindings_policy", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["flow"], ["flows.pk"], name="fk_policy_bindings_flow", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["stage_binding"], ["stage_bindings.pk"], name="fk_policy_bindings_stage_binding", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_policy_bindings_policy", "policy_bindings", ["policy"])
    op.create_index("ix_policy_bindings_flow_order", "policy_bindings", ["flow", "order", "pk"])
    op.create_index("ix_policy_bindings_stage_binding_order", "policy_bindings", ["stage_binding", "order", "pk"])
    op.create_table(
        "files",
        sa.Column("path", text, nullable=False),
        sa.Column("flow", text, nullable=False),
        sa.Column("media_type", text, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_files"),
        sa.ForeignKeyConstraint(["flow"], ["flows.pk"], name="fk_files_flow", ondelete="CASCADE"),
    )
    op.create_index("ix_files_flow", "files", ["flow"])
    embedded = op.get_bind().dialect.name == "sqlite"
    for names in _KEPT:
        if embedded:
            keep, keep_old = (_SQLITE_KEEP.format(**names, row=row) for row in ("new", "old"))
            script = _SQLITE_TRIGGERS.format(**names, keep=keep, keep_old=keep_old)
        else:
            script = _POSTGRESQL_TRIGGERS.format(**names)
        # An empty line ends a statement.
        for statement in script.strip().split("\n\n"):
            op.get_bind().exec_driver_sql(statement)
