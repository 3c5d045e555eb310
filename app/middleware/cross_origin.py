"""Cross-origin resource sharing (Fetch standard, "CORS protocol"), by Starlette's middleware."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.middleware.direct import each_request, inspected

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

# The response headers that a script of another origin may read, besides those that any may.
_EXPOSED = (
    "Allow", "Content-Disposition", "Retry-After", "X-authentik-id", "X-Contract-Rule", "X-Contract-State", "X-Contract-Version",
)  # fmt: skip

# Seconds that a browser caches a preflight.
_CACHED = 600


class CrossOrigin(CORSMiddleware):
    """Middleware that lets scripts of named origins send requests, with tokens and cookies.

    :param app: the application
    :param origins: the origins, as browsers write them: `https://app.example`
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=("*",),
            allow_credentials=True,
            expose_headers=_EXPOSED,
            max_age=_CACHED,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan of the application (ASGI)."""
        await super().__call__(each_request(inspected(scope)), receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """The response to a preflight. A rejection has the JSON of every error response."""
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return Response(status_code=204, headers=_without_content(response))
        origin = request_headers["origin"]
        if self.is_allowed_origin(origin):
            message = f"{bytes(response.body).decode()}."
        else:
            message = f"The origin {origin} is not allowed. FLOWS_ALLOWED_ORIGINS lists those that are."
        return JSONResponse({"detail": message}, 400, _without_content(response))


def _without_content(response: Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if not name.startswith("content-")}
