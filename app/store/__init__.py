"""The store: flows, objects, bindings, files and tokens, in SQLite or PostgreSQL. It knows nothing of HTTP."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from app import errors
from app.domain import Collection, Model
from app.execution import Statement
from app.store.collections.backgrounds import Backgrounds
from app.store.collections.bindings import PolicyBindings, StageBindings
from app.store.collections.cached_flows import CachedFlows
from app.store.collections.consents import Consents
from app.store.collections.devices import Devices
from app.store.collections.files import Files
from app.store.collections.flow_tokens import FlowTokens
from app.store.collections.flow_tree import Structures
from app.store.collections.flows import Flows
from app.store.collections.guarded_objects import GuardedObjects
from app.store.collections.mail_requests import MailRequests
from app.store.collections.mails import Mails
from app.store.collections.objects import Objects
from app.store.collections.owned_sessions import OwnedSessions
from app.store.collections.owned_tokens import OwnedTokens
from app.store.collections.owners import Owners
from app.store.collections.passwords import Passwords
from app.store.collections.repositories import (
    BindingRepository,
    FlowRepository,
    ObjectRepository,
    Repository,
    values_of,
)
from app.store.collections.resources import ObjectsOf, Resource, Resources
from app.store.collections.runnable_flows import BoundStageRow, RunnableFlows
from app.store.collections.secret_repositories import TokenRepository, UserRepository
from app.store.collections.service_accounts import ServiceAccounts
from app.store.collections.sessions import Sessions
from app.store.collections.tokens import Tokens
from app.store.engine.database import Database
from app.store.engine.factory import open_database
from app.store.engine.sqlite.grouped_database import GroupedDatabase
from app.store.queries import large
from app.store.queries.binding_views import PolicyBindingRow, StageBindingRow
from app.store.queries.dependencies import Graph
from app.store.queries.object_views import ObjectRow
from app.store.queries.people import USERS
from app.store.queries.references import References
from app.store.queries.used_by import UsedBy
from app.store.schema import tables
from app.store.schema.search import FORMAT
from app.store.schema.tables import properties
from app.store.upkeep import backup, migration
from app.store.upkeep.snapshots import Snapshots


class Store:
    """The store of all objects of the contract.

    :param url: the database, as a URL of SQLAlchemy, or the open database of another store
    :param searched: the properties that a search covers, by collection
    :param models: the models of the contract, by name
    :param collections: the collections of the contract, by name
    :param pool_size: the maximum number of connections of this process
    :param token_cache: seconds that a looked-up token is cached
    """

    def __init__(
        self,
        url: str | Database,
        *,
        searched: Mapping[str, Sequence[str]],
        models: Mapping[str, Model] = {},
        collections: Mapping[str, Collection] = {},
        pool_size: int = 10,
        token_cache: float = 0.0,
    ) -> None:
        self.database = url if isinstance(url, Database) else open_database(url, pool_size)
        self.models = models
        self.collections = collections
        self._references = {model.collection: model.references for model in models.values()}
        self.flows = _flows(self.database, searched.get("flows", ()))
        self.objects = Objects(self.database, models, collections, searched)
        self.references = References(self.database)
        self.used_by = UsedBy(self.database, models, collections)
        self.files = Files(self.database)
        default = next(
            (model.defaults.get("background", "") for model in models.values() if model.collection == "flows"), ""
        )
        self.backgrounds = Backgrounds(self.database, self.flows, self.files, default)
        self.structures = Structures(self.database, self.flows)
        self.passwords = Passwords(self.database)
        self.devices = Devices(self.database)
        self.mails = Mails(self.database)
        self.mail_requests = MailRequests(self.database)
        self.flow_tokens = FlowTokens(self.database)
        self.sessions = Sessions(self.database)
        named_by = next((model.named_by for model in models.values() if model.collection == USERS), "")
        self.runnable_flows = RunnableFlows(self.database, named_by)
        self.tokens = Tokens(self.database, token_cache, Owners(self.database, self.objects, models))
        self.snapshots = Snapshots(self.database.address)
        self.resources = Resources(self._resource)
        self._repositories: dict[str, Repository] = {}
        self._searched = {name: tuple(properties) for name, properties in sorted(searched.items())}
        self._searched_defaults = {
            model.name: {
                name: model.unstored[name] for name in searched.get(model.collection, ()) if name in model.unstored
            }
            for model in models.values()
        }

    # Building the statements takes a while, and an edited contract has to be served without delay.

    @cached_property
    def stage_bindings(self) -> StageBindings:
        """The bindings of stages to flows."""
        name = "stage_bindings"
        return StageBindings(self.database, self._references.get(name, {}), self._searched.get(name, ()))

    @cached_property
    def policy_bindings(self) -> PolicyBindings:
        """The bindings of policies to their targets."""
        name = "policy_bindings"
        return PolicyBindings(self.database, self._references.get(name, {}), self._searched.get(name, ()))

    @cached_property
    def owned_tokens(self) -> OwnedTokens:
        """The tokens as objects of the contract."""
        name = "tokens"
        references = self._references.get(name, {})
        return OwnedTokens(self.database, self._searched.get(name, ()), references, self._owner_in(name))

    @cached_property
    def consents(self) -> Consents:
        """The consents of users."""
        name = "user_consents"
        return Consents(self.database, self._searched.get(name, ()), self._owner_in(name))

    @cached_property
    def owned_sessions(self) -> OwnedSessions:
        """The sessions of users as objects of the contract."""
        name = "authenticated_sessions"
        return OwnedSessions(self.database, self._searched.get(name, ()), self._owner_in(name))

    @cached_property
    def restricted(self) -> "Store":
        """The store for callers without all permissions."""
        restricted = copy(self)
        restricted.objects = GuardedObjects(self.database, self.models, self.collections, self._searched)
        restricted.resources = Resources(restricted._resource)
        restricted._repositories = {}
        # Made from the objects on first use.
        restricted.__dict__.pop("service_accounts", None)
        return restricted

    @cached_property
    def service_accounts(self) -> ServiceAccounts:
        """The service accounts."""
        return ServiceAccounts(self.database, self.objects, self.owned_tokens, self.models)

    @cached_property
    def graph(self) -> Graph:
        """The references between objects."""
        return Graph(self.database, self.models)

    def _resource(self, scope: str) -> Resource:
        match self.models[scope].collection if scope in self.models else scope:
            case "flows":
                return self.flows
            case "stage_bindings":
                return self.stage_bindings
            case "policy_bindings":
                return self.policy_bindings
            case "tokens":
                return self.owned_tokens
            case "user_consents":
                return self.consents
            case "authenticated_sessions":
                return self.owned_sessions
        return ObjectsOf(self.objects, scope)

    def _owner_in(self, collection: str) -> str:
        """The property with the owner of an object; empty if a collection has none."""
        known = self.collections.get(collection)
        return "" if known is None else known.owner

    def model_of(self, collection: str) -> Model:
        """The model of a collection that has one model only. :raises ValueError: it has none, or several"""
        (model,) = (model for model in self.models.values() if model.collection == collection)
        return model

    def values(self, row: ObjectRow | BoundStageRow) -> dict[str, Any]:
        """The stored properties of an object, see `values_of`; only its name if the contract does not have its model."""
        known = self.models.get(row.model)
        return {"name": row.name} if known is None else values_of(known, row.name, row.properties, row.references)

    def repository(self, model: str) -> Repository:
        """The objects of a model, for units of work of more than one statement. :raises KeyError: there is no such model"""
        # Each repository keeps its statements.
        if model not in self._repositories:
            self._repositories[model] = self._repository(self.models[model])
        return self._repositories[model]

    def _repository(self, known: Model) -> Repository:
        match known.collection:
            case "flows":
                return FlowRepository(self.database, self.flows, self.backgrounds, known)
            case "stage_bindings":
                return BindingRepository(self.database, self.stage_bindings, StageBindingRow._fields, known)
            case "policy_bindings":
                return BindingRepository(self.database, self.policy_bindings, PolicyBindingRow._fields, known)
            case "tokens":
                return TokenRepository(self.database, self.owned_tokens, known)
            case _ if known.collection == USERS:
                return UserRepository(self.database, self.objects, self.sessions, self.passwords, known)
        return ObjectRepository(self.database, self.objects, known)

    def problems(
        self, scope: str, properties: Mapping[str, Any], keys: Mapping[str, Any]
    ) -> dict[str, errors.NotUnique | errors.DanglingReference]:
        """Conflicts of an object's properties with the store, by property: a taken value or a dangling reference.

        :param scope: the object's model or collection
        :param keys: `key` of the object to be changed, if it is stored
        """
        found: dict[str, errors.NotUnique | errors.DanglingReference] = {}
        collection = self.models[scope].collection if scope in self.models else scope
        leads = {
            name: reference
            for model in self.models.values()
            if scope in (model.name, model.collection)
            for name, reference in model.references.items()
            if name in properties
        }
        with self.database.read() as session:
            for name, reference in leads.items():
                try:
                    self.references.resolve(session, {name: reference}, properties)
                except errors.DanglingReference as error:
                    found[name] = error
        for name in properties.keys() - leads.keys():
            match collection:
                case "flows":
                    taken = self.flows.taken(name, properties[name], keys.get("key"))
                case "tokens":
                    taken = self.owned_tokens.taken(properties[name], keys.get("key"))
                case _:
                    taken = self.objects.taken(collection, properties[name], keys.get("key"))
            if taken:
                found[name] = errors.NotUnique(name)
        return found

    def run(self, statement: Statement) -> Any:
        """Run a statement that a handler returned. :raises Unavailable: the database does not respond"""
        with self.database.read() as session:
            row = session.row(statement.query, statement.parameters)
        return statement.finish(row)

    def migrate(self) -> None:
        """Migrate the tables to this version, and the search column to the searched properties of the contract.

        :raises Unavailable: the database does not respond
        :raises StoreUnusable: it is damaged, or has the tables of a newer version
        """
        if self.database.address.path is not None:
            backup.check(self.database.address.path)
        revision = self.revision()
        migration.reject_newer(revision, str(self.database.address))
        if revision != migration.HEAD:
            migration.upgrade(self.database)
            self.tokens.adopt()
        self.update_search()
        large.prepare(self.database)

    def migrated(self) -> bool:
        """Whether the tables have this revision or a newer one, as servers of a newer version may run already.

        :raises Unavailable: the database does not respond
        """
        revision = self.revision()
        return revision is not None and revision >= migration.HEAD

    def revision(self) -> str | None:
        """The revision of the tables, None if there is none. :raises Unavailable: the database does not respond"""
        return migration.current(self.database)

    def size(self) -> int:
        """The size of the database in bytes. :raises Unavailable: the database does not respond"""
        return self.database.size()

    def fingerprint(self) -> bytes:
        """A digest that is equal for stores with the same identifiers. :raises Unavailable: the database does not respond"""
        kept = (tables.objects, *tables.COLLECTIONS.values())
        keys = sa.union_all(*(sa.select(table.c.pk) for table in kept)).subquery()
        with self.database.read() as session:
            rows = session.rows(self.database.compile(sa.select(keys.c.pk).order_by(keys.c.pk)))
        return hashlib.sha256("".join(pk for (pk,) in rows).encode()).digest()

    def close(self) -> None:
        """Close all connections, and discard all snapshots."""
        self.snapshots.discard_all()
        self.database.close()

    def update_search(self) -> None:
        """Rebuild the search column if it was built from other properties.

        :raises Unavailable: the database does not respond
        """
        compiled = self.database.compile
        name, value = "searched", json.dumps([FORMAT, self._searched, self._searched_defaults])
        select = compiled(sa.select(properties.c.value).where(properties.c.name == sa.bindparam("name_")))
        with self.database.read() as session:
            row = session.row(select, {"name_": name})
        if row is not None and row[0] == value:
            return
        with self.database.upkeep() as session:
            row = session.row(select, {"name_": name})
            if row is not None and row[0] == value:
                return
            self.flows.rebuild_search(session)
            self.objects.rebuild_search(session)
            session.run(
                compiled(sa.delete(properties).where(properties.c.name == sa.bindparam("name_"))), {"name_": name}
            )
            session.run(
                compiled(sa.insert(properties).values(name=sa.bindparam("name"), value=sa.bindparam("value"))),
                {"name": name, "value": value},
            )


def _flows(database: Database, searched: Sequence[str]) -> Flows:
    """The flows of a database, with the fastest writes of its engine. `Flows` itself works on every engine."""
    if isinstance(database, GroupedDatabase):
        return CachedFlows(database, searched)
    if database.is_remote:
        # These modules import the driver.
        from app.store.collections.optimistic import OptimisticFlows
        from app.store.engine.postgresql.database import PostgreSQLDatabase

        if isinstance(database, PostgreSQLDatabase):
            return OptimisticFlows(database, searched)
    return Flows(database, searched)
