"""A browser that runs flows, and a flow for logging in."""

import contextlib
import hashlib
import html
import json
import logging
import re
from base64 import urlsafe_b64decode
from unittest.mock import patch
from urllib.parse import urlencode

import sqlalchemy as sa
import structlog

from app.store.engine.session import Session
from app.store.schema.tables import sessions

API = "/api/v3"
PASSWORD = "jane's password"


def flow_of(client, slug, *stages, **properties):
    """Make a flow with stages. :param stages: path below `stages/`, and properties, of each"""
    body = {"name": slug, "slug": slug, "title": f"Title of {slug}", "designation": "authentication", **properties}
    flow = _made(client, "/flows/instances/", body)
    made = []
    for order, (kind, values) in enumerate(stages):
        stage = _made(client, f"/stages/{kind}/", {"name": f"{slug} {order}", **values})
        bound = _made(client, "/flows/bindings/", {"target": flow["pk"], "stage": stage["pk"], "order": order})
        made.append((stage["pk"], bound["pk"]))
    return made


def login_flow(client, **identification):
    """Make the flow `login` and the user jane, who has a password."""
    client.user = _made(client, "/core/users/", {"username": "jane", "name": "Jane", "email": "jane@example.com"})["pk"]
    client.post(f"{API}/core/users/{client.user}/set_password/", {"password": PASSWORD})
    (*_, (client.login_stage, _)) = flow_of(
        client,
        "login",
        ("identification", {"user_fields": ["username"], **identification}),
        ("password", {"backends": ["authentik.core.auth.InbuiltBackend"]}),
        ("user_login", {}),
    )


def _made(client, path, body):
    answer = client.post(API + path, body)
    assert answer.status == 201, answer.body
    return answer.json()


@contextlib.contextmanager
def log_of(module):
    """All lines that a module logs, whatever the level of the log is."""
    lines = []

    def take(_logger, _level, line):
        lines.append(line)
        raise structlog.DropEvent

    every = structlog.make_filtering_bound_logger(logging.NOTSET)
    with patch.object(module, "log", structlog.wrap_logger(None, [take], every)):
        yield lines


def statements(function):
    """How many statements a request on this thread executes. :param function: sends the request, and returns the response"""
    executed = []

    def counted(execute):
        return lambda *given: executed.append(1) or execute(*given)

    with contextlib.ExitStack() as stack:
        for name in ("run", "row", "rows"):
            stack.enter_context(patch.object(Session, name, counted(getattr(Session, name))))
        function()
    return len(executed)


class Browser:
    """A client with cookies. It follows no redirects.

    :param client: the client of an application
    """

    sessions = sa.select(sessions)

    def __init__(self, client):
        self.client = client
        self.store = client.store
        self.user, self.login_stage = getattr(client, "user", None), getattr(client, "login_stage", None)
        self.cookies = {}

    @property
    def key(self):
        """The key of the session."""
        claims = self.cookies["authentik_session"].split(".")[1]
        return json.loads(urlsafe_b64decode(claims + "=="))["sid"]

    @property
    def digest(self):
        """The digest by which the session is stored."""
        return hashlib.sha256(self.key.encode()).hexdigest()

    def send(self, method, path, json=None, headers=None, *, body=None):
        """Send a request, and keep the cookies of the answer."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {**(headers or {}), **({"cookie": cookie} if cookie else {})}
        answer = self.client(method, path, json, body=body, headers=headers, token="")
        for line in answer.cookies:
            name, _, rest = line.partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = rest.partition(";")[0]
        return answer

    def get(self, slug, query="query=", prefix=""):
        """Get the challenge of a flow."""
        return self.send("GET", f"{prefix}{API}/flows/executor/{slug}/?{query}")

    def post(self, slug, query="query=", prefix="", **answer):
        """Respond to the challenge of a flow."""
        headers = {"x-authentik-csrf": self.cookies.get("authentik_csrf", "")}
        return self.send("POST", f"{prefix}{API}/flows/executor/{slug}/?{query}", answer, headers)

    def me(self):
        """Ask who has logged in."""
        return self.send("GET", f"{API}/core/users/me/")

    def log_in(self):
        """Log jane in. :returns: the browser"""
        self.post("login", uid_field="jane")
        self.post("login", password=PASSWORD)
        assert self.get("login").json() == {"component": "xak-flow-redirect", "to": "/"}
        return self


class Visitor(Browser):
    """A person with a browser without scripts, on the page that runs flows."""

    def open(self, path):
        """Open a page, and follow redirects."""
        return self._follow(self.send("GET", path), path)

    def submit(self, **fields):
        """Fill in the form of the page, and submit it; follow redirects. :param fields: None to leave one out"""
        filled = [(name, value) for name, value in fields.items() if value is not None]
        given = [(name, value) for name, value in self._given(*dict(filled)) if name not in fields]
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": "http://127.0.0.1:80"}
        body = urlencode([*given, *filled]).encode()
        return self._follow(self.send("POST", self.path, headers=headers, body=body), self.path)

    @property
    def text(self):
        """The words of the page."""
        return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", self.page).split()))

    @property
    def fields(self):
        """The values that the form has already, by name; the last of each."""
        return dict(self._given())

    def _given(self, *names):
        """Names and values of the inputs of a form, but of boxes that are not checked. :param names: some that it has, if any"""
        forms = re.findall("<form.*?</form>", self.page, re.DOTALL) or [""]
        form = next((form for form in forms if any(f'name="{name}"' in form for name in names)), forms[0])
        found = []
        for tag in re.findall(r"<input[^>]*>", form):
            has = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
            if "name" in has and "value" in has and (has["type"] not in ("checkbox", "radio") or " checked" in tag):
                found.append((html.unescape(has["name"]), html.unescape(has["value"])))
        return found

    def wrong(self, name):
        """The messages beside a field."""
        label = re.search(f'name="{re.escape(name)}"[^>]*aria-describedby="([^" ]+)', self.page)
        return re.findall("<li>(.*?)</li>", re.search(f'id="{label[1]}">(.*?)</ul>', self.page)[1]) if label else []

    def _follow(self, answer, path):
        while answer.status == 303:
            path = answer.headers["location"]
            answer = self.send("GET", path)
        self.answer, self.path, self.page = answer, path, answer.body.decode()
        return self
