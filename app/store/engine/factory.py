"""The choice of the engine and its optimizations."""

from app.store.engine.address import address_of
from app.store.engine.database import Database

# The minimum size of the pool with a pipeline.
_PIPELINED = 6


def open_database(url: str, pool_size: int = 10) -> Database:
    """Create the database of a URL. It connects on first use.

    :param url: as a URL of SQLAlchemy: `sqlite:///PATH` or `postgresql://...`
    :param pool_size: the maximum number of connections of this process to PostgreSQL
    :raises ValueError: the URL is invalid, or names another kind of database
    :raises Unavailable: the folder or file can't be created
    """
    address = address_of(url)
    # A server does not need the modules and the driver of the other engine.
    if address.engine == "sqlite":
        from app.store.engine.sqlite.grouped_database import GroupedDatabase

        return GroupedDatabase(address)
    if pool_size < _PIPELINED:
        from app.store.engine.postgresql.database import PostgreSQLDatabase

        return PostgreSQLDatabase(address, pool_size)
    from app.store.engine.postgresql.pipelined_database import PipelinedDatabase

    return PipelinedDatabase(address, pool_size)
