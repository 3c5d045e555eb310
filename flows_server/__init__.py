"""The installed server: its command, a pytest plugin, and helpers for tests. Nothing here imports the server itself."""
