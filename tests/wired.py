"""A connection without a network, on which segments come exactly as they are sent."""

import asyncio
import json
import re

import uvicorn
from uvicorn.server import ServerState

from app.server.protocol import Protocol

# Bytes that uvloop reads at once.
READ = 256 * 1024
# Turns of the loop without anything new, after which nothing new comes.
QUIET = 10


class Transport:
    """A connection as the server's side has it."""

    def __init__(self, *, takes=True):
        self.written, self.eof = bytearray(), False
        self.closed, self.paused = False, False
        self.protocol = None
        self._takes = takes

    def write(self, data):
        assert not self.closed
        assert not self.eof
        self.written += data
        if not self._takes and data:
            self._takes = True
            self.protocol.pause_writing()

    def take(self):
        """Let the client take in what it was sent."""
        self.protocol.resume_writing()

    def write_eof(self):
        self.eof = True

    def close(self):
        self.closed = True

    abort = close

    def is_closing(self):
        return self.closed

    def get_write_buffer_size(self):
        return 0

    def get_extra_info(self, _name):
        return None

    def set_protocol(self, protocol):
        self.protocol = protocol

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False


class Connection:
    """A connection to an application.

    :param takes: whether the client takes in the first response; it has to be told to, otherwise
    """

    def __init__(self, app, *, takes=True):
        config = uvicorn.Config(app, access_log=False, ws="none", interface="asgi3")
        config.load()
        self.protocol = Protocol(config, ServerState(), {}, _loop=asyncio.get_running_loop())
        self.transport = Transport(takes=takes)
        self.transport.set_protocol(self.protocol)
        self.protocol.connection_made(self.transport)
        self._segments = []

    async def send(self, *segments, eof=False):
        """Send segments, and wait until nothing happens any more."""
        for segment in segments:
            self._segments += [segment[start : start + READ] for start in range(0, len(segment), READ)]
        quiet = 0
        while quiet < QUIET:
            before = len(self.transport.written), len(self._segments)
            if self._segments and not self.transport.paused and not self.transport.closed:
                self.transport.protocol.data_received(self._segments.pop(0))
            elif eof and not self._segments and not self.transport.paused and not self.transport.closed:
                eof = False
                if not self.transport.protocol.eof_received():
                    self.transport.close()
            await asyncio.sleep(0)
            quiet = 0 if before != (len(self.transport.written), len(self._segments)) else quiet + 1

    @property
    def received(self):
        return bytes(self.transport.written)

    @property
    def ended(self):
        """Whether the server sends nothing any more."""
        return self.transport.closed or self.transport.eof

    def lose(self):
        """End the connection for good."""
        self.protocol.connection_lost(None)


def exchange(app, *segments, eof=False):
    """Send segments on a connection. :returns: what came, and whether the server ended the connection"""

    async def main():
        connection = Connection(app)
        await connection.send(*segments, eof=eof)
        result = connection.received, connection.ended
        connection.lose()
        return result

    return asyncio.run(main())


async def echo(scope, receive, send):
    """An application that tells what it was asked."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "version": scope["http_version"],
        "fields": sorted([name.decode(), value.decode("latin-1")] for name, value in scope["headers"]),
        "body": body.decode("latin-1"),
    }
    content = json.dumps(seen).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
    await send({"type": "http.response.body", "body": content})


def statuses(received):
    """The statuses of the responses in what came."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def bodies(received):
    """The JSON of the responses in what came."""
    found, position = [], 0
    while position < len(received):
        end = received.index(b"\r\n\r\n", position) + 4
        head = received[position:end]
        position = end
        if not head.startswith(b"HTTP/1.1 100"):
            position += int(re.search(rb"content-length: (\d+)", head)[1])
            found.append(json.loads(received[end:position]))
    return found
