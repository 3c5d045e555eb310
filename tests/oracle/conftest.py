"""A served application on each engine, with the recording's tokens."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from app import determinism, passwords
from app.application import create_app, open_store
from app.blueprints import DEFAULT
from app.blueprints.importing import apply
from app.conformance.raw_http import RawClient
from app.conformance.replay import ADMIN, Recording, Replay, read_differences
from app.conformance.scenarios import Player
from app.settings import Settings
from app.store.queries.listing import PageRequest
from app.store.schema.tables import files, flows, objects, sessions, tokens
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

# The user of authentik's embedded outpost.
OUTPOST = {
    "username": "ak-outpost-7a07a183b4b24e71af5e60e3729b9c48",
    "name": "Outpost authentik Embedded Outpost Service-Account",
    "type": "internal_service_account",
    "path": "goauthentik.io/outposts",
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


@pytest.fixture(scope="session")
def running(engine, contract, tmp_path_factory, request):
    """A served application on each engine: its store and its URL."""
    databases = database_at(engine, tmp_path_factory.mktemp("scenarios"), request)
    settings = Settings(database_url=next(databases), token_cache=0.0)
    store = open_store(settings, contract)
    store.migrate()
    with served(create_app(settings, contract=contract, store=store)) as url:
        yield store, url
    store.close()
    next(databases, None)


@pytest.fixture
def play(running, monkeypatch):
    """Plays a scenario from its base state. Time passes without waiting, and passwords are hashed fast."""
    store, url = running
    monkeypatch.setattr(passwords, "COST", 2)
    moments = [0.0]
    now = determinism.now
    monkeypatch.setattr(determinism, "now", lambda: now() + sum(moments))

    def played(scenario):
        _put_back(store, scenario["base"])
        player = Player(RawClient(url), scenario, wait=moments.append)
        player.set_up()
        return player.play()

    return played


def _put_back(store, base):
    """The state that a scenario begins with."""
    with store.database.write() as session:
        for table in (sessions, flows, objects, files, tokens):
            session.run(store.database.compile(sa.delete(table)))
    store.tokens.add(ADMIN, superuser=True, secret=ADMIN)
    (admin,) = store.objects.page("users", PageRequest({"username": "akadmin"}, (), (), 1, 1)).rows
    store.objects.change("authentik_core.user", admin.pk, USERS["akadmin"])
    store.passwords.set(admin.pk, passwords.hashed("oracle-admin-pw"))
    user = store.models["authentik_core.user"]
    store.objects.add(user.name, {**user.defaults, **OUTPOST})
    if base == "default":
        apply(store, DEFAULT.read_bytes(), skip_unknown=True)
