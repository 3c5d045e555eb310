"""Clients that come at once are let in at once, however busy the server is."""

import asyncio
import contextlib
import socket
import threading

import uvicorn

from app.server.protocol import Protocol
from app.server.worker import CrowdServer
from tests.serving import DEADLINE, wait_for

CLIENTS = 64
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_crowd_at_the_port_is_let_in_within_few_turns_of_the_loop():
    turns, begun, all_are_there, served_in = 0, threading.Event(), threading.Event(), []

    def count():
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(count)

    async def app(scope, _receive, send):
        if not begun.is_set():
            # Holds the loop up until the crowd waits at the port.
            begun.set()
            assert all_are_there.wait(DEADLINE)
            count()
        served_in.append(turns)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2 * CLIENTS))
        listener.setblocking(False)
        config = uvicorn.Config(
            app, loop="uvloop", http=Protocol, ws="none", lifespan="off", access_log=False, log_level="error"
        )
        server = CrowdServer(config, lambda: None)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        stack.callback(thread.join, DEADLINE)
        stack.callback(setattr, server, "should_exit", True)
        wait_for(lambda: server.started, "the start of the server")

        def ask():
            client = stack.enter_context(socket.create_connection(listener.getsockname(), DEADLINE))
            client.sendall(REQUEST)
            return client

        first = ask()
        assert begun.wait(DEADLINE)
        crowd = [ask() for _ in range(CLIENTS)]
        all_are_there.set()
        # Connections have it of the socket that they come in by; Linux counts double.
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * 64 * 1024
        for client in (first, *crowd):
            assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert max(served_in) < CLIENTS / 4
