"""Looking after a store: migrations, backups, snapshots, checks."""
