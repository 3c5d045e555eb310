"""Alembic's entry: run the migrations on the connection that `app.store.upkeep.migration` gives."""

from alembic import context

from app.store.schema.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # The caller begins and ends the transaction.
    transactional_ddl=False,
)
context.run_migrations()
