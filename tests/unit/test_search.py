"""The search column: each character in capital letters by itself, as authentik's database has it."""

from app.store.schema.search import fold, search_text
from tests.growth import TIMES, in_proportion

EVERYTHING = "".join(map(chr, range(0x110000)))


def test_each_character_is_folded_by_itself():
    folded = fold(EVERYTHING)
    assert len(folded) == len(EVERYTHING)
    for character, upper in zip(EVERYTHING, folded, strict=True):
        assert upper == (character.upper() if len(character.upper()) == 1 else character)


def test_what_surrounds_a_character_changes_nothing():
    for text in ("straße", "ß]a", "^ß-ä", "ŉ\\ßẞ", "ßßa", "ﬁn"):
        assert fold(text) == "".join(map(fold, text))


def test_a_long_text_is_folded_at_once():
    assert in_proportion(lambda text: search_text([text]), "äß" * 5_000, "äß" * 5_000 * TIMES, floor=1e-3)
