"""The pages as people get them: in a browser, in light and dark, by keyboard alone."""

import itertools

import pytest
from selenium.webdriver.common.keys import Keys

COMPARED = "/contract/versions/?from=2024.8&to=2024.10&tag=stages"
PAGES = [
    "/",
    "/contract/",
    "/contract/operations/flows_instances_list/",
    "/contract/operations/stages_identification_create/",
    "/contract/schemas/FlowRequest/",
    "/contract/schemas/DummyStage/",
    "/contract/files/stages/dummy.yaml#L13",
    "/contract/?search=prompt",
    "/contract/versions/",
    COMPARED,
    "/flows/",
    "/outbox/",
]

# The words of a page that do not stand in one line.
BROKEN_WORDS = """
const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
const broken = [];
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  for (const { 0: word, index } of node.data.matchAll(/[\\p{L}\\p{N}_]+/gu)) {
    const range = document.createRange();
    range.setStart(node, index);
    range.setEnd(node, index + word.length);
    if (new Set([...range.getClientRects()].map((box) => box.top)).size > 1) broken.push(word);
  }
}
return broken;
"""

MARGINS = """
return ["body > header .name", ".info .title", ".filter input"]
  .map((selector) => document.querySelector(selector).getBoundingClientRect().left);
"""

GROUNDS = """
return [document.body, document.querySelector(".swagger-ui")]
  .map((element) => getComputedStyle(element).backgroundColor);
"""

FOCUSED = """
const [element, style] = [document.activeElement, getComputedStyle(document.activeElement)];
const { top, bottom, left, width } = element.getBoundingClientRect();
return {
  name: element.getAttribute("aria-label") || element.textContent.trim().split("\\n")[0],
  tag: element.tagName,
  outline: parseFloat(style.outlineWidth),
  seen: width > 0 && bottom > 0 && top < innerHeight && left >= 0,
};
"""


@pytest.mark.parametrize("path", [*PAGES, "/docs/"])
def test_a_page_loads_without_a_complaint_and_from_this_server_only(browser, path):
    browser.open(path)
    browser.one("main h1, main h2")
    assert browser.problems() == []


def test_what_a_page_may_not_do_is_noticed(browser):
    browser.open("/")
    browser.run("""
        document.body.append(Object.assign(document.createElement("script"), { textContent: "window.planted = 1" }));
        document.body.append(Object.assign(document.createElement("img"), { src: "http://127.0.0.2:9/pixel" }));
    """)
    assert browser.run("return window.planted") is None
    problems = " ".join(browser.problems())
    assert "Executing inline script violates" in problems
    assert "http://127.0.0.2:9/pixel" in problems


SCREENS = [(390, "dark"), (1280, "light")]


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
# The whole contract has the same parts as what a search finds of it, and would take half a minute.
@pytest.mark.parametrize("path", [path for path in PAGES if path != "/contract/"])
def test_a_page_is_accessible_and_fits_the_screen_without_breaking_a_word(browser, path, width, scheme):
    browser.colours(scheme)
    browser.screen(width)
    browser.open(path)
    browser.run("document.querySelectorAll('.folded').forEach((details) => (details.open = true))")
    assert browser.violations() == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run(BROKEN_WORDS) == []
    shade = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (shade == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_an_operation_is_tried_out_within_the_screen(browser, width, scheme):
    browser.colours(scheme)
    browser.screen(width)
    browser.open("/docs/#/flows/flows_instances_create")
    browser.one("#operations-flows-flows_instances_create .responses-table .response")
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert len(set(browser.run(MARGINS))) == 1
    assert len(set(browser.run(GROUNDS))) == 1


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_landmarks_and_headings_in_order(browser, path):
    browser.open(path)
    assert len(browser.all("body > header nav[aria-label]")) == len(browser.all("body > main")) == 1
    levels = [int(heading.tag_name[1]) for heading in browser.all("h1, h2, h3, h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(level <= before + 1 for before, level in itertools.pairwise(levels)), levels
    assert browser.run("return document.documentElement.lang") == "en"
    ids = browser.run("return [...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))


def test_home_by_keyboard_alone(browser):
    browser.open("/")
    browser.press(Keys.TAB)
    assert browser.run(FOCUSED) == {"name": "Skip to the content", "tag": "A", "outline": 3, "seen": True}
    browser.press(Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "content"
    opened, walked = ("policies", browser.all("summary")[-1].text), []
    while (browser.press(Keys.TAB) or browser.run(FOCUSED))["tag"] != "BODY":
        walked.append(browser.run(FOCUSED))
        if walked[-1]["tag"] == "SUMMARY" and walked[-1]["name"].startswith(opened):
            browser.press(Keys.ENTER)
    assert all(stop["outline"] >= 3 and stop["seen"] for stop in walked), walked
    names = [stop["name"] for stop in walked]
    assert "Skip to the content" not in names
    order = [
        "Try it out",
        "Show the stored flows",
        "Try it out",
        "Look through the contract",
        "List flows",
        "Operations on policies",
        "List password policies",
    ]
    assert [name for name in names if name in order] == order
    assert "List dummy stages" not in names
    assert names[-2:] == ["YAML", "JSON"]
    for _ in range(3):
        browser.press(Keys.SHIFT + Keys.TAB + Keys.NULL)
    last = browser.run(FOCUSED)["name"]
    browser.press(Keys.ENTER)
    assert browser.one("h1").text == last == names[-3]


def test_a_place_leads_to_its_line(browser):
    browser.open("/contract/operations/stages_dummy_create/")
    place = browser.one("a.place")
    file, line, _ = place.text.split(":")
    place.click()
    assert browser.one("h1").text == file == "openapi/kind.yaml"
    target = browser.one(":target")
    assert target.get_attribute("id") == f"L{line}"
    assert target.text.split() == [line, "post:"]
    assert browser.run("return arguments[0].getBoundingClientRect().top", target) >= 0
    assert browser.problems() == []
