"""Types that handlers, the store and the contract share."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class StoredObject(NamedTuple):
    """A stored object, not yet represented.

    :param row: all values that the representation depends on
    :param represent: a pure function from the row to the representation
    """

    row: tuple[Any, ...]
    represent: Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class File:
    """A file to download.

    :param content: its bytes
    :param media_type: one of the media types of the response in the contract; None for the first
    :param filename: the suggested name; None to let the client choose
    """

    content: bytes
    media_type: str | None = None
    filename: str | None = None


CASCADE, CASCADE_MANY, SET_NULL, SET_DEFAULT = "cascade", "cascade_many", "set_null", "set_default"
"""The actions on a reference when the other object is deleted: `on_delete`, and the `action` of `used_by`."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A property with the identifier of another object, or several.

    :param to: the models or collections of its targets; empty for objects that are not stored
    :param on_delete: the action when the other object is deleted, as in `used_by`
    :param many: whether it is a list
    :param identity: the properties of the other objects that are accepted as identifiers
    :param nullable: whether it may be null
    :param integers: whether the identifiers are integers
    :param inverse_of: the list of references of the other objects that this one is the inverse of; empty if it is stored itself
    :param list_of: the stored reference that is the only item of this list; empty if the list is stored itself
    :param itself: the message if an object refers to itself, directly or by other objects; empty if it may
    :param fixed: the message if the reference changes; empty if it may
    """

    to: tuple[str, ...]
    on_delete: str
    many: bool
    identity: tuple[str, ...] = ("pk",)
    nullable: bool = True
    integers: bool = False
    inverse_of: str = ""
    list_of: str = ""
    itself: str = ""
    fixed: str = ""


class Filter(NamedTuple):
    """A property that filters stored objects.

    :param type: the type of its values (JSON Schema)
    :param lists: whether its value may be a list, any of which matches
    :param reference: the reference of its values; None if they are not identifiers
    """

    type: str
    lists: bool
    reference: "Reference | None"


@dataclass(frozen=True, slots=True)
class SortKey:
    """A sort key.

    :param property_name: the property
    :param descending: whether the greatest value comes first
    :param null_is_least: whether null is the least value; else the greatest
    """

    property_name: str
    descending: bool = False
    null_is_least: bool = False


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
    :param on_delete: the actions on other references when their object is deleted, by whether they are lists
    :param relations: the properties that may show related objects
    :param owners: the properties with the user to whom an object belongs
    :param targets: whether its objects are targets of policy bindings
    :param referable: whether references in the table of objects can refer to its objects
    :param secrets: the properties that are stored, but never read
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
    owners: Set[str] = frozenset()
    targets: bool = False
    referable: bool = True
    secrets: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UserSettings:
    """The form of a stage in the settings of users.

    :param component: the web component that shows it
    :param only_with: the property without which it is not shown; empty if it always is
    """

    component: str
    only_with: str


@dataclass(frozen=True, slots=True)
class Details:
    """A property that has an object for each item of a list.

    :param of: the property with the list
    :param objects: the objects by item
    """

    of: str
    objects: Mapping[Any, Mapping[str, Any]]


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
    """A type of object, declared by `x-model` in the contract.

    :param name: the name in blueprints, such as `authentik_stages_dummy.dummystage`
    :param collection: the collection of its objects, shared with other models
    :param component: its form in the web admin, empty if there is none
    :param verbose_name: its display name, singular
    :param verbose_name_plural: and plural
    :param description: its purpose
    :param in_responses: the properties of a response, in the contract's order
    :param properties: the writable ones, with their types
    :param references: those that are references
    :param defaults: the defaults of properties of new objects, read-only ones included
    :param unstored: the values of properties that are not stored, such as those of objects older than the property
    :param read_new: completes the properties of a new object; raises `errors.Invalid`
    :param read_change: checks some properties; raises `errors.Invalid`
    :param messages_of: the messages for an error of the store, by property: `errors.NotUnique` or `errors.DanglingReference`
    :param unique: the unique constraints, each a set of properties
    :param seen_by: the visible properties by permissions, for each operation that returns an object
    :param seen_with: the permissions to see all properties of an object; None if no operation retrieves one
    :param created_by: the permissions to create an object: each set suffices
    :param changed_by: the permissions to change one: each set suffices
    :param deleted_by: the permissions to delete an object, for each operation that does
    :param preset: the stored read-only properties and secrets that blueprints set like others
    :param set_with: the permissions to set each of these secrets
    :param leave_out: removes values from properties that no response contains; None if there are none
    :param named_by: the property with a unique value that names an object
    :param generated: the properties that get a random UUID when an object is created
    :param numbered: whether `pk` is an integer
    :param owned_by: the reference to the user who creates an object; empty if there is none
    :param lifetimes: the seconds from now to a time that is null or omitted, by property
    :param read_only: whether no operation creates objects
    :param user_settings: how the settings of users show an object; None if they do not
    :param details: the properties that have an object for each item of a list
    :param exported_whole: whether exported blueprints contain the values that are null, false or empty too
    :param labelled_choices: whether challenges show each choice of a prompt as an object
    :param forms: the functions that convert values that another version has stored in another form, by property
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
    preset: frozenset[str] = frozenset()
    set_with: Mapping[str, frozenset[str]] = field(default_factory=dict)
    leave_out: Callable[[dict[str, Any]], None] | None = field(default=None, compare=False)
    named_by: str = "name"
    generated: tuple[str, ...] = ()
    numbered: bool = False
    owned_by: str = ""
    lifetimes: Mapping[str, int] = field(default_factory=dict)
    read_only: bool = False
    user_settings: UserSettings | None = None
    details: Mapping[str, Details] = field(default_factory=dict)
    exported_whole: bool = False
    labelled_choices: bool = False
    forms: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict, compare=False)

    @property
    def stored_references(self) -> Mapping[str, str]:
        """The references by the names under which they are stored."""
        return {self.stored_as(name): name for name in self.references}

    def stored_as(self, reference: str) -> str:
        """The name under which a reference is stored. :param reference: the property"""
        return self.references[reference].list_of or reference

    @property
    def app(self) -> str:
        """Its app in authentik."""
        return self.name.partition(".")[0]

    @property
    def model_name(self) -> str:
        """Its name within that app."""
        return self.name.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of objects, declared by `x-collections` in the contract.

    :param model: the model of its objects if their kind does not matter, such as `authentik_flows.stage`
    :param title: the display text of an object, with its properties in braces
    :param identifiers: the properties that identify an object in an exported blueprint, besides `pk`
    :param seen_with: the permissions to see an object; None if no operation retrieves one
    :param related: the property with related objects, read together with an object; empty if there is none
    :param owner: the property with the user to whom an object belongs, who sees it like superusers; empty if there is none
    :param targets: the targets of policy bindings among its objects, as a collection of its own
    :param nested: the properties of nested objects, by the property with them
    """

    model: str
    title: str
    identifiers: tuple[str, ...] = ()
    seen_with: frozenset[str] | None = None
    related: str = ""
    owner: str = ""
    targets: "Collection | None" = None
    nested: Mapping[str, Set[str]] = field(default_factory=dict)

    @property
    def relation(self) -> str:
        """The name of the inverse relation from an object to those of this collection that refer to it."""
        return f"{self.model.partition('.')[2]}_set"

    def title_of(self, values: Mapping[str, Any]) -> str:
        """The display text of an object. :param values: its properties; a missing one is left blank"""
        return self.title.format_map(defaultdict(str, values))


class Upload(NamedTuple):
    """A file that a client has uploaded.

    :param filename: the client's name for it, without folders
    :param media_type: the declared media type, in lower case and without parameters
    :param content: the bytes
    """

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The caller and the base URL of a request, as the optional argument `request` of a handler.

    :param name: the name of the token, empty if there is none
    :param superuser: whether the caller has all permissions
    :param permissions: the granted permissions
    :param base_url: the URL of the server as seen by the client, without a slash at the end
    :param user: the key of the token's user, empty if it has none
    :param expires: the expiry time of the token, in seconds since 1970-01-01 UTC; 0 for never
    :param session: the session of the caller, None if a token was sent
    :param credentials: the credentials that were sent
    :param exchange: the request itself, for operations with `x-challenges`
    """

    name: str
    superuser: bool
    permissions: frozenset[str]
    base_url: str
    user: str = ""
    expires: int = 0
    session: Any = None
    credentials: Any = None
    exchange: Any = None

    def may(self, permission: str) -> bool:
        """Whether the caller has a permission."""
        return self.superuser or permission in self.permissions

    def sees(self, kind: Model | Collection) -> bool:
        """Whether the caller may see the objects of a model or collection."""
        return self.superuser or (kind.seen_with is not None and kind.seen_with <= self.permissions)
