"""`info.version` has to move as far as the change demands."""

import pytest

from app.contract.document.contract import Contract, File
from app.review.comparing.differences import Rating
from app.review.reviewing import review
from app.review.versions import check_version
from tests.review.changes import CHANGES, both

DOCS, SAFE, BREAKING = Rating


def contract(version):
    document = {"info": {"version": version}}
    return Contract((File(None, "it.yaml", b"", document, dict),), document, {})


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """The findings of a change of each rating."""
    rated = {label["rating"]: change for change in CHANGES for label in change["finds"] if len(change["finds"]) == 1}
    folder = tmp_path_factory.mktemp("changes")
    return {rating: review(*both(rated[str(rating)], folder / str(rating))) for rating in Rating}


@pytest.mark.parametrize(
    ("before", "after", "rating", "demand"),
    [
        ("1.4.0", "1.4.0", BREAKING, "2.0.0 or a later one"),
        ("1.4.0", "1.5.0", BREAKING, "2.0.0 or a later one"),
        ("1.4.0", "2.0.0", BREAKING, None),
        ("1.4.0", "10.0.0", BREAKING, None),
        ("1.4.0", "1.4.0", SAFE, "1.5.0 or a later one"),
        ("1.4.0", "1.4.1", SAFE, "1.5.0 or a later one"),
        ("1.4.0", "1.5.0", SAFE, None),
        ("1.4.0", "2.0.0", SAFE, None),
        ("1.4.0", "1.4.0", DOCS, None),
        ("1.4.0", "1.4.1", DOCS, None),
        ("1.4.0", "1.3.9", DOCS, "1.4.0 or a later one"),
        ("1.10.0", "1.9.0", SAFE, "1.11.0 or a later one"),
        ("0.3.1", "0.3.2", BREAKING, "0.4.0 or a later one"),
        ("0.3.1", "0.4.0", BREAKING, None),
        ("0.3.1", "0.3.2", SAFE, None),
        ("2024.8.1", "2024.8.2", BREAKING, "2024.9.0 or a later one"),
        ("2024.8.1", "2024.10.0", BREAKING, None),
        ("2024.8.1", "2025.1.0", BREAKING, None),
        ("2024.8.1", "2024.8.2", SAFE, None),
        ("7", "7", SAFE, "8 or a later one"),
        ("v1", "v2", BREAKING, None),
        ("draft", "draft", BREAKING, "another one"),
        ("draft", "final", BREAKING, None),
        # A version that comes before another one promises nothing, and has to be a later one only.
        ("2.0.0-rc.1", "2.0.0-rc.2", BREAKING, None),
        ("2.0.0-rc.2", "2.0.0-rc.10", SAFE, None),
        ("2.0.0-rc.1", "2.0.0", BREAKING, None),
        ("2.0.0-rc.1", "2.0.0-rc.1", SAFE, "2.0.0 or a later one"),
        ("2.0.0", "2.0.0-rc.1", DOCS, "2.0.0 or a later one"),
        ("2.0.0-rc.1", "2.0.0-beta.5", DOCS, "2.0.0 or a later one"),
        ("1.4.0", "2.0.0-rc.1", BREAKING, None),
        ("1.4.0", "1.5.0-rc.1", BREAKING, "2.0.0 or a later one"),
        ("1.0.0rc1", "1.0.0", BREAKING, None),
        ("v1beta1", "v1beta2", BREAKING, None),
        ("v1beta2", "v1", BREAKING, None),
        ("1.4.0+5", "1.4.0+6", SAFE, "1.5.0 or a later one"),
        ("1.4.0+5", "1.5.0+1", SAFE, None),
        ("1.4", "1.4.0", DOCS, None),
        ("1.4", "1.4.0", SAFE, "1.5 or a later one"),
        ("2024.8.3", "2024.8.3.post1729836879", DOCS, None),
        ("2024.8.3", "2024.8.3.post1729836879", SAFE, "2024.8.4 or a later one"),
        ("2024-08-01", "2024-08-02", BREAKING, None),
        ("2024-08-01", "2024-08-01", SAFE, "a day after 2024-08-01"),
        ("2024-11-01", "2024-10-31", DOCS, "2024-11-01 or a later day"),
        ("2024-12-31", "2025-01-01", BREAKING, None),
        ("2024-08-01-preview", "2024-08-01", BREAKING, None),
        ("2024-08-01", "2024-08-01-preview", DOCS, "2024-08-01 or a later day"),
        ("20240801", "20240901", BREAKING, None),
        ("2024-08", "2024-09", BREAKING, None),
        ("2024-08-01", "1.0.0", BREAKING, None),
    ],
)
def test_version(before, after, rating, demand, findings):
    found = check_version(contract(before), contract(after), findings[rating])
    assert (found is None) is (demand is None)
    if found is not None:
        assert found.what.endswith(f" Make it {demand}.")
        is_earlier = "which is earlier" in found.what
        assert found.rating == (BREAKING if is_earlier else rating)


def test_version__stays_if_nothing_differs():
    assert check_version(contract("1.4.0"), contract("1.4.0"), []) is None
