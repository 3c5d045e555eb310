"""The peers of the benchmark: the same five operations, on the same database, written in other frameworks.

Each module has `create_app(database_url)`, which returns an ASGI or a WSGI application.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer.

    :param name: of its module
    :param title: what a table calls it
    :param interface: what kind of application it is
    :param summary: how it does the job, in a line
    :param threads: how many serve a WSGI application on SQLite, where more only wait for each other
    :param networked_threads: how many serve it on PostgreSQL, where some can wait for the network
    :param validates: whether it checks requests
    :param fixed: whether its answers are always the same, so that it is a measure of the server alone
    """

    name: str
    title: str
    interface: Literal["asgi", "wsgi"]
    summary: str
    threads: int = 1
    networked_threads: int = 1
    validates: bool = True
    fixed: bool = False


PEERS: tuple[Peer, ...] = (
    Peer(
        "connexion_stock",
        "Connexion, stock",
        "asgi",
        "connexion.FlaskApp on the same YAML, requests and answers validated; SQLAlchemy's ORM",
    ),
    Peer(
        "fastapi_orm",
        "FastAPI, ORM",
        "asgi",
        "FastAPI and Pydantic, requests and answers validated; SQLAlchemy's ORM",
    ),
    Peer(
        "fastapi_tuned",
        "FastAPI, tuned",
        "asgi",
        "FastAPI and Pydantic, requests and answers validated; compiled statements, no change of threads on SQLite",
    ),
    Peer(
        "django_rest",
        "Django REST framework",
        "wsgi",
        "ModelViewSet, ModelSerializer and django-filter; Django's ORM, persistent connections",
        threads=2,
        networked_threads=4,
    ),
    Peer(
        "flask_by_hand",
        "Flask, by hand",
        "wsgi",
        "Flask and orjson, nothing validated; compiled statements",
        threads=2,
        networked_threads=8,
        validates=False,
    ),
    Peer(
        "ceiling",
        "Fixed bytes",
        "asgi",
        "a bare ASGI application that answers fixed bytes: what the server itself costs",
        validates=False,
        fixed=True,
    ),
)
