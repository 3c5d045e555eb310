"""Helpers for tests that need the server: `Server` runs it, `Flows` sends requests to it.

With pytest, the fixtures `flows` and `flows_server` do all of this.
"""

from flows_server.testing.client import Flows, Mail
from flows_server.testing.server import Server, ServerError

__all__ = ["Flows", "Mail", "Server", "ServerError"]
