"""The lines that a server prints at start-up."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.contract.document.contract import Contract
from app.settings import Settings
from app.store.engine.address import address_of


def banner(
    settings: Settings,
    contract: Contract,
    port: int,
    about_tokens: Iterable[str],
    *,
    lasting: bool,
    watched: Iterable[Path] = (),
) -> str:
    """The addresses of a server, what it serves, and how to stop it. The first line is the URL of the API, for programs.

    :param port: the port it listens on
    :param about_tokens: the lines about tokens
    :param lasting: whether the store outlives the server
    :param watched: folders whose changes are followed, with those inside them
    """
    url = f"http://{settings.url_host}:{port}"
    lines = [
        f"URL:   {url}{contract.base_path}/",
        f"Docs:  {url}/docs/",
        f"API:   {contract.document['info']['version']}, {_near(contract.files[0])}",
        f"Store: {_store(settings) if lasting else 'in memory, until the server stops'}",
        *about_tokens,
        *_watch(watched),
        "Stop:  Ctrl-C",
    ]
    return "\n".join(lines)


def _store(settings: Settings) -> str:
    address = address_of(settings.database_url)
    return _near(address.path) if address.path is not None else str(address)


def _watch(folders: Iterable[Path]) -> Iterator[str]:
    every = {folder.absolute() for folder in folders}
    if outer := [folder for folder in every if every.isdisjoint(folder.parents)]:
        yield f"Watch: {', '.join(sorted(map(_near, outer)))}"


def _near(path: Path) -> str:
    """A path from the current folder if it is below it."""
    path = path.absolute()
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
