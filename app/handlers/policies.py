"""The operations on the cache of policies."""

from app.store import Store


def policies_all_cache_info_retrieve(_store: Store) -> dict[str, int]:
    """The number of cached policy results: none, as policies are not executed here."""
    return {"count": 0}


def policies_all_cache_clear_create(_store: Store) -> None:
    """Discard the cached policy results, of which there are none."""
