"""The security policy of pages: only features that they need, and no other origins."""

from flask import Response

WITHOUT_SCRIPTS = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
WITH_SCRIPTS = f"{WITHOUT_SCRIPTS}; script-src 'self'"


def add_headers(response: Response) -> Response:
    """Add headers that restrict browsers. A page may have its own policy."""
    response.headers.setdefault("Content-Security-Policy", WITHOUT_SCRIPTS)
    response.headers.update(
        {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
    )
    return response
