"""The most similar known name for a misspelt one."""

from difflib import get_close_matches
from functools import lru_cache

from app.blueprints.limits import MAX_NAME


def similar(name: str, known: tuple[str, ...], least: float = 0.6) -> str | None:
    """The known name that is most similar to a name; None if there is none.

    :param least: the minimum similarity, from 0 to 1
    """
    return _similar(name[:MAX_NAME], known, least)


# A comparison takes some 30 microseconds for each known name, and an alias may repeat a misspelt one in every entry.
@lru_cache(maxsize=256)
def _similar(name: str, known: tuple[str, ...], least: float) -> str | None:
    return next(iter(get_close_matches(name, known, n=1, cutoff=least)), None)
