"""A store for contracts of tests: what it can do with their properties."""

from app.contract import checks
from app.domain import Capabilities, Filter


def keeping(*names):
    """What a store can do that keeps some texts, and nothing else."""
    return Capabilities(
        collection="things",
        kept=frozenset(names),
        columns={},
        filters={name: Filter("string", lists=False, reference=None) for name in names},
        sorts=frozenset(names),
        searches=frozenset(names),
        unique=frozenset(),
        references={},
    )


def implementation(handlers, keeps=None, **options):
    """What stands behind the contract of a test.

    :param handlers: by name
    :param keeps: what the store can do with the objects of a model or collection
    """
    return checks.Implementation(lambda _: handlers, lambda _: keeps, **options)
