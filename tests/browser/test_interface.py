"""The page that runs flows: in light and dark, on a telephone, by keyboard alone."""

import pytest
from selenium.webdriver.common.keys import Keys

from app import passwords
from app.blueprints import DEFAULT
from app.blueprints.importing import apply
from tests.browser.test_pages import BROKEN_WORDS, SCREENS
from tests.challenges import CHALLENGES, Stub
from tests.serving import served, wait_for

LOGIN = "/if/flow/default-authentication-flow/"
PASSWORD = "a long password"


@pytest.fixture
def seeded(browser, store):
    """The browser, on a server with the flows of a new authentik, whose administrator has a password."""
    assert apply(store, DEFAULT.read_bytes()).success
    store.passwords.set(administrator(store), passwords.hashed(PASSWORD))
    return browser


def administrator(store):
    """The key of the administrator."""
    return store.runnable_flows.user_with(["username"], "akadmin", ignoring_case=False)


def headed(browser, text):
    """Wait for the page with a heading."""
    return wait_for(lambda: [one for one in browser.all("h1") if one.text == text], text)


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
def test_a_person_logs_in_by_keyboard_and_changes_settings(seeded, width, scheme):
    seeded.colours(scheme)
    seeded.screen(width)
    seeded.open(f"{LOGIN}?next=/if/flow/default-user-settings-flow/")
    headed(seeded, "Welcome to authentik!")
    looks_right(seeded, width)
    seeded.press("akadmin", Keys.ENTER)
    wait_for(lambda: seeded.all("[name=password]"), "the password's field")
    seeded.press("wrong", Keys.ENTER)
    wait_for(lambda: seeded.all("[aria-invalid]"), "a message")
    assert seeded.one(".wrong").text == "Invalid password"
    looks_right(seeded, width)
    seeded.press(PASSWORD, Keys.ENTER)
    headed(seeded, "Update your info")
    looks_right(seeded, width)
