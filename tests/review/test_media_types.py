"""Media types by their meaning."""

import pytest

from app.review.comparing.media_types import canonical


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("text/html", "TEXT/html", True),
        ("text/html; charset=utf-8", "text/html", True),
        ('text/html; charset="ISO-8859-1"', "text/html;charset=iso-8859-1", True),
        ("application/json; charset=latin1", "application/json", True),
        ("text/html; level=1; a=b", "text/html; A=b ;level=1", True),
        ('text/x; a="b;c=d"', 'text/x; a="b"; c=d', False),
        (r'text/x; a="b\"c"', 'text/x; a="bc"', False),
        ("text/html; level=1", "text/html; level=2", False),
    ],
)
def test_two_ways_to_write_a_media_type_are_the_same_only_if_they_mean_the_same(one, other, same):
    assert (canonical(one) == canonical(other)) is same
