"""Bodies are read of those who may send them, and only as many at once as there is room for."""

import asyncio
import contextlib
import socket

import orjson
import psutil
import pytest

from app.conformance.raw_http import RawClient
from app.server.exchange import MOST_SKIPPED
from tests.asgi import FLOWS, Client, client_loop
from tests.conftest import application, client_of, database_at
from tests.forms import form
from tests.serving import served, wait_for

LIMIT = 300_000
ROOM = 500_000
JSON = {"content-type": "application/json"}
STAGES = "/api/v3/stages/dummy/"
NOTHING_SENT = [
    ("POST", FLOWS, "", 403),
    ("POST", FLOWS, "wrong", 403),
    ("POST", FLOWS, "viewer", 403),
    ("PATCH", FLOWS + "a/", "viewer", 403),
    ("PATCH", FLOWS + "none/", "viewer", 404),
    ("PATCH", FLOWS + "none/", "", 403),
    ("POST", STAGES, "viewer", 403),
    ("POST", FLOWS + "a/set_background/", "viewer", 403),
    ("POST", FLOWS + "import/", "", 403),
    ("PATCH", STAGES + "none/", "root", 404),
    ("DELETE", FLOWS, "root", 405),
    ("POST", "/", "", 405),
    ("POST", "/nowhere/", "", 404),
    ("GET", "/-/health/live/", "", 200),
    ("GET", FLOWS, "root", 200),
]


@pytest.fixture(scope="module")
def made(engine, contract, tmp_path_factory, request):
    """A store on each engine and an application on it, with small limits."""
    for url in database_at(engine, tmp_path_factory.mktemp("store"), request):
        with application(url, contract, body_limit=LIMIT, bodies_limit=ROOM) as made:
            yield made


@pytest.fixture
def client(made, make_flow):
    """A client of the application; there is a flow, and a token that may look at flows only."""
    client = client_of(*made)
    client.store.tokens.add("viewer", permissions=["authentik_flows.view_flow"], secret="viewer")
    assert client.post(FLOWS, make_flow(slug="a")).status == 201
    return client


class Upload:
    """A request whose body comes piece by piece, within a running event loop."""

    def __init__(self, client, method, path, headers=(), token="root"):
        self._pieces = asyncio.Queue()
        self._wanted = asyncio.Event()
        self._client = Client(self._app, token)
        self._real = client.app
        headers = {"authorization": f"Bearer {token}", **JSON, **dict(headers)}
        self.response = asyncio.ensure_future(self._client._send(method, path, "", headers, [b""]))

    async def _app(self, scope, _receive, send):
        await self._real(scope, self._receive, send)

    async def _receive(self):
        self._wanted.set()
        body, more = await self._pieces.get()
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(self, body, *, more=True):
        """Send a piece, and wait until it is taken."""
        await self._wanted.wait()
        self._wanted.clear()
        await self._pieces.put((body, more))
        if more:
            await self._wanted.wait()


def whole_flow(make_flow, size=0, **properties):
    return orjson.dumps(make_flow(**properties)) + b" " * size


@pytest.mark.parametrize(("method", "path", "token", "status"), NOTHING_SENT)
@pytest.mark.parametrize("headers", [{"content-length": "100"}, {"content-length": "1000000"}, {}])
def test_who_may_not_send_a_body_is_answered_without_it(client, method, path, token, status, headers):
    async def run():
        upload = Upload(client, method, path, headers, token)
        response = await asyncio.wait_for(upload.response, 20)
        return response, upload._wanted.is_set()

    response, asked_for_a_body = client_loop(run())
    assert (response.status, asked_for_a_body) == (status, False)


def test_a_token_that_is_revoked_while_a_body_comes_stores_nothing(client, make_flow):
    async def run():
        upload = Upload(client, "POST", FLOWS)
        body = whole_flow(make_flow, slug="late")
        await upload.send(body[:10])
        client.store.tokens.change("root", active=False)
        await upload.send(body[10:], more=False)
        return await upload.response

    assert client_loop(run()).status == 403
    client.store.tokens.change("root", active=True)
    assert client.get(FLOWS + "late/").status == 404


def test_a_body_that_finds_no_room_is_503(client, make_flow):
    half = b" " * (LIMIT // 2)

    async def run():
        announcing = [Upload(client, "POST", FLOWS, {"content-length": str(LIMIT)}) for _ in range(20)]
        slow = [Upload(client, "POST", FLOWS) for _ in range(3)]
        for one in slow:
            await one.send(half)
        rejected = [Upload(client, "POST", FLOWS, {"content-length": str(LIMIT)}), Upload(client, "POST", FLOWS)]
        await rejected[1].send(b" " * (ROOM - 3 * len(half) + 1), more=False)
        await asyncio.wait([one.response for one in rejected])
        # There is room for others, and again when those are done.
        small = Upload(client, "POST", FLOWS)
        await small.send(whole_flow(make_flow), more=False)
        await small.response
        for one in slow:
            await one.send(whole_flow(make_flow), more=False)
        await asyncio.wait([one.response for one in slow])
        large = Upload(client, "POST", FLOWS, {"content-length": str(LIMIT)})
        await large.send(whole_flow(make_flow, LIMIT // 2), more=False)
        for one in announcing:
            await one.send(whole_flow(make_flow), more=False)
        rest = await asyncio.gather(small.response, *(one.response for one in (*slow, large, *announcing)))
        return [one.response.result() for one in rejected], rest

    rejected, others = client_loop(run())
    for response in rejected:
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert response.json()["detail"].startswith("The server is busy with the bodies of other requests.")
    assert {response.status for response in others} == {201}


def test_a_client_that_leaves_gives_its_room_back(client, make_flow):
    async def run():
        for _ in range(5):
            upload = Upload(client, "POST", FLOWS)
            await upload.send(b" " * (LIMIT - 1000))
            upload.response.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await upload.response
        upload = Upload(client, "POST", FLOWS)
        await upload.send(whole_flow(make_flow, LIMIT - 1000), more=False)
        return await upload.response

    assert client_loop(run()).status == 201


@pytest.mark.parametrize("limits", [{"json_limit": 1000}, {"json_limit": 1000, "body_limit": 2000}])
def test_json_has_a_limit_of_its_own(settings, contract, make_flow, limits):
    with application(settings.database_url, contract, **limits) as made:
        client = client_of(*made)
        assert client.post(FLOWS, make_flow(slug="a")).status == 201
        rejected = client.post(FLOWS, make_flow(title="x" * 1000))
        assert (rejected.status, rejected.json()) == (413, {"detail": "The request body is larger than 1000 bytes."})
        body, headers = form(file=("a.png", "image/png", b"x" * 1500))
        assert client.post(f"{FLOWS}a/set_background/", body=body, headers=headers).status == 200


def test_a_limit_of_all_bodies_leaves_room_for_one(settings, contract, make_flow):
    with application(settings.database_url, contract, bodies_limit=1) as made:
        client = client_of(*made)
        assert client.post(FLOWS, make_flow(title="x" * 100_000)).status == 201


@pytest.fixture
def url(database_url, contract):
    """The URL of a server that has room for one large body."""
    with application(database_url, contract, body_limit=LIMIT, bodies_limit=1) as (store, app), served(app) as url:
        store.tokens.add("root", superuser=True, secret="root")
        yield url


def connected(url):
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), 20)


def head(path, headers):
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n".encode()


def test_a_body_is_not_asked_for_of_those_who_may_not_send_it(url):
    for token, response in (("wrong", b"HTTP/1.1 403 "), ("root", b"HTTP/1.1 100 ")):
        with connected(url) as connection:
            headers = f"Authorization: Bearer {token}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"
            connection.sendall(head(FLOWS, headers))
            assert connection.recv(65536).startswith(response)


def test_another_request_follows_a_small_body_that_is_not_kept(url):
    with connected(url) as connection:
        connection.sendall(head(FLOWS, f"Content-Length: {MOST_SKIPPED}\r\n"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 403 ")
        further = head(FLOWS, "Authorization: Bearer root\r\nContent-Length: 2\r\n") + b"{}"
        connection.sendall(b"x" * MOST_SKIPPED + further)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_small_body_that_comes_with_its_head_needs_no_room(url, make_flow):
    wire, headers = RawClient(url), [("Authorization", "Bearer root"), *JSON.items()]

    def post(size):
        return wire.send("POST", FLOWS, headers, whole_flow(make_flow, size))

    with contextlib.ExitStack() as stack:

        def rejected():
            # One that comes together with another upload finds no room itself.
            slow = stack.enter_context(connected(url))
            with contextlib.suppress(ConnectionError):
                fields = f"Authorization: Bearer root\r\nContent-Length: {LIMIT}\r\n"
                slow.sendall(head(FLOWS, fields) + b" " * (LIMIT - 1))
            response = post(LIMIT // 2)
            return response.status == 503 and response

        assert wait_for(rejected, "the end of the room").headers["retry-after"] == "1"
        assert post(0).status == 201
    assert wait_for(lambda: post(LIMIT // 2).status == 201, "room again")


def test_the_connection_ends_before_a_large_body_that_is_not_kept(url):
    with connected(url) as connection:
        connection.sendall(head(FLOWS, f"Content-Length: {LIMIT}\r\n"))
        response = connection.recv(65536)
        assert response.startswith(b"HTTP/1.1 403 ")
        assert b"connection: close" in response
        assert connection.recv(65536) == b""


def test_bodies_of_strangers_take_no_memory(contract, settings):
    size, count = 4_000_000, 40
    with application(settings.database_url, contract) as made, contextlib.ExitStack() as stack:
        url = stack.enter_context(served(made[1]))
        connections = [stack.enter_context(connected(url)) for _ in range(count)]
        before = psutil.Process().memory_info().rss
        for connection in connections:
            connection.sendall(head(FLOWS, f"Content-Length: {size}\r\n"))
            # The server may have ended the connection already.
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"x" * (size - 1))
        assert psutil.Process().memory_info().rss - before < size * count / 4
