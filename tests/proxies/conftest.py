"""Servers with one and two workers, and proxies in front of them."""

import contextlib

import pytest

from tests.proxies.running import FRONTS, Front, served


@pytest.fixture(scope="session")
def fronts(tmp_path_factory):
    """Gives a front by its name; starts each once, and the servers behind them."""
    folder, servers, made = tmp_path_factory.mktemp("proxies"), {}, {}
    with contextlib.ExitStack() as stack:

        def front(name):
            workers, start, *changes = FRONTS[name]
            if workers not in servers:
                servers[workers] = stack.enter_context(served(folder / f"server-{workers}", workers))
            if name not in made:
                address, log = servers[workers]
                port = int(address.partition(":")[2])
                if start is not None:
                    port = stack.enter_context(start(folder / name, address, *changes))
                made[name] = Front(name, port, log, address)
            return made[name]

        yield front


@pytest.fixture(params=FRONTS)
def front(fronts, request):
    """Each of the fronts."""
    return fronts(request.param)
