"""Maintenance of a store: migrations, backups, snapshots, checks."""
