"""`docs/reviewing.md` shows what its commands answer."""

from tests.review.page import PAGE, carried_out


def test_page(tmp_path):
    text = PAGE.read_text("utf-8")
    assert carried_out(text, tmp_path / "repository") == text
    assert all(f"--format {form}" in text for form in ("markdown", "github"))
