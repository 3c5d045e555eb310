"""Servers with one and two workers, and proxies in front of them."""

import contextlib

import pytest

from tests.proxies.running import FRONTS, Front, served


@pytest.fixture(scope="session", params=[1, 2], ids=lambda workers: f"{workers}-workers")
def server(request, tmp_path_factory):
    """A server: host and port, and its log."""
    with served(tmp_path_factory.mktemp("behind") / "server", request.param) as made:
        yield made


@pytest.fixture(scope="session")
def fronts(server, tmp_path_factory):
    """Gives a front of the server by its name; starts each once."""
    address, log = server
    folder, made = tmp_path_factory.mktemp("proxies"), {}
    with contextlib.ExitStack() as stack:

        def front(name):
            if name not in made:
                port = int(address.partition(":")[2])
                if FRONTS[name] is not None:
                    start, *changes = FRONTS[name]
                    port = stack.enter_context(start(folder / name, address, *changes))
                made[name] = Front(name, port, log, address)
            return made[name]

        yield front


@pytest.fixture(params=FRONTS)
def front(fronts, request):
    """Each of the fronts."""
    return fronts(request.param)
