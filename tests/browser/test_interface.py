"""The page that runs flows: in light and dark, on a telephone, by keyboard alone."""

import json
import time

import pyotp
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from app import passwords
from app.blueprints import DEFAULT
from app.blueprints.importing import apply
from tests.asgi import WireClient
from tests.browser.test_pages import BROKEN_WORDS, SCREENS
from tests.challenges import CHALLENGES, Stub
from tests.executor import API, flow_of
from tests.serving import served, wait_for

LOGIN = "/if/flow/default-authentication-flow/"
PASSWORD = "a long password"


@pytest.fixture
def seeded(browser, store):
    """The browser, on a server with the flows of a new authentik, whose administrator has a password."""
    assert apply(store, DEFAULT.read_bytes()).success
    store.passwords.set(administrator(store), passwords.hashed(PASSWORD))
    store.objects.change("users", administrator(store), {"email": "root@example.com"})
    return browser


def administrator(store):
    """The key of the administrator."""
    return store.runnable_flows.user_with(["username"], "akadmin", ignoring_case=False)


def headed(browser, text):
    """Wait for the page with a heading."""
    return browser.wait_for(lambda: [one for one in browser.all("h1") if one.text == text], text)


def home(browser):
    """Wait for the end of a flow that leads nowhere else."""
    wait_for(lambda: browser.driver.current_url == f"{browser.url}/", "the end of the flow")


def log_in(browser, username):
    """Give name and password to the default flow."""
    browser.open(LOGIN)
    enter(browser, username, Keys.ENTER)
    wait_for(lambda: browser.all("[name=password]"), "the password's field")
    enter(browser, PASSWORD, Keys.ENTER)


def prompt(client, *keys):
    """A prompt stage that asks for properties of a user."""
    prompts = [
        {"name": key, "field_key": key, "label": key.capitalize(), "type": key, "required": True, "order": order}
        for order, key in enumerate(keys)
    ]
    path = f"{API}/stages/prompt/prompts/"
    return "prompt/stages", {"fields": [client.post(path, body).json()["pk"] for body in prompts]}


def forget(browser):
    """Delete the cookies."""
    browser.driver.delete_all_cookies()


def enter(browser, *keys):
    """Press keys in the field that has the focus. A browser gives it to one some time after the page is loaded."""
    wait_for(lambda: browser.run("return document.activeElement.matches('input, select, textarea')"), "the focus")
    browser.press(*keys)


def looks_right(browser, width):
    """Fail if a page is not accessible, too wide for the screen, or complained of."""
    assert browser.violations() == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run(BROKEN_WORDS) == []
    assert browser.problems() == []


# On the telephone only: the flows below are seen on both.
@pytest.mark.parametrize(("width", "scheme"), SCREENS[:1])
def test_each_challenge_is_accessible_and_fits_the_screen(browser, contract, width, scheme):
    stub = Stub(contract)
    browser.colours(scheme)
    browser.screen(width)
    with served(stub) as browser.url:
        for component, properties in CHALLENGES.items():
            stub.ask(component, **properties)
            browser.open(LOGIN)
            looks_right(browser, width)


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_a_person_logs_in_by_keyboard_and_changes_settings(seeded, store, width, scheme):
    seeded.colours(scheme)
    seeded.screen(width)
    seeded.open(f"{LOGIN}?next=/if/flow/default-user-settings-flow/")
    headed(seeded, "Welcome to authentik!")
    looks_right(seeded, width)
    enter(seeded, "akadmin", Keys.ENTER)
    wait_for(lambda: seeded.all("[name=password]"), "the password's field")
    enter(seeded, "wrong", Keys.ENTER)
    wait_for(lambda: seeded.all("[aria-invalid]"), "a message")
    assert seeded.one(".wrong").text == "Invalid password"
    looks_right(seeded, width)
    enter(seeded, PASSWORD, Keys.ENTER)
    headed(seeded, "Update your info")
    looks_right(seeded, width)
    # A tab selects what a field has.
    enter(seeded, Keys.TAB)
    enter(seeded, "Root", Keys.ENTER)
    home(seeded)
    user = store.objects.get("users", administrator(store))
    assert json.loads(user.properties)["name"] == "Root"


def test_the_administrator_of_a_new_server_chooses_a_password(browser, store):
    assert apply(store, DEFAULT.read_bytes()).success
    browser.open("/if/flow/initial-setup/")
    headed(browser, "Welcome to authentik!")
    enter(browser, "root@example.com", Keys.TAB, PASSWORD, Keys.TAB, "another", Keys.ENTER)
    wait_for(lambda: browser.all(".alert"), "a message")
    assert browser.one(".alert").text == "Passwords don't match."
    looks_right(browser, 1200)
    browser.one("[name=password]").send_keys(PASSWORD)
    browser.one("[name=password_repeat]").send_keys(PASSWORD, Keys.ENTER)
    home(browser)
    assert browser.all(".name")


def test_a_person_enrolls_sets_up_an_app_and_logs_in_with_its_code(seeded):
    client = WireClient(seeded.url, "root")
    asked = prompt(client, "username", "password")
    flow_of(client, "enroll", asked, ("user_write", {}), ("user_login", {}), designation="enrollment")
    seeded.open("/if/flow/enroll/?next=/if/flow/default-authenticator-totp-setup/")
    enter(seeded, "akadmin", Keys.TAB, PASSWORD, Keys.ENTER)
    wait_for(lambda: seeded.all("[aria-invalid]"), "a message")
    assert seeded.one(".wrong").text == "Username is already taken."
    assert seeded.run("return document.activeElement.name") == "username"
    enter(seeded, Keys.CONTROL + "a" + Keys.NULL, "jane", Keys.TAB, PASSWORD, Keys.ENTER)
    headed(seeded, "Set up Two-Factor authentication")
    looks_right(seeded, 1200)
    app = pyotp.TOTP(seeded.one(".secret").text)
    step = int(time.time()) // app.interval
    enter(seeded, app.generate_otp(step), Keys.ENTER)
    home(seeded)
    forget(seeded)
    log_in(seeded, "jane")
    wait_for(lambda: seeded.all("[name=code]"), "the code's field")
    looks_right(seeded, 1200)
    enter(seeded, app.generate_otp(step + 1), Keys.ENTER)
    home(seeded)


def test_a_person_registers_a_security_key_and_logs_in_with_it(seeded, driver):
    # A key is for a host with a name.
    seeded.url = seeded.url.replace("127.0.0.1", "localhost")
    options = VirtualAuthenticatorOptions(protocol="ctap2", transport="internal", has_user_verification=True)
    options.has_resident_key = options.is_user_verified = True
    driver.add_virtual_authenticator(options)
    try:
        log_in(seeded, "akadmin")
        home(seeded)
        seeded.open("/if/flow/default-authenticator-webauthn-setup/")
        seeded.one("button.first").click()
        home(seeded)
        forget(seeded)
        log_in(seeded, "akadmin")
        seeded.one("[name=webauthn] + button").click()
        home(seeded)
        assert seeded.problems() == []
    finally:
        driver.remove_virtual_authenticator()
        forget(seeded)


def test_a_person_recovers_a_password_by_the_link_in_an_e_mail(seeded):
    client = WireClient(seeded.url, "root")
    identified, mailed = ("identification", {"user_fields": ["email"]}), ("email", {"use_global_settings": True})
    writing = (prompt(client, "password"), ("user_write", {}), ("user_login", {}))
    flow_of(client, "recovery", identified, mailed, *writing, designation="recovery")
    seeded.open(LOGIN)
    enter(seeded, "akadmin", Keys.ENTER)
    seeded.one("p > a[href*=recovery]").click()
    headed(seeded, "Title of recovery")
    enter(seeded, "root@example.com", Keys.ENTER)
    seeded.wait_for(lambda: "An e-mail was sent" in seeded.one("main").text, "the e-mail")
    looks_right(seeded, 1200)
    forget(seeded)
    (mail,) = client.get("/outbox.json").json()
    seeded.driver.get(mail["link"])
    seeded.one("[name=password]").send_keys("another long password", Keys.ENTER)
    home(seeded)
    assert seeded.problems() == []
