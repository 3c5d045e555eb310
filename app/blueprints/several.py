"""Apply blueprints that need one another."""

from collections.abc import Mapping

from app.blueprints.importing import apply
from app.blueprints.limits import MAX_SECONDS_OF_A_COMMAND
from app.blueprints.objects import Store
from app.blueprints.reporting import Outcome


def apply_all(store: Store, texts: Mapping[str, bytes]) -> dict[str, Outcome]:
    """Apply blueprints in the order in which they need one another, each as a whole.

    One that fails is tried again when others have been applied, and a `!Find` that finds nothing is first taken for a failure:
    another blueprint may have the object. When no further one can be applied so, it is null, as it is for a single blueprint.

    :param texts: the blueprints by name, in the order in which those that need no other are applied
    :returns: what became of each; those that were applied stay, whatever becomes of others
    :raises Unavailable: the database does not answer
    """
    outcomes: dict[str, Outcome] = {}
    waiting, seconds = list(texts), MAX_SECONDS_OF_A_COMMAND
    while waiting:
        outcomes |= {name: apply(store, texts[name], strict=True, seconds=seconds) for name in waiting}
        left = [name for name in waiting if not outcomes[name].success]
        if len(left) == len(waiting):
            for name in waiting:
                outcomes[name] = apply(store, texts[name], seconds=seconds)
                if outcomes[name].success:
                    left.remove(name)
                    break
            else:
                break
        waiting = left
    return {name: outcomes[name] for name in texts}
