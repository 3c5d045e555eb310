"""The pictures behind flows: named by URL, or uploaded."""

import re
from urllib.parse import quote, urljoin

from app import determinism
from app.store.collections.files import Files, StoredFile
from app.store.collections.flows import Flows
from app.store.engine.database import Database, Session
from app.store.queries.flow_row import Flow

MEDIA = "/media/public/"
"""Where uploaded files are served."""

_FOLDER = "flow-backgrounds/"

# The longest name of an upload that is kept, in characters.
_NAME_LENGTH = 100


class Backgrounds:
    """The backgrounds of a database's flows.

    :param default: the URL of the picture behind a flow that has none of its own
    """

    def __init__(self, database: Database, flows: Flows, files: Files, default: str) -> None:
        self._database = database
        self._flows = flows
        self._files = files
        self._default = default

    def reset(self, slug: str) -> None:
        """Go back to the default picture. :raises NotFound: there is no such flow"""
        self._store(slug, self._default, None)

    def name(self, slug: str, url: str) -> None:
        """Take the picture of a URL; a blank one resets. :raises NotFound: there is no such flow"""
        self._store(slug, self.url_of(url), None)

    def url_of(self, text: str) -> str:
        """The URL that a text names: itself, or that of a file; the default one if it is blank.

        What is no URL is the name of a file, as in authentik (recorded: `set_background_url.*.then_get`).
        """
        if text and not text.startswith(("http", "/static", MEDIA)):
            text = urljoin(MEDIA, quote(text.replace("\\", "/"), safe="/~!*()'").lstrip("/"))
            # With enough dots nothing is left of the root.
            text = "/" + text.lstrip("/")
        return text or self._default

    def upload(self, slug: str, filename: str, file: StoredFile) -> None:
        """Take an uploaded picture.

        :param filename: as the client has it; what could lead elsewhere is taken out
        :raises NotFound: there is no such flow
        """
        # The first part tells uploads of one name apart, and nobody can guess it.
        path = f"{_FOLDER}{determinism.random_bytes(8).hex()}-{_clean(filename)}"
        self._store(slug, MEDIA + quote(path), (path, file))

    def release(self, session: Session, flow: Flow, url: str) -> None:
        """Delete the uploaded picture of a flow unless its background stays. :param url: the new background"""
        if flow.background != url:
            self._files.remove(session, flow.pk)

    def _store(self, slug: str, url: str, upload: tuple[str, StoredFile] | None) -> None:
        """Store the URL and the upload, and drop the upload before, in one transaction."""
        flow = self._flows.get(slug)
        with self._database.write() as session:
            flow = self._flows.read(session, flow.pk, lock=True)
            self.release(session, flow, url)
            if upload is not None:
                path, file = upload
                self._files.add(session, path, flow.pk, file)
            self._flows.update(session, flow, {"background": url})


def _clean(filename: str) -> str:
    """A name without a path and without characters that mean something to a browser or a shell."""
    name = re.split(r"[/\\]", filename)[-1].strip().replace(" ", "_")
    return re.sub(r"[^-\w.]", "", name).lstrip(".")[-_NAME_LENGTH:] or "background"
