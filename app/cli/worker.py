"""The worker that gunicorn runs: uvicorn on uvloop and httptools."""

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):
    """Uvicorn as this server wants it. Its access log is off: the application logs each request once, with its id."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": "httptools",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "ws": "none",
    }
