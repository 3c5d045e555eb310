"""Serve a peer: `python -m bench.launch NAME DATABASE-URL PORT`. One gunicorn worker, as the project is served."""

import importlib
import sys
from typing import Any, ClassVar

from gunicorn.app.base import BaseApplication

from app.server.worker import Worker
from bench.peers import PEERS


class PeerWorker(Worker):
    """The project's own worker, for applications that may know nothing of ASGI's lifespan."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {**Worker.CONFIG_KWARGS, "lifespan": "auto"}


def main(name: str, database_url: str, port: str) -> None:
    """Serve until told to stop."""
    peer = next(peer for peer in PEERS if peer.name == name)

    class Server(BaseApplication):
        def load_config(self) -> None:
            options: dict[str, Any] = {
                "bind": f"127.0.0.1:{port}",
                "workers": 1,
                "loglevel": "warning",
                "keepalive": 75,
                "control_socket_disable": True,
            }
            if peer.interface == "asgi":
                options["worker_class"] = PeerWorker
            else:
                embedded = database_url.startswith("sqlite")
                threads = peer.threads if embedded else peer.networked_threads
                options |= {"worker_class": "gthread", "threads": threads}
            for option, value in options.items():
                self.cfg.set(option, value)

        def load(self) -> Any:
            return importlib.import_module(f"bench.peers.{name}").create_app(database_url)

    Server().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
