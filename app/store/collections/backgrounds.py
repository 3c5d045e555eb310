"""The background images of flows: named by URL, or uploaded."""

import re
from urllib.parse import quote, urljoin

from app import determinism
from app.store.collections.files import Files, StoredFile
from app.store.collections.flows import Flows
from app.store.engine.database import Database, Session
from app.store.queries.flow_row import Flow

MEDIA = "/media/public/"
"""The path of uploaded files."""

_FOLDER = "flow-backgrounds/"

# The maximum length of the stored name of an upload, in characters.
_NAME_LENGTH = 100


class Backgrounds:
    """The background images of a database's flows.

    :param default: the URL of the default image
    """

    def __init__(self, database: Database, flows: Flows, files: Files, default: str) -> None:
        self._database = database
        self._flows = flows
        self._files = files
        self._default = default

    def reset(self, slug: str) -> None:
        """Restore the default image. :raises NotFound: there is no such flow"""
        self._store(slug, self._default, None)

    def name(self, slug: str, url: str) -> None:
        """Set the image to a URL; a blank one resets it. :raises NotFound: there is no such flow"""
        self._store(slug, self.url_of(url), None)

    def url_of(self, text: str) -> str:
        """Resolve a text to a URL: itself, or that of a file; the default one if it is blank.

        A text that is not a URL names a file, as in authentik (recorded: `set_background_url.*.then_get`).
        """
        if text and not text.startswith(("http", "/static", MEDIA)):
            text = urljoin(MEDIA, quote(text.replace("\\", "/"), safe="/~!*()'").lstrip("/"))
            # Enough `..` would remove the root.
            text = "/" + text.lstrip("/")
        return text or self._default

    def upload(self, slug: str, filename: str, file: StoredFile) -> None:
        """Store an uploaded image.

        :param filename: as sent by the client; path separators and special characters are removed
        :raises NotFound: there is no such flow
        """
        # A random prefix distinguishes uploads with equal names, and makes their URLs unguessable.
        path = f"{_FOLDER}{determinism.random_bytes(8).hex()}-{_clean(filename)}"
        self._store(slug, MEDIA + quote(path), (path, file))

    def release(self, session: Session, flow: Flow, url: str) -> None:
        """Delete the uploaded image of a flow unless it is still the background. :param url: the new background"""
        if flow.background != url:
            self._files.remove(session, flow.pk)

    def _store(self, slug: str, url: str, upload: tuple[str, StoredFile] | None) -> None:
        """Store the URL and the upload, and delete the previous upload, in one transaction."""
        flow = self._flows.get(slug)
        with self._database.write() as session:
            flow = self._flows.read(session, flow.pk, lock=True)
            self.release(session, flow, url)
            if upload is not None:
                path, file = upload
                self._files.add(session, path, flow.pk, file)
            self._flows.update(session, flow, {"background": url})


def _clean(filename: str) -> str:
    """A file name without a path and without characters that are special in browsers or shells."""
    name = re.split(r"[/\\]", filename)[-1].strip().replace(" ", "_")
    return re.sub(r"[^-\w.]", "", name).lstrip(".")[-_NAME_LENGTH:] or "background"
