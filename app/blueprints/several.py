"""Apply blueprints that need one another."""

from collections.abc import Mapping
from functools import partial

from app.blueprints.importing import apply
from app.blueprints.limits import MAX_SECONDS_OF_A_COMMAND
from app.blueprints.machine import Machine
from app.blueprints.reporting import Outcome
from app.store import Store

# What a blueprint may read of the machine unless it is allowed.
_NOTHING = Machine()


def apply_all(
    store: Store, texts: Mapping[str, bytes], *, machine: Machine = _NOTHING, skip_unknown: bool = False
) -> dict[str, Outcome]:
    """Apply blueprints in the order in which they need one another, each as a whole.

    One that fails is tried again when others have been applied, and a `!Find` that finds nothing is first taken for a failure:
    another blueprint may have the object. When no further one can be applied so, it is null, as it is for a single blueprint.

    :param texts: the blueprints by name, in the order in which those that need no other are applied
    :param machine: what they may read of the machine
    :param skip_unknown: whether entries of models that are not served, and what depends on them, are skipped
    :returns: what became of each; those that were applied stay, whatever becomes of others
    :raises Unavailable: the database does not answer
    """
    outcomes: dict[str, Outcome] = {}
    waiting = list(texts)
    given = partial(apply, store, seconds=MAX_SECONDS_OF_A_COMMAND, machine=machine, skip_unknown=skip_unknown)
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
