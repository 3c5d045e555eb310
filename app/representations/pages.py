"""The envelope of every list."""

from collections.abc import Sequence
from typing import Any


def page_of(results: Sequence[Any], count: int, page: int, page_size: int) -> dict[str, Any]:
    """A page with its position among all pages: `0` for a page that does not exist (recorded: `list.page.*`).

    :param results: the objects of the page
    :param count: the number of matching objects on all pages
    :param page: number of the page, from 1
    :param page_size: objects on a full page
    """
    pages = max(1, -(-count // page_size))
    return {
        "pagination": {
            "next": page + 1 if page < pages else 0,
            "previous": page - 1,
            "count": count,
            "current": page,
            "total_pages": pages,
            "start_index": (page - 1) * page_size + 1 if count else 0,
            "end_index": min(page * page_size, count),
        },
        "results": results,
    }
