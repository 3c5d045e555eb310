"""The diagrams of `docs/architecture.md` show the imports and the calls that there are."""

from tests.architecture.picture import PAGE, STEPS, drawn, path_of_a_request


def test_the_pictures_are_those_of_the_code():
    text = PAGE.read_text("utf-8")
    assert text == drawn(text), "The imports or the path of a request have changed: run `make picture`."


def test_each_step_of_a_request_is_named():
    assert set(path_of_a_request()) == STEPS.keys()
