"""ASGI middleware in front of the whole server, for settings that most servers do not use."""
