"""The first token of a store, and the lines about tokens that a server prints at start-up."""

import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from app.errors import NotUnique
from app.settings import Settings
from app.store import Store

BOOTSTRAP = "bootstrap"


def bootstrap(store: Store, settings: Settings, *, lasting: bool = True) -> list[str]:
    """Create the first token of an empty store.

    :param lasting: whether other commands can use the store
    :returns: the lines to print about tokens. They include a token only if it was generated now
    """
    secret = _first(store, settings)
    return list(_lines(store, settings, secret, lasting=lasting))


def command_name() -> str:
    """The name or path that runs this command from the current folder: `flows` if it is on PATH."""
    called = Path(sys.argv[0])
    found = shutil.which(called.name)
    if found is not None and Path(found).resolve() == called.resolve():
        return called.name
    path = os.path.relpath(called) if called.is_relative_to(Path.cwd()) else str(called)
    return shlex.quote(path)


def _first(store: Store, settings: Settings) -> str | None:
    if store.tokens.any() or (store.database.shared and not settings.bootstrap_token):
        return None
    try:
        return store.tokens.add(BOOTSTRAP, superuser=True, secret=settings.bootstrap_token or None)
    except NotUnique:
        # Another server that started at the same time has created it.
        return None


def _lines(store: Store, settings: Settings, secret: str | None, *, lasting: bool) -> Iterator[str]:
    create = f"`{command_name()} token create NAME --superuser`"
    given = settings.bootstrap_token
    if given and (secret is not None or store.tokens.find(given) is not None):
        yield "Token: the one of FLOWS_BOOTSTRAP_TOKEN"
    elif secret is not None:
        yield f"Token: {secret}"
        others = f"; {create} makes others" if lasting else ""
        yield f"       It has all permissions and is shown this once{others}."
    else:
        tokens = store.tokens.page()
        now = time.time()
        state = (
            "none yet" if not tokens else "as before" if any(one.valid_at(now) for one in tokens) else "none is valid"
        )
        yield f"Token: {state}; {create} makes one."
        if given:
            yield "       FLOWS_BOOTSTRAP_TOKEN is ignored: the store has tokens already, and this is none of them."
