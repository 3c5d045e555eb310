"""Triggers that maintain the lists of bound objects in `flows`. A new database gets these, an older one those of its migrations."""

from sqlalchemy import DDL, Table, event

from app.store.schema.tables import policy_bindings, stage_bindings

_SQLITE = (
    "CREATE TRIGGER {table}_added AFTER INSERT ON {table} BEGIN {list_new} END",
    "CREATE TRIGGER {table}_removed AFTER DELETE ON {table} BEGIN {list_old} END",
    'CREATE TRIGGER {table}_changed AFTER UPDATE OF {flow}, {bound}, "order" ON {table} BEGIN {list_old} {list_new} END',
)
_SQLITE_LIST = """
UPDATE flows SET {column} = coalesce(
    (SELECT group_concat({bound}, ' ')
     FROM (SELECT {bound} FROM {table} WHERE {flow} = {row}.{flow} ORDER BY "order", pk)), '')
WHERE pk = {row}.{flow};
"""

# The flow is locked first, so that the next statement sees concurrent bindings: the last transaction writes the whole list.
_POSTGRESQL = (
    """
CREATE FUNCTION keep_{column}(bound_to text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM flows WHERE pk = bound_to FOR NO KEY UPDATE;
    UPDATE flows SET {column} = coalesce(
        (SELECT string_agg({bound}, ' ' ORDER BY "order", pk) FROM {table} WHERE {flow} = bound_to), '')
    WHERE pk = bound_to;
END
$$
""",
    """
CREATE FUNCTION {table}_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM keep_{column}(OLD.{flow});
    END IF;
    IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.{flow} IS DISTINCT FROM OLD.{flow}) THEN
        PERFORM keep_{column}(NEW.{flow});
    END IF;
    RETURN NULL;
END
$$
""",
    """
CREATE TRIGGER {table}_changed AFTER INSERT OR DELETE OR UPDATE OF {flow}, {bound}, "order" ON {table}
FOR EACH ROW EXECUTE FUNCTION {table}_changed()
""",
)


def _attach(table: Table, *, column: str, flow: str, bound: str) -> None:
    """Create the triggers of a table of bindings together with it.

    :param column: the list in `flows`
    :param flow: the column of the flow
    :param bound: the column of the bound object
    """
    names = {"table": table.name, "column": column, "flow": flow, "bound": bound}
    rows = {f"list_{row}": _SQLITE_LIST.format(**names, row=row) for row in ("new", "old")}
    for dialect, statements in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL)):
        for statement in statements:
            ddl = DDL(statement.format(**names, **rows))  # type: ignore[no-untyped-call]  # of SQLAlchemy
            event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


_attach(stage_bindings, column="stages", flow="target", bound="stage")
_attach(policy_bindings, column="policies", flow="flow", bound="policy")
