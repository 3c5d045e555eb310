"""What PostgreSQL has of its own: prepared statements, sessions, pipelined connections."""
