"""The table and the diagrams of `docs/architecture.md` show the packages, the imports and the calls that there are."""

import re

import pytest

from tests.architecture.picture import CONTAINERS, PACKAGE, PAGE, STEPS, drawn, path_of_a_request


@pytest.mark.parametrize("container", CONTAINERS)
def test_each_package_and_module_has_a_row(container):
    described = set(re.findall(r"`(app/[\w./]+)`", PAGE.read_text("utf-8").partition("## Imports")[0]))
    folder = PACKAGE.joinpath(*container.split(".")[1:])
    packages = [f"{path.parent.relative_to(PACKAGE.parent)}/" for path in folder.glob("*/__init__.py")]
    modules = [str(path.relative_to(PACKAGE.parent)) for path in folder.glob("*.py") if not path.stem.startswith("__")]
    # A package is described by its row, or by those of the packages in it.
    assert not [path for path in packages + modules if not any(row.startswith(path) for row in described)]


def test_the_pictures_are_those_of_the_code():
    text = PAGE.read_text("utf-8")
    assert text == drawn(text), "The imports or the path of a request have changed: run `make picture`."


def test_each_step_of_a_request_is_named():
    assert set(path_of_a_request()) == STEPS.keys()
