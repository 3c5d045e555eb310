"""The operations on the cache of policies."""

from app.store import Store


def policies_all_cache_info_retrieve(_store: Store) -> dict[str, int]:
    """How many results of policies are cached: none is kept."""
    return {"count": 0}


def policies_all_cache_clear_create(_store: Store) -> None:
    """Drop the cached results of policies, of which there are none."""
