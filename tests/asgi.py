"""A client in this process: one request, one answer, no socket."""

import asyncio
import atexit
import threading
from urllib.parse import unquote

import orjson

from app.conformance.raw_http import RawClient, RawResponse

FLOWS = "/api/v3/flows/instances/"

# One event loop, as a server has: what an application keeps for its loop lasts from one request to the next.
_RUNNER = asyncio.Runner()
atexit.register(_RUNNER.close)


def client_loop(coroutine):
    """Run a coroutine to its end. Threads beside the main one have a loop for that only."""
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(coroutine)
    # `Runner.run` sets a signal handler each time, which takes a third of the time of a small request.
    return _RUNNER.get_loop().run_until_complete(coroutine)


class Client:
    """Sends requests straight to an ASGI application.

    :param app: the application
    :param token: the token of each request, none if empty
    """

    def __init__(self, app, token=""):
        self.app = app
        self.token = token

    def __call__(self, method, path, json=None, *, body=None, query="", headers=None, token=None):
        headers = dict(headers or {})
        token = self.token if token is None else token
        if token:
            headers.setdefault("authorization", f"Bearer {token}")
        if json is not None:
            body = orjson.dumps(json)
            headers.setdefault("content-type", "application/json")
        chunks = body if isinstance(body, list) else [body or b""]
        if not isinstance(body, list):
            headers.setdefault("content-length", str(len(body or b"")))
        path, _, inline = path.partition("?")
        return client_loop(self._send(method, path, query or inline, headers, chunks))

    def break_off(self, method, path, body, headers):
        """Send the beginning of a request, and go. :returns: what the application sends nevertheless"""
        headers = {"authorization": f"Bearer {self.token}", "content-length": str(2 * len(body))} | headers
        return client_loop(self._exchange(method, path, "", headers, [body], complete=False))

    async def _send(self, method, path, query, headers, chunks):
        start, *rest = await self._exchange(method, path, query, headers, chunks)
        headers = [(name.decode(), value.decode()) for name, value in start["headers"]]
        return RawResponse(
            start["status"],
            dict(headers),
            b"".join(message.get("body", b"") for message in rest),
            tuple(value for name, value in headers if name == "set-cookie"),
        )

    async def _exchange(self, method, path, query, headers, chunks, *, complete=True):
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        waiting = list(chunks)
        sent = []

        async def receive():
            if not waiting:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting) or not complete}

        async def send(message):
            sent.append(message)

        await self.app(scope, receive, send)
        return sent

    def get(self, path, **options):
        return self("GET", path, **options)

    def post(self, path, json=None, **options):
        return self("POST", path, json, **options)

    def put(self, path, json=None, **options):
        return self("PUT", path, json, **options)

    def patch(self, path, json=None, **options):
        return self("PATCH", path, json, **options)

    def delete(self, path, **options):
        return self("DELETE", path, **options)


class WireClient(Client):
    """Sends requests to a server.

    :param url: of the server
    :param token: the token of each request, none if empty
    """

    def __init__(self, url, token=""):
        super().__init__(None, token)
        self._wire = RawClient(url)

    async def _send(self, method, path, query, headers, chunks):
        target = f"{path}?{query}" if query else path
        return self._wire.send(method, target, list(headers.items()), b"".join(chunks))


def pipelined(client, *requests, token=None):
    """Send requests in one turn of the event loop: method, path, body. Answers in their order."""

    async def send():
        sent = []
        for method, path, body in requests:
            headers = {"authorization": f"Bearer {token or client.token}", "content-type": "application/json"}
            sent.append(client._send(method, path, "", headers, [orjson.dumps(body) if body is not None else b""]))
        return await asyncio.gather(*sent)

    return client_loop(send())
