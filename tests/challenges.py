"""A challenge of each component, and the pages alone, in front of an executor that asks what a test wants."""

import orjson

from app import pages
from app.contract.serve.asgi import API, read_body
from app.contract.serve.compiled_contract import ActiveContract
from app.settings import Settings
from tests.asgi import Client
from tests.executor import Visitor

INFO = {"title": "A title", "background": "/static/dist/a.jpg", "cancel_url": "/flows/-/cancel/", "layout": "stacked"}
USER = {"pending_user": "jane", "pending_user_avatar": "data:image/svg+xml;base64,PHN2Zy8+"}
KEY = {"challenge": "AAAA", "rpId": "127.0.0.1", "timeout": 60000, "allowCredentials": []}
ALERTS = ("alert_info", "alert_warning", "alert_danger")
TYPES = (
    "text", "text_area", "text_read_only", "text_area_read_only", "username", "email", "password", "number", "checkbox",
    "radio-button-group", "dropdown", "date", "date-time", "file", "separator", "hidden", "static", "ak-locale",
    *ALERTS,
)  # fmt: skip


def prompt(*types, **properties):
    """A prompt with a field of each of some types, whose key is the type."""
    return {
        "fields": [
            {
                "field_key": kind,
                "label": f"Label of {kind}",
                "type": kind,
                "required": False,
                "placeholder": "",
                "initial_value": "",
                "order": 0,
                "sub_text": f"About {kind}",
                "choices": ["one", "two"] if kind in ("radio-button-group", "dropdown") else None,
                **properties,
            }
            for kind in types
        ]
    }


CHALLENGES = {
    "ak-stage-access-denied": {**USER, "error_message": "No <b>way</b>."},
    "ak-stage-authenticator-static": {**USER, "codes": ["abc1", "abc2"]},
    "ak-stage-authenticator-totp": {**USER, "config_url": "otpauth://totp/a:jane?secret=ABCD&issuer=a"},
    "ak-stage-authenticator-validate": {
        **USER,
        "device_challenges": [
            {"device_class": "totp", "device_uid": "1", "challenge": {}},
            {"device_class": "static", "device_uid": "2", "challenge": {}},
            {"device_class": "sms", "device_uid": "3", "challenge": {}},
            {"device_class": "webauthn", "device_uid": "4", "challenge": KEY},
        ],
        "configuration_stages": [
            {
                "pk": "6e0e8f0b-21a4-4d67-a2a5-2c3c5d1d0f11",
                "name": "totp",
                "verbose_name": "TOTP",
                "meta_model_name": "m",
            }
        ],
    },
    "ak-stage-authenticator-webauthn": {
        **USER,
        "registration": {
            "challenge": "AAAA",
            "rp": {"name": "a", "id": "localhost"},
            "user": {"id": "AAAA", "name": "jane", "displayName": "Jane"},
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        },
    },
    "ak-stage-authenticator-sms": {**USER, "phone_number_required": True},
    "ak-stage-captcha": {**USER, "site_key": "the key", "js_url": "https://captcha.example/api.js"},
    "ak-stage-consent": {
        **USER,
        "header_text": "You log in to <b>app</b>.",
        "permissions": [{"id": "email", "name": "Your address"}],
        "additional_permissions": [{"id": "groups", "name": ""}],
        "token": "t",
    },
    "ak-stage-dummy": {"name": "a dummy"},
    "ak-stage-email": {},
    "ak-stage-flow-error": {"request_id": "1234", "error": "bad", "traceback": "line 1"},
    "ak-stage-identification": {
        "user_fields": ["email", "username"],
        "password_fields": True,
        "flow_designation": "authentication",
        "primary_action": "Log in",
        "enroll_url": "/if/flow/enroll/",
        "recovery_url": "/if/flow/recover/",
        "passwordless_url": "/if/flow/key/",
        "sources": [
            {"name": "Elsewhere", "challenge": {"component": "xak-flow-redirect", "to": "/source/oauth/login/a/"}},
            {"name": "Plex", "challenge": {"component": "ak-source-plex", "client_id": "1", "slug": "p"}},
        ],
        "show_source_labels": True,
    },
    "ak-stage-password": {**USER, "recovery_url": "/if/flow/recover/"},
    "ak-stage-prompt": prompt(*TYPES),
    "ak-stage-user-login": USER,
    "xak-flow-redirect": {"to": "https://elsewhere.example/path"},
}


class Stub:
    """The pages, in front of an executor that asks one challenge.

    :param contract: the contract
    """

    def __init__(self, contract):
        self._pages = pages.create_app(ActiveContract(contract, None, None), None, Settings(), None, None)
        self.asked = {}
        self.answers = []

    def ask(self, component, **properties):
        """Set the challenge."""
        self.asked = {"flow_info": INFO, "component": component, **properties}

    async def __call__(self, scope, receive, send):
        """Serve a request to a page (ASGI)."""
        await self._pages({**scope, API: self._executor}, receive, send)

    async def _executor(self, scope, receive, send):
        if scope["method"] == "POST":
            self.answers.append(orjson.loads(await read_body(receive, 0, 2**20, lambda _: None)))
        headers = [(b"set-cookie", b"authentik_session=key; HttpOnly; Path=/")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": orjson.dumps(self.asked)})


def visitor_of(stub):
    """A visitor of the pages alone."""
    client = Client(stub)
    client.store = None
    return Visitor(client)
