"""What a browser lets a page do: nothing but what the pages of this server need, and nothing from elsewhere."""

from flask import Response

WITHOUT_SCRIPTS = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
WITH_SCRIPTS = f"{WITHOUT_SCRIPTS}; script-src 'self'"


def add_headers(response: Response) -> Response:
    """Restrict what a browser does with a response. A page may have a policy of its own."""
    response.headers.setdefault("Content-Security-Policy", WITHOUT_SCRIPTS)
    response.headers.update(
        {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
    )
    return response
