"""SQLite: sessions of threads, group commit, the write queue."""
