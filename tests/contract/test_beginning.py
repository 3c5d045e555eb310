"""Requests that a server has begun without a task: the same answers, and a rest only where there is something to wait for."""

import pytest

from app.contract.serve.asgi import BEGIN, WHOLE
from app.dev.application import LiveApplication
from tests.asgi import FLOWS, Client, client_loop, pipelined


class Ended(Exception):
    """There is no more of the lifespan."""


def offered(app):
    """What an application leaves in the state of its lifespan."""
    state = {}

    async def receive():
        raise Ended

    with pytest.raises(Ended):
        client_loop(app({"type": "lifespan", "state": state}, receive, None))
    return state


class Beginning:
    """An application as a server has it that begins requests without a task.

    :param app: the application itself
    """

    def __init__(self, app):
        self._begin = offered(app)[BEGIN]
        self.rests = []

    async def __call__(self, scope, receive, send):
        whole = []

        def send_whole(status, lines, body):
            whole.append((status, lines, body))
            return True

        scope["extensions"] = {WHOLE: {"send": send_whole}}
        rest = self._begin(scope, receive, send)
        self.rests.append(rest is not None)
        if rest is not None:
            await rest
        for status, lines, body in whole:
            headers = [tuple(line.split(b": ", 1)) for line in lines.splitlines()]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})


@pytest.fixture
def beginning(client):
    """A client of the same application, begun without a task."""
    return Client(Beginning(client.app), client.token)


def headers_of(response):
    return {name: value for name, value in response.headers.items() if name != "x-authentik-id"}


@pytest.mark.parametrize(
    ("method", "path", "rests"),
    [
        ("GET", FLOWS, False),
        ("GET", FLOWS + "first/", False),
        ("GET", FLOWS + "?search=first&page_size=1", False),
        ("HEAD", FLOWS, True),
        ("OPTIONS", FLOWS, True),
        ("GET", FLOWS + "nothing/", True),
        ("GET", FLOWS + "?page_size=x", True),
        ("GET", FLOWS + "first/export/", True),
        ("TRACE", FLOWS, True),
        ("GET", "/-/health/live/", True),
        ("GET", "/nowhere/", True),
    ],
)
def test_it_answers_as_ever(client, beginning, make_flow, method, path, rests):
    client.post(FLOWS, make_flow(slug="first"))
    expected, response = client(method, path), beginning(method, path)
    assert (response.status, response.body) == (expected.status, expected.body)
    assert headers_of(response) == headers_of(expected)
    assert beginning.app.rests == [rests]


@pytest.mark.parametrize("headers", [{"accept": "text/html"}, {"accept": "application/problem+json"}])
def test_it_heeds_what_the_client_accepts(client, beginning, headers):
    for path in (FLOWS, FLOWS + "nothing/"):
        expected, response = client.get(path, headers=headers), beginning.get(path, headers=headers)
        assert (response.status, response.body, headers_of(response)) == (
            expected.status,
            expected.body,
            headers_of(expected),
        )


def test_a_request_with_a_body_is_written(client, beginning, make_flow):
    flow = beginning.post(FLOWS, make_flow())
    assert flow.status == 201
    assert beginning.app.rests == [True]
    assert client.get(f"{FLOWS}{flow.json()['slug']}/").json() == flow.json()


def test_who_sees_what_is_not_committed_waits(client, beginning, make_flow):
    client.post(FLOWS, make_flow(slug="first"))
    changed, seen = pipelined(beginning, ("DELETE", FLOWS + "first/", None), ("GET", FLOWS, None))
    assert (changed.status, seen.json()["results"]) == (204, [])
    assert beginning.app.rests == [True, True]


def test_it_is_counted_once(client, beginning):
    def counted():
        lines = client.get("/-/metrics/").body.decode().splitlines()
        return [float(line.split()[-1]) for line in lines if "flows_instances_list" in line and "_count{" in line]

    before = sum(counted())
    beginning.get(FLOWS)
    assert sum(counted()) == before + 1


def test_a_database_on_the_network_is_waited_for(client_on_each, engine):
    assert (BEGIN in offered(client_on_each.app)) == (engine == "sqlite")


def test_an_application_that_marks_its_answers_is_called_for_each(settings):
    live = LiveApplication(settings)
    assert offered(live) == {}
    live._store.close()
