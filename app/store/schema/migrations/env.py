"""The entry point of Alembic: migrate on the connection from `app.store.upkeep.migration`."""

from alembic import context

from app.store.schema.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # The caller begins and ends the transaction.
    transactional_ddl=False,
)
context.run_migrations()
