"""`/docs/`: Swagger UI from its package, with nothing loaded from elsewhere."""

from flask import Blueprint
from flask_swagger_ui import get_swaggerui_blueprint


def documentation(base_path: str) -> Blueprint:
    """The documentation page, ready to try requests with a token."""
    blueprint: Blueprint = get_swaggerui_blueprint(
        "/docs",
        f"{base_path}/schema/?format=json",
        config={
            "app_name": "authentik flows API",
            "persistAuthorization": True,
            "displayRequestDuration": True,
            "tryItOutEnabled": True,
            "validatorUrl": None,
        },
    )
    return blueprint
