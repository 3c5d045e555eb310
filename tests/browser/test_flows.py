"""The page of the stored flows, with a token typed in."""

from pathlib import Path

import pytest

import app
from app.blueprints.importing import apply
from tests.browser.test_pages import BROKEN_WORDS, SCREENS
from tests.serving import wait_for

DEFAULT = Path(app.__file__).parent / "blueprints" / "default.yaml"
FLOW = "default-authentication-flow"


@pytest.fixture
def seeded(browser, store):
    """The browser, on a server with the flows of a new authentik."""
    assert apply(store, DEFAULT.read_bytes()).success
    return browser


def sign_in(browser, path, token="root"):
    """Open a page of flows, and type a token in."""
    browser.open(path)
    browser.one("[name=token]").send_keys(token)
    browser.run("document.querySelector('[data-sign-in] button').click()")


def test_flows_are_shown_to_a_token_until_it_is_forgotten(seeded):
    sign_in(seeded, "/flows/?search=authentication")
    seeded.one(".diagram")
    assert seeded.problems() == []

    # The token is there for the next page.
    seeded.driver.get(f"{seeded.url}/flows/{FLOW}/")
    assert "identification" in seeded.one(".diagram").text
    seeded.run("document.querySelector('[data-sign-out] button').click()")
    wait_for(lambda: seeded.all("[data-sign-in]"), "the form for a token")
    assert not seeded.all(".diagram")
    seeded.driver.get(f"{seeded.url}/flows/")
    seeded.one("[data-sign-in]")
    assert seeded.problems() == []


def test_an_invalid_token_is_told_and_forgotten(seeded):
    sign_in(seeded, "/flows/", "nope")
    assert seeded.one("[role=alert]").text == "Token invalid/expired"
    assert seeded.run("return sessionStorage.length") == 0


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_a_flow_is_accessible_and_fits_the_screen_without_breaking_a_word(seeded, width, scheme):
    seeded.colours(scheme)
    seeded.screen(width)
    sign_in(seeded, f"/flows/{FLOW}/")
    seeded.one(".diagram")
    assert seeded.violations() == []
    assert seeded.run("return document.documentElement.scrollWidth") <= width
    assert seeded.run(BROKEN_WORDS) == []
