"""Small parts: routing, reading the YAML, query strings, settings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.contract.compile.routing import Router
from app.contract.document.bundling import read
from app.contract.request.negotiation import accepts, names_json
from app.contract.request.query import search_terms
from app.settings import Settings, SettingsError, describe

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def router():
    router = Router()
    for template in ("/f/", "/f/{slug}/", "/f/info/", "/f/{slug}/used/", "/f/{slug}/{part}/x/"):
        router.add(template, template)
    return router


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/f/", ("/f/", {})),
        ("/f/a/", ("/f/{slug}/", {"slug": "a"})),
        ("/f/info/", ("/f/info/", {})),
        ("/f/info/used/", ("/f/{slug}/used/", {"slug": "info"})),
        ("/f/a/used/", ("/f/{slug}/used/", {"slug": "a"})),
        ("/f/a/b/x/", ("/f/{slug}/{part}/x/", {"slug": "a", "part": "b"})),
        ("/f/used/used/x/", ("/f/{slug}/{part}/x/", {"slug": "used", "part": "used"})),
        ("/f", None),
        ("/f//", None),
        ("/f/a", None),
        ("/f/a.b/", None),
        ("/f/a/b/", None),
        ("/", None),
        ("", None),
    ],
)
def test_router(router, path, found):
    assert router.find(path) == found


def test_a_target_is_made_when_its_template_is_found_first():
    made = []
    router = Router()
    for template in ("/f/", "/f/{slug}/"):
        router.add_later(
            template, lambda template=template: (made.append(template), lambda values: values | {"read": 1})
        )
    assert router.find("/g/a/") is None
    assert made == []
    found = [router.find(f"/f/{slug}/") for slug in ("a", "b", "a")]
    assert [values for _, values in found] == [{"slug": slug, "read": 1} for slug in ("a", "b", "a")]
    assert made == ["/f/{slug}/"]


@given(st.text(alphabet="/fa.{}", max_size=20))
def test_router_never_fails(path):
    router = Router()
    router.add("/f/{slug}/", 1)
    found = router.find(path)
    assert found is None or "/" not in found[1]["slug"]


def test_places_of_the_parts_of_a_contract(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("a:\n  b: [1, x: &e {y: 2}]\n  200: *e\non: 2024-08-01\n", "utf-8")
    contract = read(path, "c.yaml")
    assert contract.document == {"a": {"b": [1, {"x": {"y": 2}}], "200": {"y": 2}}, "on": "2024-08-01"}
    assert str(contract.locate(("a", "b", 1, "x", "y"))) == "c.yaml:2:17"
    assert str(contract.locate(("a", "200", "y"))) == "c.yaml:2:17"
    assert str(contract.locate(("a", "200"))) == "c.yaml:3:3"
    assert str(contract.locate(("a", "b", 7, "missing"))) == "c.yaml:2:3"
    assert str(contract.locate(("nothing",))) == "c.yaml:1:1"


@given(st.text())
def test_search_terms_are_words_without_white_space_commas_and_nul(text):
    terms = search_terms(text)
    assert terms == tuple(dict.fromkeys(text.replace("\0", "").replace(",", " ").split()))


@pytest.mark.parametrize(
    ("accept", "response"),
    [
        ("application/json", True),
        ("*/*", True),
        ("text/html,application/*;q=0.1", True),
        ("", False),
        ("text/*", False),
        ("/", False),
    ],
)
def test_accept(accept, response):
    assert accepts(accept, "application/json") is response


@pytest.mark.parametrize(
    ("query", "response"),
    [(b"format=json", True), (b"format=", True), (b"xformat=api", True), (b"format=json&format=api", False)],
)
def test_format(query, response):
    assert names_json(query) is response


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("FLOWS_PORT", "http", "FLOWS_PORT: 'http' can't be used: give a whole number from 0 to 65535."),
        ("FLOWS_WORKERS", "0", "FLOWS_WORKERS: '0' can't be used: give a whole number of at least 1."),
        ("FLOWS_LOG_FORMAT", "xml", "FLOWS_LOG_FORMAT: 'xml' can't be used: give one of auto, json, console."),
        ("FLOWS_TOKEN_CACHE", "60", "FLOWS_TOKEN_CACHE: '60' can't be used: give a number of seconds from 0 to 1."),
        (
            "FLOWS_BOOTSTRAP_TOKEN",
            "a b",
            "FLOWS_BOOTSTRAP_TOKEN: the value can't be used: a token has visible ASCII characters only, and no blanks.",
        ),
        (
            "FLOWS_METRICS_TOKEN",
            "\u00fc",
            "FLOWS_METRICS_TOKEN: the value can't be used: a token has visible ASCII characters only, and no blanks.",
        ),
    ],
)
def test_settings_that_can_not_be_used(variable, value, said):
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({variable: value})
    assert str(caught.value) == said


def test_settings_from_the_environment():
    settings = Settings.from_environment(
        {"FLOWS_PORT": " 9 ", "FLOWS_HOST": "", "FLOWS_LOG_LEVEL": "ERROR", "PATH": "x"}
    )
    assert (settings.port, settings.host, settings.log_level) == (9, "127.0.0.1", "error")


def test_a_setting_is_read_by_its_earlier_name_unless_the_new_one_is_set():
    earlier = {"FLOWS_TOKEN_MEMORY": "0", "FLOWS_ANSWER_MEMORY": "7"}
    settings = Settings.from_environment(earlier)
    assert (settings.token_cache, settings.response_cache) == (0.0, 7)
    assert Settings.from_environment({**earlier, "FLOWS_TOKEN_CACHE": "0.5"}).token_cache == 0.5


def test_each_setting_is_documented():
    rows = [line for line in (DOCS / "settings.md").read_text("utf-8").splitlines() if line.startswith("| `FLOWS_")]
    assert rows == [
        f"| `{name}` | {f'`{default}`' if default else 'none'} | {meaning} |" for name, default, meaning in describe()
    ]


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("flows.example", "flows.example"), ("::1", "[::1]")]
)
def test_a_host_stands_in_a_url(host, shown):
    assert Settings.from_environment({"FLOWS_HOST": host}).url_host == shown
