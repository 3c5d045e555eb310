"""Chromium, and a server to look at with it."""

import contextlib
import json
import os
import shutil

import pytest
from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from tests.conftest import application, emptied
from tests.serving import served, wait_for

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,900",
)
KNOWN = (
    "Deprecated: escaping deep link whitespace with `_`",
    "Password forms should have (optionally hidden) username",
)
"""What Swagger UI says of each operationId with an underscore in an address, and Chromium of prompts for a password alone."""


class Browser:
    """Chromium on the pages of a server.

    :param driver: Selenium's
    :param url: the server's
    """

    def __init__(self, driver, url):
        self.driver = driver
        self.url = url

    def open(self, path):
        """Load a page anew, whatever was there."""
        self.driver.get("about:blank")
        self.problems()
        self.driver.get(self.url + path)

    def emulate(self, command, **parameters):
        """Set something of the machine that the browser seems to run on."""
        self.driver.execute_cdp_cmd(f"Emulation.{command}", parameters)

    def colours(self, scheme):
        """Have a system that is `light` or `dark`."""
        self.emulate("setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def run(self, script, *arguments):
        """The value of a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        """The elements that a selector finds, at once."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        """The first element that a selector finds, as soon as it is shown."""
        return self.wait_for(lambda: next((one for one in self.all(selector) if one.is_displayed()), None), selector)

    def wait_for(self, condition, what):
        """Wait until a condition holds. Another page may take the place of this one while it is read."""

        def holds():
            with contextlib.suppress(StaleElementReferenceException):
                return condition()

        return wait_for(holds, what)

    def press(self, *keys):
        """Press keys, wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def screen(self, width):
        """Have a screen of a width, in pixels: that of a telephone, if it is narrow."""
        self.emulate("setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)

    def violations(self):
        """What axe-core finds wrong with the page: rule, and the element."""
        found = Axe().run(self.driver, options={"resultTypes": ["violations"]})["violations"]
        return [(rule["id"], node["html"]) for rule in found for node in rule["nodes"]]

    def problems(self):
        """What the browser complains of since the last call: errors, refused content, and requests to elsewhere."""
        messages = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] != "INFO"]
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        addresses = [
            event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
        ]
        complaints = [message for message in messages if not any(known in message for known in KNOWN)]
        return complaints + [url for url in addresses if not url.startswith((self.url + "/", "data:", "about:"))]


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """Chromium, started once."""
    if not CHROMIUM or not DRIVER:
        # The tests pass on a machine that has only Python; what runs them for a release installs both first.
        pytest.skip("Chromium and its driver are not installed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Nothing of it may go through a proxy.
    driver = webdriver.Chrome(options=options, service=Service(DRIVER, env={**os.environ, "NO_PROXY": "*"}))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def site(contract, tmp_path_factory):
    """A store, and the URL of a server on it."""
    with (
        application(f"sqlite:///{tmp_path_factory.mktemp('site')}/flows.sqlite3", contract) as (store, app),
        served(app) as url,
    ):
        yield store, url


@pytest.fixture
def store(site):
    """The server's store, with a superuser's token and nothing else in it."""
    store = emptied(site[0])
    store.tokens.add("root", superuser=True, secret="root")
    return store


@pytest.fixture
def browser(driver, site):
    """Chromium on a light system, that knows nothing of earlier tests and complained of nothing."""
    browser = Browser(driver, site[1])
    driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": browser.url, "storageTypes": "all"})
    browser.colours("light")
    yield browser
    browser.emulate("clearDeviceMetricsOverride")
