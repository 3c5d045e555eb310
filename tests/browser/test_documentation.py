"""Swagger UI, with a token typed in: what is sent, and how stored names are shown."""

import json

import pytest

from app.conformance.raw_http import RawClient
from app.errors import NotFound
from tests.browser.test_pages import PAGES
from tests.serving import wait_for

PLANTED = "<script>alert(1)</script><img src=x onerror=alert(2)>"


class Documentation:
    """The documentation page in a browser."""

    def __init__(self, browser):
        self.browser = browser

    def open(self, tag, operation):
        """Show one operation, opened."""
        self.browser.open(f"/docs/#/{tag}/{operation}")
        self.panel = f"#operations-{tag}-{operation}"
        self.browser.one(f"{self.panel} .opblock-body")

    def authorize(self, token):
        """Type a token in."""
        self.press(".btn.authorize")
        self.browser.one(".auth-container input").send_keys(token)
        self.press(".auth-btn-wrapper .authorize")
        self.press(".auth-btn-wrapper .btn-done")

    def press(self, selector):
        """Press a button, wherever it is: Swagger UI scrolls, and draws one part after the other, so that a pointer may miss it."""
        self.browser.run("arguments[0].click()", self.browser.one(selector))

    def type(self, body):
        """Replace the example of a body, all at once: Swagger UI looks at the whole contract after each key."""
        field = self.browser.one(f"{self.panel} textarea")
        self.browser.run(
            """
            const [field, value] = arguments;
            Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, value);
            field.dispatchEvent(new Event("input", { bubbles: true }));
            """,
            field,
            json.dumps(body),
        )

    def execute(self):
        """Send the request. :returns: status and body of the response as they are shown"""
        response = f"{self.panel} .live-responses-table tr.response"
        # The response to the request before stays until the next one has arrived.
        if self.browser.all(response):
            self.press(f"{self.panel} button.btn-clear")
            wait_for(lambda: not self.browser.all(response), "the last response is cleared")
        self.press(f"{self.panel} button.execute")
        status = self.browser.one(f"{response} .response-col_status").text
        return int(status.split()[0]), json.loads(
            self.browser.one(f"{response} .highlight-code code, {response} pre").text
        )


@pytest.fixture
def documentation(browser):
    return Documentation(browser)


def test_a_flow_is_created_by_trying_out(documentation, store):
    documentation.open("flows", "flows_instances_create")
    flow = {"name": "Tried", "slug": "tried", "title": "Tried out", "designation": "recovery"}
    documentation.type(flow)
    status, response = documentation.execute()
    assert (status, response) == (403, {"detail": "Authentication credentials were not provided."})
    with pytest.raises(NotFound):
        store.flows.get("tried")
    documentation.browser.problems()

    documentation.authorize("root")
    status, response = documentation.execute()
    assert status == 201
    assert flow.items() <= response.items()
    assert store.flows.get("tried")
    assert documentation.browser.problems() == []

    # The token is kept for the next time, and the same flow is refused then.
    documentation.open("flows", "flows_instances_create")
    documentation.type(flow)
    assert documentation.execute() == (400, {"slug": ["Flow with this slug already exists."]})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_as_light_as_the_system(browser, scheme):
    browser.colours(scheme)
    browser.open("/docs/")
    browser.one(".swagger-ui .info")
    assert browser.run("return document.documentElement.classList.contains('dark-mode')") == (scheme == "dark")


def test_no_stored_name_counts_as_markup(documentation, store):
    browser = documentation.browser
    secret = store.tokens.add(PLANTED, superuser=True, secret="planted")
    headers = [("Authorization", f"Bearer {secret}"), ("Content-Type", "application/json")]
    flow = {"name": PLANTED, "slug": "s", "title": PLANTED, "designation": "recovery"}
    planted = {"flows/instances": flow, "stages/dummy": {"name": PLANTED}, "policies/dummy": {"name": PLANTED}}
    for path, body in planted.items():
        sent = RawClient(browser.url).send("POST", f"/api/v3/{path}/", headers, json.dumps(body).encode())
        assert sent.status == 201, sent
    documentation.open("flows", "flows_instances_list")
    documentation.authorize(secret)
    for tag, operation in [("flows", "instances"), ("stages", "all"), ("policies", "all")]:
        documentation.open(tag, f"{tag}_{operation}_list")
        status, response = documentation.execute()
        assert (status, [found["name"] for found in response["results"]]) == (200, [PLANTED])
        assert not browser.all("script:not([src]), [onerror]")
        assert browser.problems() == []
    for path in (*PAGES, "/docs/"):
        address, _, line = path.partition("#")
        browser.open(f"{address}?search={PLANTED}#{line}{PLANTED}")
        browser.one("main h1, main h2")
        assert not browser.all("script:not([src]), [onerror]")
        assert browser.problems() == []
