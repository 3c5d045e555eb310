"""Review of a change of the contract: all differences, each reported once with the affected operations."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Location
from app.review.causes import Cause
from app.review.comparing.access import compare_access
from app.review.comparing.contents import compare_bodies, compare_responses
from app.review.comparing.differences import Change, Difference, Found, Place, Rating, Side, seen_from
from app.review.comparing.document import compare_documents, shadowed
from app.review.comparing.extensions import compare_extensions
from app.review.comparing.operations import Operation, compare_calls, paired
from app.review.comparing.pairs import Node
from app.review.comparing.parameters import compare_parameters
from app.review.comparing.schemas import SchemaComparer, deprecation
from app.review.comparing.words import compare_words
from app.review.display_names import display_name
from app.review.nearest_location import is_kept, nearest


@dataclass(frozen=True)
class Use:
    """The effect of a finding on some operations.

    :param side: the affected part of the call; None if it affects none
    :param rating: its severity
    :param advice: for clients, one sentence
    :param operations: the operations' names
    """

    side: Side | None
    rating: Rating
    advice: str
    operations: tuple[str, ...]


class Same(NamedTuple):
    """The common part of the findings of one change made in several schemas.

    :param property_name: the property of each schema
    :param detail: the change
    :param values: distinguishes it from other changes
    """

    property_name: str
    detail: str
    values: str


class Part(NamedTuple):
    """A further place of a finding.

    :param subject: the display name of the part
    :param location: file, line and column
    :param was: the place in the old contract, if it is removed
    """

    subject: str
    location: Location
    was: Location | None


@dataclass(frozen=True)
class Finding:
    """A difference to report.

    :param name: its name for waivers; it stays the same when lines move
    :param rule: the kind of difference
    :param what: the change, one sentence
    :param location: in the new contract; for a removed part, the nearest place
    :param was: the place in the old contract, if it is removed
    :param uses: the affected operations, broken ones first
    :param subject: the display name of the changed part
    :param same: the common part of the findings of one change; None if it is not of a property of a schema
    :param also: the further places of the change
    :param causes: the actions of overlays that made it, between two versions
    """

    name: str
    rule: str
    what: str
    location: Location
    was: Location | None
    uses: tuple[Use, ...]
    subject: str = ""
    same: Same | None = None
    also: tuple[Part, ...] = ()
    causes: tuple[Cause, ...] = ()

    @property
    def rating(self) -> Rating:
        """Its severity: that of the most severe use."""
        return max(use.rating for use in self.uses)

    @property
    def operations(self) -> tuple[str, ...]:
        """The affected operations."""
        return tuple(dict.fromkeys(name for use in self.uses for name in use.operations))


@dataclass
class _Draft:
    """A finding while operations are added to it."""

    difference: Difference
    used_at: Pointer
    uses: dict[tuple[Side | None, Rating, str], dict[str, None]] = field(default_factory=dict)


def review(old: Contract, new: Contract) -> list[Finding]:
    """All differences between two contracts, most important first.

    :param old: the contract of existing clients
    :param new: the proposed contract
    """
    return _Review(old, new).findings()


class _Review:
    def __init__(self, old: Contract, new: Contract) -> None:
        self._old = old
        self._new = new
        self._schemas = SchemaComparer(old, new)
        self._drafts: dict[tuple[str, Location, bool, str, str, Location | None], _Draft] = {}
        self._locations: dict[Place, Location] = {}
        self._staying: dict[Place, bool] = {}

    def findings(self) -> list[Finding]:
        for before, after in paired(self._old, self._new):
            for change in self._changes(before, after):
                self._note(change, after or before)
        for operation, difference in shadowed(self._old, self._new):
            self._note(seen_from(Side.CALL, difference), operation)
        for difference in compare_documents(self._old, self._new):
            self._note(seen_from(Side.CALL, difference), None)
        found = [self._finding(draft) for draft in self._drafts.values()]
        return sorted(found, key=lambda finding: (-finding.rating, finding.location, finding.name))

    def _changes(self, old: Operation | None, new: Operation | None) -> Iterator[Change]:
        """The differences of an operation."""
        yield from (seen_from(Side.CALL, difference) for difference in compare_calls(old, new))
        if old is None or new is None:
            return
        of_calls = (
            compare_access(old, new),
            deprecation(old.find("deprecated"), new.find("deprecated")),
            compare_words(_owners(old), _owners(new)),
            compare_extensions(old.extensions, new.extensions, {}),
        )
        for differences in of_calls:
            yield from (seen_from(Side.CALL, difference) for difference in differences)
        creates = "201" in new.node["responses"]
        for side, results in (
            (Side.REQUEST, compare_parameters(old, new, self._schemas.compare)),
            (Side.REQUEST, compare_bodies(old, new, self._schemas.compare)),
            (Side.ANSWER, compare_responses(old, new, self._schemas.compare)),
        ):
            for result in results:
                found: Iterable[Change] = result.reachable() if isinstance(result, Node) else [seen_from(side, result)]
                # Only a new object gets this default.
                yield from (change for change in found if creates or change.difference.rule != "x-create-default")

    def _note(self, change: Change, operation: Operation | None) -> None:
        difference = change.difference
        of_operation = operation.pointer if operation is not None and operation.contract is self._new else ()
        used_at = change.used_at or of_operation
        # Copies of a YAML anchor have one place, and are one finding.
        key = (
            difference.rule,
            self._locate(difference.place),
            difference.place.old,
            difference.values,
            difference.detail,
            self._locate(Place(used_at)) if self._is_elsewhere(difference.place, used_at) else None,
        )
        if key not in self._drafts:
            self._drafts[key] = _Draft(difference, used_at)
        use = change.side if operation is not None else None, change.rating, change.advice
        names = self._drafts[key].uses.setdefault(use, {})
        if operation is not None:
            names[operation.name] = None

    def _finding(self, draft: _Draft) -> Finding:
        difference, place = draft.difference, draft.difference.place
        about = display_name(self._old if place.old else self._new, place.pointer)
        if self._is_elsewhere(place, draft.used_at):
            about = display_name(self._new, draft.used_at)
            if place.pointer[-2:-1] == ("properties",):
                about += f".{place.pointer[-1]}"
        here = nearest(self._old, self._new, place.pointer, draft.used_at) if place.old else place.pointer
        uses = [Use(*key, tuple(names)) for key, names in draft.uses.items()]
        return Finding(
            " ".join(filter(None, (difference.rule, about, difference.values))),
            difference.rule,
            f"`{about}`: {difference.detail}",
            self._locate(Place(here)),
            self._locate(place) if place.old else None,
            tuple(sorted(uses, key=lambda use: -use.rating)),
            about,
            self._same(draft, about),
        )

    def _same(self, draft: _Draft, about: str) -> Same | None:
        difference = draft.difference
        place = difference.place.pointer
        if place[:2] != ("components", "schemas") or self._is_elsewhere(difference.place, draft.used_at):
            return None
        property_name = about.removeprefix(str(place[2]))
        # The place of `required` is the schema, which has the name of the property.
        is_of_a_property = property_name or difference.rule == "required"
        return Same(property_name, difference.detail, difference.values) if is_of_a_property else None

    def _is_elsewhere(self, place: Place, used_at: Pointer) -> bool:
        """Whether a part that is gone from its use still exists for other uses."""
        if not place.old or not used_at:
            return False
        if place not in self._staying:
            self._staying[place] = is_kept(self._old, self._new, place.pointer)
        return self._staying[place] and place.pointer[: len(used_at)] != used_at

    def _locate(self, place: Place) -> Location:
        if place not in self._locations:
            self._locations[place] = (self._old if place.old else self._new).locate(place.pointer)
        return self._locations[place]


def _owners(operation: Operation) -> list[Found]:
    """An operation, and its path."""
    return [(pointer, operation.contract.at(pointer)) for pointer in (operation.pointer, operation.pointer[:2])]
