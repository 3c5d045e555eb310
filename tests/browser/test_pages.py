"""The pages as people get them: in a browser, in light and dark, by keyboard alone."""

import itertools

import pytest
from selenium.webdriver.common.keys import Keys

PAGES = [
    "/",
    "/contract/",
    "/contract/operations/flows_instances_list/",
    "/contract/operations/stages_identification_create/",
    "/contract/schemas/FlowRequest/",
    "/contract/schemas/DummyStage/",
    "/contract/files/stages/dummy.yaml#L13",
]

CONTRASTS = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const bytes = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const luminance = (colour) => bytes(colour).slice(0, 3).map((byte) => byte / 255)
  .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
const ground = (element) => {
  const colour = element ? getComputedStyle(element).backgroundColor : "Canvas";
  return bytes(colour)[3] ? colour : ground(element.parentElement);
};
return [...document.querySelectorAll("body, body *")]
  .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .filter((element) => element.checkVisibility())
  .map((element) => {
    const [low, high] = [getComputedStyle(element).color, ground(element)].map(luminance).sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), element.textContent.trim().slice(0, 40)];
  });
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_every_text_stands_out(browser, path, scheme):
    browser.colours(scheme)
    browser.open(path)
    contrasts = browser.run(CONTRASTS)
    assert len(contrasts) > 20
    assert min(contrasts)[0] >= 4.5, min(contrasts)
    shade = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (shade == "rgb(255, 255, 255)") == (scheme == "light")


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


@pytest.mark.parametrize("path", [*PAGES, "/docs/"])
def test_a_page_fits_a_telephone(browser, path):
    browser.emulate("setDeviceMetricsOverride", width=360, height=640, deviceScaleFactor=1, mobile=True)
    browser.open(path)
    browser.one("main h1, main h2")
    assert browser.run("return document.documentElement.scrollWidth") <= 360


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
        "Look through the contract",
        "List flows",
        "Operations on policies",
        "List password policies",
    ]
    assert [name for name in names if name in order] == order
    assert "List dummy stages" not in names
    browser.press(Keys.SHIFT + Keys.TAB + Keys.NULL)
    last = browser.run(FOCUSED)["name"]
    browser.press(Keys.ENTER)
    assert browser.one("h1").text == last == names[-1]


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
