"""The choice of the engine, and of what it has for speed."""

from app.store.engine.address import address_of
from app.store.engine.database import Database

# From so many connections on, some of them are for a pipeline.
_PIPELINED = 6


def open_database(url: str, pool_size: int = 10) -> Database:
    """The database of a URL. It connects when it is first used.

    :param url: as SQLAlchemy has it: `sqlite:///PATH` or `postgresql://...`
    :param pool_size: the most connections of this process to PostgreSQL
    :raises ValueError: the URL is invalid, or of another kind of database
    :raises Unavailable: there is no place for a file
    """
    address = address_of(url)
    # A server has no use for the other engine's modules, and for its driver.
    if address.engine == "sqlite":
        from app.store.engine.sqlite.grouped_database import GroupedDatabase

        return GroupedDatabase(address)
    if pool_size < _PIPELINED:
        from app.store.engine.postgresql.database import PostgreSQLDatabase

        return PostgreSQLDatabase(address, pool_size)
    from app.store.engine.postgresql.pipelined_database import PipelinedDatabase

    return PipelinedDatabase(address, pool_size)
