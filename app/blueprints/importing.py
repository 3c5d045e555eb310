"""Apply a blueprint: all of it in one transaction, or nothing."""

import random
import time
from collections.abc import Iterator
from functools import partial

from app import errors
from app.blueprints import reporting
from app.blueprints.findings import BlueprintError, BlueprintFinding
from app.blueprints.limits import MAX_SECONDS
from app.blueprints.machine import Machine
from app.blueprints.permissions import May, Permissions
from app.blueprints.reading import Blueprint, read
from app.blueprints.reporting import Done, Outcome
from app.blueprints.run import Run, Terms
from app.blueprints.tags import objection
from app.store import Store

# What a blueprint may read that comes from anywhere.
_NOTHING = Machine()
# How often a blueprint is applied anew when others come in between, and the longest waits before that, in seconds: of the first,
# from which on each is twice as long, and of all. Chance spreads those who are in one another's way.
_ATTEMPTS, _FIRST_WAIT, _LONGEST_WAIT = 20, 0.005, 0.25


def apply(
    store: Store,
    text: bytes,
    *,
    strict: bool = False,
    may: May | None = None,
    seconds: int = MAX_SECONDS,
    machine: Machine = _NOTHING,
    skip_unknown: bool = False,
) -> Outcome:
    """Apply a blueprint as if nobody else changed anything meanwhile.

    :param text: the YAML
    :param strict: whether a `!Find` that finds nothing is wrong; otherwise it is null, as in authentik
    :param may: whether the sender has a permission; None if everything is allowed
    :param seconds: how long it may take
    :param machine: what it may read of the machine
    :param skip_unknown: whether entries of models that are not served, and what depends on them, are skipped
    :returns: what became of it. A blueprint that is wrong in any way changes nothing
    :raises Unavailable: the database does not answer, or concurrent transactions conflicted again and again; nothing was changed
    """
    try:
        blueprint = read(text, partial(objection, machine=machine))
    except BlueprintError as error:
        return reporting.rejected(error.findings)
    if not blueprint.entries:
        if blueprint.findings:
            return reporting.rejected(blueprint.findings, notes=blueprint.notes)
        return reporting.applied([], blueprint.notes)
    terms = Terms(strict, Permissions(may), seconds, machine, skip_unknown)
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
    """Something is wrong with a blueprint, so that all of it is undone."""


def _attempts(patience: int) -> Iterator[None]:
    """Begin again and again, after a while each time. :param patience: for so many seconds"""
    gives_up = time.monotonic() + patience
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0, min(_FIRST_WAIT * 2**attempt, _LONGEST_WAIT)))  # noqa: S311  # no secret
            if time.monotonic() > gives_up:
                return
        yield


def _attempt(store: Store, blueprint: Blueprint, terms: Terms) -> tuple[Outcome, bool]:
    """Apply a blueprint once. All entries are looked at, though some are wrong, until there are more errors than are told of.

    :returns: what became of it, and whether it is certain: a value that is taken may be so by somebody who came in between
    :raises TakenBack: a concurrent transaction conflicts with it; nothing was changed
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
    """What is wrong with a blueprint and is not told of any entry."""
    reported = {finding for one in done for finding in one.findings}
    return [finding for finding in blueprint.findings if finding not in reported]


def _all(blueprint: Blueprint, done: list[Done]) -> list[Done]:
    """What became of all entries: those that were not reached are skipped."""
    return [*done, *(Done(entry, "skipped") for entry in blueprint.entries[len(done) :])]
