"""PostgreSQL: prepared statements, sessions, pipelined connections."""
