"""Apply a blueprint: all of it in one transaction, or nothing."""

import random
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from app import errors
from app.blueprints import reporting
from app.blueprints.document import Value
from app.blueprints.limits import MAX_SECONDS, Allowance
from app.blueprints.mistakes import BlueprintError, Mistake, Place, mistake
from app.blueprints.objects import Model, Store
from app.blueprints.permissions import May, Permissions
from app.blueprints.reading import STATES, Blueprint, Entry, read
from app.blueprints.reporting import Done, Outcome
from app.blueprints.tags import Resolver

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# By this model a blueprint of authentik asks for another one to be applied first.
_ANOTHER_BLUEPRINT = "authentik_blueprints.metaapplyblueprint"
# What authentik knows besides the blueprint's own context. There is no licence here.
_CONTEXT = {"goauthentik.io/enterprise/licensed": Value(1, 1, False)}
# How often a blueprint is applied anew when others come in between, and the longest waits before that, in seconds: of the first,
# from which on each is twice as long, and of all. Chance spreads those who are in one another's way.
_ATTEMPTS, _FIRST_WAIT, _LONGEST_WAIT = 20, 0.005, 0.25


def apply(
    store: Store, text: bytes, *, strict: bool = False, may: May | None = None, seconds: int = MAX_SECONDS
) -> Outcome:
    """Apply a blueprint as if nobody else changed anything meanwhile.

    :param text: the YAML
    :param strict: whether a `!Find` that finds nothing is wrong; otherwise it is null, as in authentik
    :param may: whether the sender has a permission; None if everything is allowed
    :param seconds: how long it may take
    :returns: what became of it. A blueprint that is wrong in any way changes nothing
    :raises Unavailable: the database does not answer, or concurrent transactions conflicted again and again; nothing was changed
    """
    try:
        blueprint = read(text)
    except BlueprintError as error:
        return reporting.refused(error.mistakes)
    if not blueprint.entries:
        return reporting.applied([])
    terms = _Terms(strict, Permissions(may), seconds)
    conflict: Exception | None = None
    doubtful: Outcome | None = None
    for _ in _attempts(2 * seconds):
        try:
            outcome, certain = _attempt(store, blueprint, terms)
        except errors.TakenBack as error:
            conflict = error
            continue
        if certain or (doubtful is not None and outcome.mistakes == doubtful.mistakes):
            return outcome
        doubtful = outcome
    raise errors.Unavailable(f"Concurrent transactions conflicted with the import again and again: {conflict}")


class _Terms(NamedTuple):
    """How a blueprint is applied.

    :param strict: whether a `!Find` that finds nothing is wrong
    :param permissions: what its sender may do
    :param seconds: how long it may take
    """

    strict: bool
    permissions: Permissions
    seconds: int


def _attempts(patience: int) -> Iterator[None]:
    """Begin again and again, after a while each time. :param patience: for so many seconds"""
    gives_up = time.monotonic() + patience
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0, min(_FIRST_WAIT * 2**attempt, _LONGEST_WAIT)))  # noqa: S311  # no secret
            if time.monotonic() > gives_up:
                return
        yield


def _attempt(store: Store, blueprint: Blueprint, terms: _Terms) -> tuple[Outcome, bool]:
    """Apply a blueprint once.

    :returns: what became of it, and whether it is certain: a value that is taken may be so by somebody who came in between
    :raises TakenBack: a concurrent transaction conflicts with it; nothing was changed
    """
    run: _Run | None = None
    try:
        with store.database.serializable() as session:
            run = _Run(store, session, blueprint, terms)
            done = [run.apply(entry) for entry in blueprint.entries]
    except (BlueprintError, errors.Invalid, errors.NotUnique, errors.Missing, errors.NotFound) as error:
        if run is None:
            raise
        outcome = reporting.refused(run.mistakes(error), blueprint.entries, run.entry)
        return outcome, not isinstance(error, errors.NotUnique | errors.NotFound)
    return reporting.applied(done), True


class _Run:
    """One application of a blueprint, within a transaction."""

    def __init__(self, store: Store, session: Any, blueprint: Blueprint, terms: _Terms) -> None:
        self._store = store
        self._session = session
        self._strict = terms.strict
        self._permissions = terms.permissions
        self._allowance = Allowance(terms.seconds)
        self._resolver = Resolver({**_CONTEXT, **blueprint.context}, self._find_pk, self._key_of)
        # The entry that is applied now.
        self.entry = blueprint.entries[0]
        # The objects of the entries above, by the entry's id and by the pk that it gave.
        self._by_id: dict[str, str] = {}
        self._by_pk: dict[str, str] = {}

    def apply(self, entry: Entry) -> Done:
        """Apply an entry. :raises BlueprintError: it is wrong, as do the errors of the store that `mistakes` knows"""
        self.entry = entry
        self._allowance.check_time(entry.place)
        if not all(self._resolved(entry.conditions, list, "The conditions are a list.")):
            return Done(entry, "skipped", note="its conditions do not hold")
        name = self._resolver.resolve(entry.model)
        if name == _ANOTHER_BLUEPRINT:
            return Done(entry, "skipped", note="each blueprint is applied by itself here")
        model = self._model(name, entry.model.place)
        state = "present" if entry.state is None else self._resolver.resolve(entry.state)
        if state not in STATES:
            raise mistake(_place(entry.state, entry), f"The state is one of {', '.join(STATES)}.")
        identifiers = self._resolved(entry.identifiers, dict, "The identifiers are a mapping.")
        if not identifiers:
            raise mistake(_place(entry.identifiers, entry), "An entry has identifiers, by which its object is known.")
        if state == "absent":
            self._permissions.check_delete(model, _place(entry.state, entry))
        given = self._given_pk(identifiers)
        known_by = self._renamed(model, {name: value for name, value in identifiers.items() if name != "pk"})
        found = self._existing(model, given and self._by_pk.get(given, given), known_by)
        if state == "absent":
            return self._remove(model, found)
        if found is not None and state == "must_created":
            raise mistake(_place(entry.state, entry), "There is such an object already, and the state is must_created.")
        action, pk = self._keep(model, state, found, given, known_by)
        if entry.id is not None:
            self._by_id.setdefault(entry.id, pk)
        if given is not None:
            self._by_pk[given] = pk
        ignored = entry.permissions is not None and entry.permissions.content
        return Done(entry, action, pk, "its permissions are ignored" if ignored else "")

    def _keep(
        self, model: Model, state: str, found: str | None, given: str | None, known_by: Mapping[str, Any]
    ) -> tuple[str, str]:
        """Create the object, or change it. :returns: what was done, and its pk"""
        if found is not None and state == "created":
            return "unchanged", found
        attrs = self._resolved(self.entry.attrs, dict, "The attributes are a mapping.")
        wanted = {**self._renamed(model, attrs), **known_by}
        members = {name: wanted[name] for name in (*model.members, *model.preset) if name in wanted}
        repository = self._store.repository(model.name)
        if found is None:
            return "created", repository.add(self._session, repository.as_stored(model.read_new(members)), given)
        stored = repository.read(self._session, found, lock=True)
        wanted = repository.as_stored(model.read_change(members))
        changes = {name: value for name, value in wanted.items() if stored[name] != value}
        if not changes:
            return "unchanged", found
        repository.change(self._session, found, changes)
        return "updated", found

    def _remove(self, model: Model, found: str | None) -> Done:
        if found is None:
            return Done(self.entry, "skipped", note="there is no such object")
        self._store.repository(model.name).remove(self._session, found)
        return Done(self.entry, "deleted", found)

    def _existing(self, model: Model, pk: str | None, known_by: Mapping[str, Any]) -> str | None:
        """The object that an entry is about: the one of this pk or else, as in authentik, the one of the other identifiers."""
        for name, value in known_by.items():
            if name not in model.members:
                raise BlueprintError([self._about(name, f"{model.name} has no such member.")])
            if isinstance(value, list | dict):
                raise BlueprintError([self._about(name, "No object is known by a list or a mapping.")])
        self._permissions.check_identifiers(model, known_by, _place(self.entry.identifiers, self.entry))
        repository = self._store.repository(model.name)
        if pk is not None and (found := repository.find(self._session, {"pk": pk})) is not None:
            return found
        return repository.find(self._session, _checked(model, known_by)) if known_by else None

    def _given_pk(self, identifiers: Mapping[str, Any]) -> str | None:
        """The pk that an entry gives its object."""
        pk = identifiers.get("pk")
        if pk is None:
            return None
        if not _is_pk(pk):
            raise BlueprintError([self._about("pk", "A pk is a UUID.")])
        return str(pk).lower()

    def _renamed(self, model: Model, members: Mapping[str, Any]) -> dict[str, Any]:
        """Members that lead to the objects of entries above by the pks those gave, led to the pks that they have."""

        def renamed(value: Any) -> Any:
            if isinstance(value, list):
                return [renamed(one) for one in value]
            return self._by_pk.get(value.lower(), value) if isinstance(value, str) else value

        return {name: renamed(value) if name in model.references else value for name, value in members.items()}

    def _resolved(self, value: Value | None, kind: type[Any], problem: str) -> Any:
        """What a list or a mapping of an entry stands for, empty if it is left out."""
        data = None if value is None else self._resolver.resolve(value)
        if value is None or data is None:
            return kind()
        if not isinstance(data, kind):
            raise mistake(value.place, problem)
        return data

    def _model(self, name: Any, place: Place) -> Model:
        model = self._store.models.get(name.lower()) if isinstance(name, str) else None
        if model is None:
            raise mistake(place, f"There is no model {name!r} here.")
        return model

    def _key_of(self, id_: str, place: Place) -> str:
        if id_ not in self._by_id:
            raise mistake(place, f"No entry above has the id {id_!r} and an object.")
        return self._by_id[id_]

    def _find_pk(self, name: str, members: Mapping[str, Any], place: Place) -> str | None:
        self._allowance.spend_lookup(place)
        model = self._model(name, place)
        for member, value in members.items():
            if member not in model.members and member != "pk":
                raise mistake(place, f"{model.name} has no member {member!r}.")
            if isinstance(value, list | dict):
                raise mistake(place, "No object is found by a list or a mapping.")
        self._permissions.check_find(model, members, place)
        try:
            wanted = _checked(model, {name: value for name, value in members.items() if name != "pk"})
        except errors.Invalid as error:
            problems = [f"{member}: {messages[0]}" for member, messages in error.messages.items()]
            raise mistake(place, "; ".join(problems)) from error
        if "pk" in members:
            # Anything but a UUID is the pk of nothing.
            wanted["pk"] = members["pk"].lower() if _is_pk(members["pk"]) else ""
        found = self._store.repository(model.name).find(self._session, wanted)
        if found is None and self._strict:
            raise mistake(place, "There is no such object.")
        return found

    def mistakes(self, error: Exception) -> tuple[Mistake, ...]:
        """What is wrong with the entry that is applied now."""
        match error:
            case BlueprintError():
                return error.mistakes
            case errors.Invalid():
                return self._all_about(error.messages)
            case errors.NotUnique() | errors.Missing():
                model = self._model(self._resolver.resolve(self.entry.model), self.entry.model.place)
                return self._all_about(model.messages_of(error))
            case _:
                return (Mistake(self.entry.place, "Somebody else has deleted the object meanwhile."),)

    def _all_about(self, messages: Mapping[str, Any]) -> tuple[Mistake, ...]:
        return tuple(
            self._about(member, str(message))
            for member, sentences in messages.items()
            for message in (sentences if isinstance(sentences, list) else [sentences])
        )

    def _about(self, member: str, message: str) -> Mistake:
        """A mistake of a member, at its value. One that is left out is missing from the attributes."""
        for part in (self.entry.identifiers, self.entry.attrs):
            if part is not None and isinstance(part.content, dict) and member in part.content:
                return Mistake(part.content[member].place, message, member)
        return Mistake(_place(self.entry.attrs, self.entry), message, member)


def _checked(model: Model, members: Mapping[str, Any]) -> dict[str, Any]:
    """Members to find an object by, as it has them. :raises Invalid: one of them is wrong"""
    try:
        return model.read_change(members)
    except errors.Invalid as error:
        wrong = {name: messages for name, messages in error.messages.items() if name in members}
        if wrong:
            raise errors.Invalid(wrong) from error
        # A rule on several members, of which these are not all.
        return dict(members)


def _is_pk(value: Any) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _place(value: Value | None, entry: Entry) -> Place:
    return entry.place if value is None else value.place
