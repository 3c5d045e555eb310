"""Uploaded files, with their type and no right to do anything."""

from flask import Blueprint, Response, abort

from app import errors
from app.store import Store
from app.store.collections.backgrounds import MEDIA


def media(store: Store) -> Blueprint:
    """The addresses of uploaded files.

    :param store: what keeps them
    """
    page = Blueprint("media", __name__)

    @page.get(f"{MEDIA}<path:path>")
    def retrieve(path: str) -> Response:
        try:
            file = store.files.get(path)
        except errors.NotFound:
            abort(404)
        response = Response(file.content, content_type=file.media_type)
        # An upload may be a document with scripts in it, such as SVG; as a picture behind a page it still works.
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        # Each upload has an address of its own.
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    return page
