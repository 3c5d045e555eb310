"""The engine: connections, sessions and transactions, on SQLite or PostgreSQL."""
