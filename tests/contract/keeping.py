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
    :param keeps: what the store can do with the objects of an operation, by operationId; None if it keeps none
    """

    def collection_of(operation_id):
        return operation_id if keeps is not None and keeps(operation_id) is not None else None

    return checks.Implementation(lambda _: handlers, collection_of, lambda _: keeps, **options)
