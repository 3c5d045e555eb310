"""Sequential specification of flows: what each operation does to them, and what it returns."""

from dataclasses import dataclass
from typing import NamedTuple

DONE, MISSING, TAKEN, SUCCESS, FAILURE = "done", "missing", "taken", "success", "failure"
# Results that say that nothing was changed.
REFUSED = (MISSING, TAKEN, FAILURE)


class Flow(NamedTuple):
    """A flow, as far as the specification goes. Each write has values of its own, so a value names its writer."""

    slug: str
    name: str
    title: str

    def __str__(self):
        return f"{self.slug}={self.name}/{self.title}"


def found(flows, slug):
    """The flow of a slug, None if there is none. :param flows: a frozen set of flows, which is a state"""
    return next((flow for flow in flows if flow.slug == slug), None)


def described(flows):
    """A state as text."""
    return "{" + ", ".join(map(str, sorted(flows))) + "}"


@dataclass(frozen=True)
class Create:
    """POST of a flow."""

    flow: Flow

    def apply(self, flows):
        """What becomes of a state. :returns: the next state, and the result"""
        if found(flows, self.flow.slug):
            return flows, TAKEN
        return flows | {self.flow}, self.flow

    def __str__(self):
        return f"create {self.flow}"


@dataclass(frozen=True)
class Change:
    """PATCH or PUT of a flow; a new slug renames it.

    :param slug: the flow's
    :param properties: properties and their new values; with all of them, it is a PUT
    """

    slug: str
    properties: tuple

    @property
    def whole(self):
        """Whether it is a PUT."""
        return len(self.properties) == len(Flow._fields)

    def apply(self, flows):
        """What becomes of a state. :returns: the next state, and the result"""
        before = found(flows, self.slug)
        if before is None:
            return flows, MISSING
        after = before._replace(**dict(self.properties))
        if after.slug != before.slug and found(flows, after.slug):
            return flows, TAKEN
        return flows - {before} | {after}, after

    def __str__(self):
        properties = " ".join(f"{name}={value}" for name, value in self.properties)
        return f"{'put' if self.whole else 'patch'} {self.slug}: {properties}"


@dataclass(frozen=True)
class Delete:
    """DELETE of a flow."""

    slug: str

    def apply(self, flows):
        """What becomes of a state. :returns: the next state, and the result"""
        flow = found(flows, self.slug)
        return (flows, MISSING) if flow is None else (flows - {flow}, DONE)

    def __str__(self):
        return f"delete {self.slug}"


@dataclass(frozen=True)
class Entry:
    """An entry of a blueprint.

    :param state: `present`, `created`, `must_created` or `absent`
    :param flow: what it is about; of one that is to be absent, only the slug counts
    :param unless: the slug of a flow; the entry is skipped if there is one
    """

    state: str
    flow: Flow
    unless: str | None = None

    def apply(self, flows):
        """What becomes of a state. :returns: the next state, None if the blueprint fails"""
        before = found(flows, self.flow.slug)
        if self.unless is not None and found(flows, self.unless):
            return flows
        if self.state == "absent":
            return flows - {before}
        if before is not None and self.state == "must_created":
            return None
        if before is not None and self.state == "created":
            return flows
        return flows - {before} | {self.flow}

    def __str__(self):
        what = self.flow.slug if self.state == "absent" else self.flow
        return f"{self.state} {what}" + (f" unless {self.unless}" if self.unless else "")


@dataclass(frozen=True)
class Import:
    """Import of a blueprint: all of its entries, or none."""

    entries: tuple

    def apply(self, flows):
        """What becomes of a state. :returns: the next state, and the result"""
        after = flows
        for entry in self.entries:
            after = entry.apply(after)
            if after is None:
                return flows, FAILURE
        return after, SUCCESS

    def __str__(self):
        return "import [" + ", ".join(map(str, self.entries)) + "]"


@dataclass(frozen=True)
class Get:
    """GET of a flow."""

    slug: str

    def apply(self, flows):
        """The state as it is, and the result."""
        return flows, found(flows, self.slug) or MISSING

    def __str__(self):
        return f"get {self.slug}"


@dataclass(frozen=True)
class List:
    """GET of all flows: a snapshot."""

    def apply(self, flows):
        """The state as it is, and the result."""
        return flows, flows

    def __str__(self):
        return "list"
