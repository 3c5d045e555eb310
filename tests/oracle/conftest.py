"""A served application on each engine, with the recording's tokens."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from app.application import create_app, open_store
from app.conformance.raw_http import RawClient
from app.conformance.replay import Recording, Replay, read_differences
from app.settings import Settings
from app.store.queries.listing import PageRequest
from app.store.schema.tables import files, flows, objects, tokens
from tests.conftest import database_at
from tests.serving import served

FOLDER = Path(__file__).parent
# Flows and what is bound to them, users and what is around them, and kinds of stages and policies.
RECORDINGS = (FOLDER, FOLDER / "core", FOLDER / "kinds")
VIEW, ADD, CHANGE, DELETE = (f"authentik_flows.{verb}_flow" for verb in ("view", "add", "change", "delete"))

TOKENS = {
    "oracle-admin-token": {"superuser": True},
    "oracle-noperm-token": {},
    "oracle-viewer-token": {"permissions": [VIEW]},
    "oracle-adder-token": {"permissions": [ADD]},
    "oracle-changer-token": {"permissions": [CHANGE]},
    "oracle-editor-token": {"permissions": [VIEW, CHANGE]},
    "oracle-deleter-token": {"permissions": [VIEW, DELETE]},
    "oracle-objviewer-token": {},
    "oracle-inactive-token": {"superuser": True},
    "oracle-expired-token": {"superuser": True, "expires": 1},
}

# What the recording has of the users of these tokens.
USERS = {
    "akadmin": {"email": "admin@example.com"},
    "oracle-noperm-token": {
        "username": "oracle-noperm",
        "name": "Oracle Noperm",
        "email": "noperm@example.com",
        "type": "internal",
    },
}


@pytest.fixture(scope="session")
def recording():
    return Recording.read(*RECORDINGS)


@pytest.fixture(scope="session")
def differences():
    return read_differences(FOLDER / "differences.yaml")


@pytest.fixture(scope="session")
def replay(engine, recording, contract, tmp_path_factory, request):
    """Replays cases against an application of this process."""
    databases = database_at(engine, tmp_path_factory.mktemp("oracle"), request)
    settings = Settings(database_url=next(databases), token_cache=0.0)
    store = open_store(settings, contract)
    store.migrate()
    for secret, may in TOKENS.items():
        store.tokens.add(secret, secret=secret, **may)
    store.tokens.change("oracle-inactive-token", active=False)
    for username, properties in USERS.items():
        (user,) = store.objects.page("users", PageRequest({"username": username}, (), (), 1, 1)).rows
        store.objects.change("authentik_core.user", user.pk, properties)
    with store.database.read() as session:
        base = [pk for (pk,) in session.rows(store.database.compile(sa.select(objects.c.pk)))]
    empty = [
        store.database.compile(sa.delete(table).where(*kept))
        for table, kept in (
            (flows, ()),
            (objects, (objects.c.pk.not_in(list(map(sa.literal_column, map(repr, base)))),)),
            (tokens, (tokens.c.name.not_in(list(map(sa.literal_column, map(repr, TOKENS)))),)),
            (files, ()),
        )
    ]

    def delete_all():
        with store.database.write() as session:
            for statement in empty:
                session.run(statement)

    with served(create_app(settings, contract=contract, store=store)) as url:
        yield Replay(RawClient(url), recording, {token: token for token in TOKENS}, delete_all)
    store.close()
    next(databases, None)
