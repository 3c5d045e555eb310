"""Import of a blueprint in one transaction."""

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from app import errors
from app.blueprints import reporting
from app.blueprints.findings import BlueprintError, BlueprintFinding
from app.blueprints.host_access import HostAccess
from app.blueprints.limits import MAX_SECONDS
from app.blueprints.permissions import May, Permissions
from app.blueprints.reading import Blueprint, read
from app.blueprints.reporting import Done, Outcome
from app.blueprints.run import Run, Terms
from app.blueprints.tags import objection
from app.store import Store

# No access to the host, for blueprints of any origin.
_NOTHING = HostAccess()
# The maximum number of attempts in case of conflicts, and the first and the longest wait between them, in seconds: each is twice
# as long as the one before, with random jitter against repeated conflicts.
_ATTEMPTS, _FIRST_WAIT, _LONGEST_WAIT = 20, 0.005, 0.25


def apply(
    store: Store,
    text: bytes,
    *,
    strict: bool = False,
    may: May | None = None,
    user: str = "",
    seconds: int = MAX_SECONDS,
    host: HostAccess = _NOTHING,
    skip_unknown: bool = False,
) -> Outcome:
    """Apply a blueprint in isolation from concurrent changes.

    :param text: the YAML
    :param strict: whether a `!Find` without a result is an error; otherwise it is null, as in authentik
    :param may: whether the sender has a permission; None if everything is allowed
    :param user: the key of the sender, the creator of objects that name no other; default: the administrator
    :param seconds: the time limit
    :param host: its access to the host
    :param skip_unknown: whether entries that need something unknown here are skipped, with the entries that depend on them
    :returns: the outcome. A blueprint with any error changes nothing
    :raises Unavailable: the database does not respond, or concurrent transactions conflicted again and again; nothing was changed
    """
    host = replace(host, optional=skip_unknown)
    try:
        blueprint = read(text, partial(objection, host=host))
    except BlueprintError as error:
        return reporting.rejected(error.findings)
    if not blueprint.entries:
        if blueprint.findings:
            return reporting.rejected(blueprint.findings, notes=blueprint.notes)
        return reporting.applied([], blueprint.notes)
    terms = Terms(strict, Permissions(may), user, seconds, host, skip_unknown)
    conflict: Exception | None = None
    doubtful: Outcome | None = None
    for _ in _attempts(2 * seconds):
        try:
            outcome, certain = _attempt(store, blueprint, terms)
        except errors.SerializationFailure as error:
            conflict = error
            continue
        if certain or (doubtful is not None and outcome.findings == doubtful.findings):
            return outcome
        doubtful = outcome
    raise errors.Unavailable(f"Concurrent transactions conflicted with the import again and again: {conflict}")


class _IsWrong(Exception):
    """An error in a blueprint, to roll back the transaction."""


def _attempts(patience: int) -> Iterator[None]:
    """Iterate over attempts, with a wait before each further one. :param patience: the time limit in seconds"""
    gives_up = time.monotonic() + patience
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0, min(_FIRST_WAIT * 2**attempt, _LONGEST_WAIT)))  # noqa: S311  # no secret
            if time.monotonic() > gives_up:
                return
        yield


def _attempt(store: Store, blueprint: Blueprint, terms: Terms) -> tuple[Outcome, bool]:
    """Apply a blueprint once. Entries after an erroneous one are checked too, up to the limit of reported errors.

    :returns: the outcome, and whether it is final: a taken value may be that of a concurrent transaction
    :raises SerializationFailure: a concurrent transaction conflicts with it; nothing was changed
    """
    run: Run | None = None
    certain = True
    try:
        with store.database.serializable() as session:
            run = Run(store, session, blueprint, terms)
            run.apply_all(blueprint.entries)
            if run.findings or blueprint.findings:
                raise _IsWrong
            return reporting.applied(run.done, blueprint.notes), True
    except (BlueprintError, errors.NotUnique, errors.NotFound, _IsWrong) as error:
        if run is None:
            raise
        if not isinstance(error, _IsWrong):
            run.reject(error)
        certain = not isinstance(error, errors.NotUnique | errors.NotFound)
    return reporting.rejected(_elsewhere(blueprint, run.done), _all(blueprint, run.done), blueprint.notes), certain


def _elsewhere(blueprint: Blueprint, done: list[Done]) -> list[BlueprintFinding]:
    """The findings that belong to no entry."""
    reported = {finding for one in done for finding in one.findings}
    return [finding for finding in blueprint.findings if finding not in reported]


def _all(blueprint: Blueprint, done: list[Done]) -> list[Done]:
    """The results of all entries: those that were not reached are skipped."""
    return [*done, *(Done(entry, "skipped") for entry in blueprint.entries[len(done) :])]
