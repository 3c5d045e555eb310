"""A client that looks at each answer for what no attack may leave there, and what is stored."""

import re

import sqlalchemy as sa

from app.conformance.raw_http import RawResponse
from app.store.schema.tables import metadata, properties
from tests.asgi import Client

# What an answer may tell in its head. None of it is ever a text of a client.
HEADERS = {
    "accept-ranges", "allow", "cache-control", "content-disposition", "content-length", "content-security-policy", "content-type",
    "date", "etag", "last-modified", "referrer-policy", "set-cookie", "vary", "x-authentik-id", "x-content-type-options",
    "x-contract-rule", "x-contract-version", "x-frame-options",
}  # fmt: skip


REPEATED = {"set-cookie", "vary"}
"""The headers that an answer may have several times (RFC 9110, section 5.2; RFC 6265, section 3)."""


class Watched(Client):
    """Sends requests, and fails if an answer is a failure of the server, or its head has anything strange.

    :param client: whose application and token it takes
    """

    def __init__(self, client):
        super().__init__(client.app, client.token)
        self.store = client.store

    async def _send(self, *request):
        start, *rest = await self._exchange(*request)
        headers = check_head(start["status"], start["headers"])
        return RawResponse(start["status"], headers, b"".join(message.get("body", b"") for message in rest))


def check_head(status, headers):
    """Fail if the head of an answer has anything strange. :returns: its headers, as text"""
    assert status < 500
    found = {}
    for name, value in headers:
        assert re.fullmatch(rb"[ -~]*", value), (name, value)
        assert b"planted" not in value.lower(), (name, value)
        assert name.decode().lower() not in found.keys() - REPEATED, name
        found[name.decode().lower()] = value.decode()
    # A page without its slash leads to the page, wherever the server is reached.
    if location := found.get("location"):
        # So does a stage that is done to the executor of its flow.
        assert status in (302, 308)
        assert re.fullmatch(r"(/[a-z]+)+/|/api/v3/flows/executor/[-\w]+/(\?[!-~]*)?", location), location
    assert found.keys() <= {*HEADERS, "location"}, found.keys() - HEADERS
    assert found["x-content-type-options"] == "nosniff"
    return found


def stored(store):
    """All that is stored, by table, without the last number of a user: no number is given twice."""
    database = store.database
    statements = {table.name: sa.select(table) for table in metadata.sorted_tables} | {
        properties.name: sa.select(properties).where(properties.c.name != "last_number")
    }
    with database.read() as session:
        return {
            name: sorted(map(repr, session.rows(database.compile(statement)))) for name, statement in statements.items()
        }
