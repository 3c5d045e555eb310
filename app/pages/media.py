"""Uploaded files, served with their type and a restrictive policy."""

from flask import Blueprint, Response, abort

from app import errors
from app.store import Store
from app.store.collections.backgrounds import MEDIA


def media(store: Store) -> Blueprint:
    """The paths of uploaded files.

    :param store: the store of the files
    """
    page = Blueprint("media", __name__)

    @page.get(f"{MEDIA}<path:path>")
    def retrieve(path: str) -> Response:
        try:
            file = store.files.get(path)
        except errors.NotFound:
            abort(404)
        response = Response(file.content, content_type=file.media_type)
        # An upload may contain scripts, such as SVG; as a background image it still works.
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        # Each upload has its own URL.
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    return page
