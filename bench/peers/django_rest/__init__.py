"""Django REST framework as its documentation has it: a ModelViewSet with filters, search, ordering and pages."""

from typing import Any

import django
import sqlalchemy as sa
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

# Seconds that a writer waits for another one.
_SQLITE_TIMEOUT = 5


def create_app(database_url: str) -> WSGIHandler:
    """The WSGI application on a database."""
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        DATABASES={"default": _database(sa.make_url(database_url))},
        # What the tokens are looked up in, which all peers do alike.
        DATABASE_URL=database_url,
        INSTALLED_APPS=["rest_framework", "django_filters"],
        MIDDLEWARE=[],
        REST_FRAMEWORK={
            # The view has its own.
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "UNAUTHENTICATED_USER": None,
        },
        ROOT_URLCONF="bench.peers.django_rest.api",
        USE_I18N=False,
        USE_TZ=True,
    )
    django.setup()
    return get_wsgi_application()


def _database(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": url.database,
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
                "timeout": _SQLITE_TIMEOUT,
                "transaction_mode": "IMMEDIATE",
            },
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.database,
        "USER": url.username,
        "PASSWORD": url.password,
        # A socket's folder stands in the query.
        "HOST": url.host or url.query.get("host"),
        "PORT": url.port,
        "CONN_MAX_AGE": None,
        # Statements are few and come often, so that the server keeps them prepared.
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 1},
    }
