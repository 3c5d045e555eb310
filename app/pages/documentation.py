"""`/docs/`: Swagger UI from its package, without resources of other origins."""

from importlib.resources import files

from flask import Blueprint, Response, make_response, render_template, send_from_directory

from app.pages.policy import WITH_SCRIPTS


def documentation() -> Blueprint:
    """The documentation page, which can send requests with a token."""
    page = Blueprint("documentation", __name__, url_prefix="/docs")
    distribution = str(files("flask_swagger_ui") / "dist")

    # The page of the package has an inline script, which the policy forbids.
    @page.get("/")
    def show() -> Response:
        response = make_response(render_template("documentation.html"))
        response.headers["Content-Security-Policy"] = WITH_SCRIPTS
        return response

    @page.get("/<any('swagger-ui.css', 'swagger-ui-bundle.js'):name>")
    def file(name: str) -> Response:
        return send_from_directory(distribution, name)

    return page
