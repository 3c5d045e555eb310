"""Types that handlers, the store and the contract share."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class StoredObject(NamedTuple):
    """An object as it is stored, without its representation yet.

    :param row: every value that the representation depends on
    :param represent: a pure function from the row to the representation
    """

    row: tuple[Any, ...]
    represent: Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class File:
    """A file that is downloaded.

    :param content: its bytes
    :param media_type: one of those that the contract has for the response; None for the first
    :param filename: the name to save it by; None to leave that to the client
    """

    content: bytes
    media_type: str | None = None
    filename: str | None = None


CASCADE, CASCADE_MANY, SET_NULL, SET_DEFAULT = "cascade", "cascade_many", "set_null", "set_default"
"""What becomes of a reference when the other object is deleted: `on_delete`, and the `action` of `used_by`."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A property that holds the identity of another object, or several.

    :param to: the models or collections that it may lead to; empty for things that are not kept here
    :param on_delete: what becomes of it when the other object goes, in the words of `used_by`
    :param many: whether it is a list
    :param identity: the properties of the other objects that it may hold
    :param nullable: whether it may be null
    :param integers: whether the identities are integers
    :param inverse_of: the list of references of those objects whose other side it is; empty if it is stored itself
    :param itself: the message if an object refers to itself; empty if it may
    :param fixed: the message if a change names another object; empty if it may
    """

    to: tuple[str, ...]
    on_delete: str
    many: bool
    identity: tuple[str, ...] = ("pk",)
    nullable: bool = True
    integers: bool = False
    inverse_of: str = ""
    itself: str = ""
    fixed: str = ""


class Filter(NamedTuple):
    """A property that stored objects can be filtered by.

    :param type: the type of its values (JSON Schema)
    :param lists: whether its value may be a list, which any of its values matches
    :param reference: the reference of its values; None if they are not identities
    """

    type: str
    lists: bool
    reference: "Reference | None"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capabilities of the store for a model or collection.

    :param collection: the collection of the objects
    :param kept: the stored properties; None if all properties of the contract are stored
    :param columns: the types (JSON Schema) of required columns, by property
    :param filters: the filters, by property
    :param sorts: the sort keys
    :param searches: the searchable properties
    :param unique: the unique constraints, each a set of properties
    :param references: the references of columns, by property
    :param on_delete: what becomes of other references when their object is deleted, by whether they are lists
    :param relations: the properties that may show related objects
    :param targets: whether its objects bind policies to others
    :param referable: whether objects without a table of their own can refer to its objects
    """

    collection: str
    kept: Set[str] | None
    columns: Mapping[str, str]
    filters: Mapping[str, Filter]
    sorts: Set[str]
    searches: Set[str]
    unique: Set[frozenset[str]]
    references: Mapping[str, Reference]
    on_delete: Mapping[bool, tuple[str, ...]] = field(default_factory=dict)
    relations: Set[str] = frozenset()
    targets: bool = False
    referable: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of a policy that is not executed.

    :param by: the boolean property with the result; empty if the result is fixed
    :param passes: the fixed result
    :param message: the message of the policy
    """

    by: str
    passes: bool
    message: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A view of objects that permissions grant.

    :param permissions: the permissions, all of which are needed
    :param properties: the visible properties
    """

    permissions: frozenset[str]
    properties: frozenset[str]


@dataclass(frozen=True, slots=True)
class Model:
    """A kind of object, as the contract declares it by `x-model`.

    :param name: as in a blueprint, such as `authentik_stages_dummy.dummystage`
    :param collection: what its objects are kept in, together with those of other models
    :param component: the form of the web admin, empty if there is none
    :param verbose_name: its name for people, for one
    :param verbose_name_plural: and for several
    :param description: what it is for
    :param in_responses: the properties that a response has, in the contract's order
    :param properties: those of them that a client sets, with their types
    :param references: those of them that lead to other objects
    :param defaults: the values of properties that are left out of a new object, read-only ones included
    :param unstored: the values of properties that are not stored, as of an object that is older than the property
    :param decision: how a policy decides; None if only running it tells
    :param read_new: makes the properties of a new object complete; raises `errors.Invalid`
    :param read_change: checks some properties; raises `errors.Invalid`
    :param messages_of: what is told when the store refuses, by property; it knows `errors.NotUnique` and `errors.DanglingReference`
    :param unique: the properties, each set together, that no two objects have the same of
    :param seen_by: what permissions let see of an object, for each operation that answers one
    :param seen_with: the permissions to see an object with all its properties; None if no operation retrieves one
    :param created_by: the permissions that let create an object: each set suffices
    :param changed_by: the permissions that let change one: each set suffices
    :param deleted_by: the permissions that let delete an object, for each operation that does
    :param words: the properties whose values are listed texts
    :param preset: the read-only properties that are stored and have an operation of their own; a blueprint sets them like others
    :param leave_out: takes out of the properties of a response what they hold and no response has; None if they hold no such thing
    :param named_by: the property with a unique value, which people know an object by
    :param generated: the properties that get a random UUID when an object is created
    :param numbered: whether `pk` is an integer
    """

    name: str
    collection: str
    component: str
    verbose_name: str
    verbose_name_plural: str
    description: str
    in_responses: tuple[str, ...]
    properties: Mapping[str, str]
    references: Mapping[str, Reference]
    defaults: Mapping[str, Any]
    decision: Decision | None
    read_new: Callable[[Mapping[str, Any]], dict[str, Any]] = field(compare=False)
    read_change: Callable[[Mapping[str, Any]], dict[str, Any]] = field(compare=False)
    messages_of: Callable[[Any], Mapping[str, Any]] = field(compare=False)
    unstored: Mapping[str, Any] = field(default_factory=dict)
    unique: tuple[frozenset[str], ...] = ()
    seen_by: tuple[Grant, ...] = ()
    seen_with: frozenset[str] | None = None
    created_by: tuple[frozenset[str], ...] = ()
    changed_by: tuple[frozenset[str], ...] = ()
    deleted_by: tuple[frozenset[str], ...] = ()
    words: frozenset[str] = frozenset()
    preset: frozenset[str] = frozenset()
    leave_out: Callable[[dict[str, Any]], None] | None = field(default=None, compare=False)
    named_by: str = "name"
    generated: tuple[str, ...] = ()
    numbered: bool = False

    @property
    def app(self) -> str:
        """The part of authentik that it belongs to."""
        return self.name.partition(".")[0]

    @property
    def model_name(self) -> str:
        """Its name within that part."""
        return self.name.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of objects, as the contract declares it by `x-collections`.

    :param model: the model of its objects if their kind does not matter, such as `authentik_flows.stage`
    :param title: the text that names an object, with its properties in braces
    :param identifiers: the properties that identify an object in an exported blueprint, besides `pk`
    :param seen_with: the permissions to see an object; None if no operation retrieves one
    :param related: the property that holds related objects, which the store reads with an object; empty if there is none
    :param targets: what its objects bind policies to, as a collection of its own
    """

    model: str
    title: str
    identifiers: tuple[str, ...] = ()
    seen_with: frozenset[str] | None = None
    related: str = ""
    targets: "Collection | None" = None

    @property
    def relation(self) -> str:
        """The name of the relation from an object to those of this collection that refer to it."""
        return f"{self.model.partition('.')[2]}_set"

    def title_of(self, values: Mapping[str, Any]) -> str:
        """The text that names an object. :param values: its properties; a missing one is left blank"""
        return self.title.format_map(defaultdict(str, values))


class Upload(NamedTuple):
    """A file that a client has sent.

    :param filename: the name that it gave, without folders
    :param media_type: what it says the file is, in small letters and without parameters
    :param content: the bytes
    """

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The caller and the base URL of a request: the optional argument `request` of a handler.

    :param name: the name of the token, empty if there is none
    :param superuser: whether every permission is given
    :param permissions: the permissions that are given
    :param base_url: scheme and host as the client sees them, without a slash at the end
    :param user: the key of the token's user, empty if it has none
    """

    name: str
    superuser: bool
    permissions: frozenset[str]
    base_url: str
    user: str = ""

    def may(self, permission: str) -> bool:
        """Whether a permission is given."""
        return self.superuser or permission in self.permissions

    def sees(self, kind: Model | Collection) -> bool:
        """Whether the objects of a model or collection may be seen."""
        return self.superuser or (kind.seen_with is not None and kind.seen_with <= self.permissions)
