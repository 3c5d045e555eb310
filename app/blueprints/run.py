"""One application of a blueprint, within a transaction: entry by entry, continued after errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from app import errors
from app.blueprints import releases
from app.blueprints.document import Value
from app.blueprints.findings import BlueprintError, BlueprintFinding, Exhausted, Note, NotHere, Place, finding
from app.blueprints.host_access import HostAccess
from app.blueprints.leaving_out import LeftOut
from app.blueprints.limits import MAX_FINDINGS, MAX_NOTES, Allowance
from app.blueprints.lookups import Lookups, shown_pk, stored_pk
from app.blueprints.permissions import Permissions
from app.blueprints.problems import Problems, about, all_about, hint, place_of, unknown
from app.blueprints.reading import STATES, Blueprint, Entry
from app.blueprints.references import DependsOnLost, IsGone, References
from app.blueprints.reporting import Done
from app.blueprints.tags import Resolver
from app.domain import Model
from app.store import Store

# The model by which a blueprint of authentik requests to apply another one first.
_ANOTHER_BLUEPRINT = "authentik_blueprints.metaapplyblueprint"


@dataclass(frozen=True, slots=True)
class Terms:
    """The options of an import.

    :param strict: whether a `!Find` without a result is an error
    :param permissions: of its sender
    :param user: the key of its sender, blank for the administrator
    :param seconds: the time limit
    :param host: its access to the host
    :param skip_unknown: whether entries that need something unknown here are skipped
    """

    strict: bool
    permissions: Permissions
    user: str
    seconds: int
    host: HostAccess
    skip_unknown: bool


class Run:
    """One application of a blueprint. `done` has the results of its entries so far, `findings` the number of their errors.

    :param session: of a transaction that is rolled back on any error
    """

    def __init__(self, store: Store, session: Any, blueprint: Blueprint, terms: Terms) -> None:
        self.done: list[Done] = []
        self.findings = 0
        self._store = store
        self._session = session
        self._terms = terms
        self._allowance = Allowance(terms.seconds)
        self._lookups = Lookups(store, session, terms.permissions, self._allowance)
        self._references = References(blueprint, self._lookups, self._is_absent, strict=terms.strict)
        context = {**_context(store), **blueprint.context}
        self._resolver = Resolver(context, self._references, terms.host, self._note)
        self._entry = blueprint.entries[0]
        self._entries = {entry.id: entry for entry in reversed(blueprint.entries)}
        self._state = ""
        self._notes: list[Note] = []
        self._noted: set[Note] = set()
        # A `!Find` without a result is an error if another blueprint may create the object.
        references = terms.skip_unknown and not terms.strict
        self._leaving_out = partial(LeftOut, later=terms.skip_unknown, references=references)
        self._left_out = self._leaving_out(self._entry)

    def apply_all(self, entries: Iterable[Entry]) -> None:
        """Apply entries, also after errors, up to the limit of reported errors.

        :raises Exhausted: a limit is reached
        :raises NotUnique: a value is taken, which ends the transaction
        :raises NotFound: a concurrent transaction has deleted the object
        """
        for entry in entries:
            if self.findings > MAX_FINDINGS:
                return
            self._add(self._outcome_of(entry))

    def _outcome_of(self, entry: Entry) -> Done:
        """Apply an entry. Errors that concern the whole transaction are raised."""
        self._entry, self._state, self._notes = entry, "present", []
        self._left_out = self._leaving_out(entry)
        self._references.deleting = False
        self._allowance.check_time(entry.place)
        try:
            return self._apply(entry)
        except Exhausted:
            raise
        except DependsOnLost as error:
            wrong, done = error.lost.wrong, Done(entry, "skipped", note=f"it depends on {error.lost}")
        except errors.Forbidden:
            problem = "Only a superuser may change who is one."
            wrong, done = True, Done(entry, "error", findings=(BlueprintFinding(entry.place, problem),))
        except BlueprintError as error:
            wrong, done = True, Done(entry, "error", findings=error.findings)
            if isinstance(error, NotHere) and self._terms.skip_unknown:
                wrong, done = False, Done(entry, "skipped", note=error.problem.removesuffix("."))
        self._references.lose(entry, wrong=wrong)
        return done

    def reject(self, error: Exception) -> None:
        """Add an error that ends the import at the current entry."""
        findings: Sequence[BlueprintFinding]
        match error:
            case BlueprintError():
                findings = error.findings
            case errors.NotUnique():
                model = self._lookups.model(self._resolver.resolve(self._entry.model), self._entry.model.place)
                findings = all_about(self._entry, model, model.messages_of(error), {})
            case _:
                findings = (BlueprintFinding(self._entry.place, "The object has been deleted meanwhile."),)
        self._add(Done(self._entry, "error", findings=findings))

    def _is_absent(self, id_: str) -> bool:
        """Whether the entry with an id, earlier or later, deletes its object."""
        entry = self._entries.get(id_)
        return entry is not None and entry.state is not None and self._resolver.resolve(entry.state) == "absent"

    def _add(self, done: Done) -> None:
        self.findings += len(done.findings)
        self.done.append(replace(done, notes=tuple(self._notes)))

    def _note(self, place: Place, message: str) -> None:
        note = Note(place, message)
        if len(self._noted) <= MAX_NOTES and note not in self._noted:
            self._noted.add(note)
            self._notes.append(note)

    def _apply(self, entry: Entry) -> Done:
        """:raises BlueprintError: it has errors :raises DependsOnLost: it refers to an entry without an object"""
        if not all(self._resolved(entry.conditions, list, "The conditions must be a list.")):
            return Done(entry, "skipped", note="its conditions do not hold")
        name = self._resolver.resolve(entry.model)
        if name == _ANOTHER_BLUEPRINT:
            return Done(entry, "skipped", note="each blueprint is applied by itself here")
        self._state = "present" if entry.state is None else self._resolver.resolve(entry.state)
        if self._state not in STATES:
            raise finding(place_of(entry.state, entry), f"The state must be one of {', '.join(STATES)}.")
        try:
            model = self._lookups.model(name, entry.model.place)
        except NotHere:
            # No object of a model that is not served can exist.
            if self._state == "absent" and releases.knows(name.lower()):
                return Done(entry, "skipped", note="no objects of this model are kept here")
            raise
        self._references.deleting = self._state == "absent"
        if self._state != "absent":
            return self._present(model, entry)
        try:
            return self._absent(model, entry)
        except IsGone:
            return Done(entry, "skipped", note="what it refers to is gone")

    def _absent(self, model: Model, entry: Entry) -> Done:
        """Delete an object. :raises IsGone: an object that identifies it does not exist"""
        self._terms.permissions.check_delete(model, place_of(entry.state, entry))
        problems = Problems()
        given, known_by = self._identifiers(model, entry, problems)
        problems.raise_all()
        parts = entry.identifiers.content if entry.identifiers is not None else {}
        if any(value is None and name in parts and parts[name].tag is not None for name, value in known_by.items()):
            raise IsGone
        found = self._existing(model, given, known_by, problems)
        problems.raise_all()
        if found is None:
            return Done(entry, "skipped", note="there is no such object")
        self._store.repository(model.name).remove(self._session, found)
        self._references.add(entry, model, given, found)
        return Done(entry, "deleted", shown_pk(model, found))

    def _present(self, model: Model, entry: Entry) -> Done:
        """Create or change an object."""
        problems = Problems()
        given, known_by = self._identifiers(model, entry, problems)
        found = self._existing(model, given, known_by, problems)
        if found is not None and self._state == "must_created":
            raise finding(
                place_of(entry.state, entry), "There is such an object already, and the state is must_created."
            )
        if found is not None and self._state == "created":
            action, pk = "unchanged", found
        else:
            attrs = self._properties(entry.attrs, "The attributes must be a mapping.", problems)
            for note in islice(unknown(entry, model, attrs), MAX_NOTES + 1 - len(self._noted)):
                self._note(note.place, note.message)
            action, pk = self._keep(
                model, found, given, {**self._renamed(model, attrs, problems), **known_by}, problems
            )
            for note in self._left_out.notes.values():
                self._note(note.place, f"{note.property_name}: {note.message}")
        self._references.add(entry, model, given, pk)
        ignored = entry.permissions is not None and entry.permissions.content
        return Done(entry, action, shown_pk(model, pk), "its permissions are ignored" if ignored else "")

    def _keep(
        self, model: Model, found: str | None, given: str | None, wanted: Mapping[str, Any], problems: Problems
    ) -> tuple[str, str]:
        """Create or change the object. :returns: the action, and its pk"""
        properties = {name: wanted[name] for name in (*model.properties, *model.preset) if name in wanted}
        for name in model.set_with.keys() & properties.keys():
            # As in authentik, a secret is not set if it is null or blank.
            if properties[name] in (None, ""):
                del properties[name]
            else:
                self._terms.permissions.check_set(model, name, self._entry.place)
        repository = self._store.repository(model.name)
        if found is None and model.owned_by and model.owned_by not in properties:
            properties[model.owned_by] = int(self._terms.user or self._store.tokens.administrator(self._session))
        try:
            if problems:
                # Errors that depend on the other properties are left to the next import.
                model.read_change(properties)
                problems.raise_all()
            if found is None:
                self._terms.permissions.check_create(model, self._entry.place)
                return "created", repository.add(self._session, repository.as_stored(model.read_new(properties)), given)
            new = repository.as_stored(model.read_change(properties))
            changes = repository.changes(self._session, found, new)
            if changes:
                self._terms.permissions.check_change(model, self._entry.place)
                repository.change(self._session, found, changes)
            return "updated" if changes else "unchanged", found
        except (errors.Invalid, errors.DanglingReference) as error:
            messages = error.messages if isinstance(error, errors.Invalid) else model.messages_of(error)
            wrong = messages if isinstance(error, errors.Invalid) else error.values
            kept = self._left_out.without(model, properties, wrong)
            if kept != properties:
                return self._keep(model, found, given, kept, problems)
            self._left_out.check(model, properties, messages)
            if problems:
                reported = {one.property_name for one in problems.findings}
                messages = {name: messages[name] for name in messages if name in properties and name not in reported}
            problems.findings += all_about(self._entry, model, messages, properties)
            problems.raise_all()
            raise

    def _identifiers(self, model: Model, entry: Entry, problems: Problems) -> tuple[str | None, dict[str, Any]]:
        """The pk that an entry gives its object, and the other identifiers."""
        identifiers = self._properties(entry.identifiers, "The identifiers must be a mapping.", problems)
        if not identifiers and not problems:
            raise finding(
                place_of(entry.identifiers, entry), "An entry must have identifiers, which identify its object."
            )
        pk = identifiers.pop("pk", None)
        given = stored_pk(model, pk)
        if pk is not None and given is None:
            kind = "positive integer" if model.numbered else "UUID"
            problems.findings.append(about(self._entry, "pk", f"A pk of {model.name} is a {kind}."))
        for name, value in list(identifiers.items()):
            if len(problems.findings) > MAX_FINDINGS:
                break
            if name not in model.properties:
                problems.findings.append(
                    about(self._entry, name, f"{model.name} has no such property.{hint(model, name)}")
                )
            elif isinstance(value, list | dict):
                problems.findings.append(about(self._entry, name, "A list or a mapping identifies no object."))
            else:
                continue
            del identifiers[name]
        return given, self._renamed(model, identifiers, problems)

    def _renamed(self, model: Model, properties: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
        """See `References.renamed`."""
        try:
            return self._references.renamed(model, properties)
        except DependsOnLost as error:
            problems.reason = problems.reason or error
            return dict(properties)

    def _existing(self, model: Model, given: str | None, known_by: Mapping[str, Any], problems: Problems) -> str | None:
        """The object of the entry; None if there is none, or if it is unknown."""
        place = place_of(self._entry.identifiers, self._entry)
        if problems:
            return None
        try:
            return self._lookups.existing(model, given and self._references.pk_of(given), known_by, place)
        except errors.Invalid as error:
            try:
                left_out = self._leaving_out(self._entry)
                left_out.check(model, left_out.without(model, known_by, error.messages), error.messages)
                problems.findings += all_about(self._entry, model, error.messages, known_by)
            except NotHere as missing:
                problems.reason = problems.reason or missing
            return None

    def _properties(self, value: Value | None, problem: str, problems: Problems) -> dict[str, Any]:
        """The resolved properties of a mapping, without invalid ones."""
        found: dict[str, Any] = {}
        if value is None or value.tag is not None or not isinstance(value.content, dict):
            try:
                found = self._resolved(value, dict, problem)
            except (Exhausted, NotHere):
                raise
            except BlueprintError as error:
                problems.findings += error.findings
            return found
        for name, part in value.content.items():
            try:
                found[name] = self._resolver.resolve(part)
            except Exhausted:
                raise
            except (DependsOnLost, IsGone) as error:
                problems.reason = problems.reason or error
            except BlueprintError as error:
                if isinstance(error, NotHere) and self._terms.skip_unknown:
                    problems.reason = problems.reason or error
                else:
                    problems.findings += error.findings
        return found

    def _resolved(self, value: Value | None, kind: type[Any], problem: str) -> Any:
        """A resolved list or mapping of an entry, empty if it is left out."""
        data = None if value is None else self._resolver.resolve(value)
        if value is None or data is None:
            return kind()
        if not isinstance(data, kind):
            raise finding(value.place, problem)
        return data


def _context(store: Store) -> dict[str, Value]:
    """The context that authentik provides to every blueprint: no licence, and the models by app."""
    apps = (name.split(".") for name in store.models)
    return {
        "goauthentik.io/enterprise/licensed": Value(1, 1, content=False),
        "goauthentik.io/rbac/models": Value(1, 1, {model: Value(1, 1, app) for app, model in apps}),
    }
