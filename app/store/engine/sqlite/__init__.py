"""What SQLite has of its own: the sessions of threads, commits that are shared, writers in a queue."""
