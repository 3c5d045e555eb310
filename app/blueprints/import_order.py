"""Import of blueprints that depend on one another."""

from collections.abc import Mapping
from functools import partial

from app.blueprints.host_access import HostAccess
from app.blueprints.importing import apply
from app.blueprints.limits import MAX_SECONDS_OF_A_COMMAND
from app.blueprints.reporting import Outcome
from app.store import Store

# No access to the host, by default.
_NOTHING = HostAccess()


def apply_all(
    store: Store, texts: Mapping[str, bytes], *, host: HostAccess = _NOTHING, skip_unknown: bool = False
) -> dict[str, Outcome]:
    """Apply blueprints in the order of their dependencies, each in its own transaction.

    One that fails is retried after others, and a `!Find` without a result is an error at first: another blueprint may create the
    object. When no further one can be applied, such a `!Find` is null, as for a single blueprint.

    :param texts: the blueprints by name, in the order of those without dependencies
    :param host: their access to the host
    :param skip_unknown: whether entries that need something unknown here are skipped, with the entries that depend on them
    :returns: the outcome of each; those that were applied stay, even if others fail
    :raises Unavailable: the database does not respond
    """
    outcomes: dict[str, Outcome] = {}
    waiting = list(texts)
    given = partial(apply, store, seconds=MAX_SECONDS_OF_A_COMMAND, host=host, skip_unknown=skip_unknown)
    while waiting:
        outcomes |= {name: given(texts[name], strict=True) for name in waiting}
        left = [name for name in waiting if not outcomes[name].success]
        if len(left) == len(waiting):
            for name in waiting:
                outcomes[name] = given(texts[name])
                if outcomes[name].success:
                    left.remove(name)
                    break
            else:
                break
        waiting = left
    return {name: outcomes[name] for name in texts}
