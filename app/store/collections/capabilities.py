"""Filters, sort keys, searched properties and unique constraints of each collection, for the boot checks."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from app.domain import CASCADE, CASCADE_MANY, SET_DEFAULT, SET_NULL, Capabilities, Collection, Filter, Model, Reference
from app.store.collections.flows import flow_fields
from app.store.queries.binding_views import (
    POLICY_REFERENCES,
    STAGE_REFERENCES,
    policy_binding_fields,
    stage_binding_fields,
)
from app.store.queries.consent_views import CONSENT_REFERENCES, consent_fields
from app.store.queries.object_views import RELATIONS, object_fields, stored_properties
from app.store.queries.people import USERS
from app.store.queries.references import UUIDS
from app.store.queries.session_views import session_fields
from app.store.queries.token_views import TOKEN_REFERENCES, token_fields
from app.store.queries.view import Field
from app.store.schema.tables import (
    consents,
    flows,
    json_type,
    objects,
    policy_bindings,
    referred_tables,
    required_columns,
    sessions,
    stage_bindings,
    tokens,
    unique_columns,
)

# The types of searchable properties.
_SEARCHED_TYPES = frozenset({"string", "integer", "number"})


class _TableCollection(NamedTuple):
    """A collection with its own table.

    :param fields: creates its filters
    :param written: properties of a body without a column
    :param unsearched: filters that are not searchable
    :param references: the references of its columns
    :param unique: the unique constraints by property, if they differ from those of the table
    :param properties: the properties of columns with another name
    :param owners: the properties with the user to whom an object belongs
    :param secrets: the properties that are stored, but never read
    """

    table: sa.Table
    fields: Callable[[], Mapping[str, Field]]
    written: frozenset[str] = frozenset()
    unsearched: frozenset[str] = frozenset()
    references: Mapping[str, Reference] = {}
    unique: frozenset[frozenset[str]] = frozenset()
    properties: Mapping[str, str] = {}
    owners: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()


_OWNERS = frozenset({"user"})
_TABLES = {
    "flows": _TableCollection(flows, flow_fields),
    "stage_bindings": _TableCollection(
        stage_bindings, stage_binding_fields, unsearched=frozenset({"policies"}), references=STAGE_REFERENCES
    ),
    "policy_bindings": _TableCollection(
        policy_bindings,
        policy_binding_fields,
        written=frozenset({"target", "policy", "user", "group"}),
        unsearched=frozenset({"target_in"}),
        references=POLICY_REFERENCES,
        unique=frozenset({frozenset({"policy", "target", "order"})}),
    ),
    "user_consents": _TableCollection(
        consents,
        consent_fields,
        written=frozenset({"user", "application"}),
        unsearched=frozenset({"pk", "user", "application", "expires"}),
        references=CONSENT_REFERENCES,
        owners=_OWNERS,
    ),
    "authenticated_sessions": _TableCollection(
        sessions, session_fields, unsearched=frozenset({"user", "last_used", "expires"}), owners=_OWNERS
    ),
    "tokens": _TableCollection(
        tokens,
        token_fields,
        written=frozenset({"user", "managed", "expires", "expiring"}),
        unsearched=frozenset({"pk", "user", "expires"}),
        references=TOKEN_REFERENCES,
        unique=frozenset({frozenset({"identifier"})}),
        properties={"name": "identifier"},
        owners=_OWNERS,
        secrets=frozenset({"key"}),
    ),
}


def capabilities(models: Mapping[str, Model], collections: Mapping[str, Collection], scope: str) -> Capabilities:
    """The capabilities of the store for a model or collection.

    :param models: the models of the contract, by name
    :param collections: the collections of the contract, by name
    :param scope: a model, or a collection for the objects of all its models
    """
    model = models.get(scope)
    collection = model.collection if model is not None else scope
    kept = _TABLES.get(collection)
    if kept is not None:
        return _of_table(collection, kept)
    alike = [one for one in models.values() if one.collection == collection]
    fields = object_fields([model] if model is not None else alike, collections[collection].related, models)
    searched = {
        name: kind for one in alike for name, kind in stored_properties(one).items() if name not in one.references
    }
    named_by = alike[0].named_by if alike else "name"
    return Capabilities(
        collection=collection,
        kept=None,
        columns={named_by: json_type(objects.c.name)} if named_by != "pk" else {},
        filters=_filters(fields),
        sorts=_sorts(fields),
        searches=frozenset(name for name, kind in searched.items() if kind in _SEARCHED_TYPES),
        unique=frozenset({frozenset({named_by}), *(frozenset({name}) for name in UUIDS)}),
        references=model.references if model is not None else {},
        # The reference is set to null, which is its default unless the contract declares another one.
        on_delete={True: (CASCADE_MANY,), False: (SET_NULL, SET_DEFAULT, CASCADE)},
        relations=RELATIONS.keys(),
        secrets=frozenset({"password"}) if collection == USERS else frozenset(),
    )


def _of_table(collection: str, kept: _TableCollection) -> Capabilities:
    fields = kept.fields()
    columns = {kept.properties.get(name, name): kind for name, kind in required_columns(kept.table).items()}
    return Capabilities(
        collection=collection,
        kept=columns.keys() | kept.written,
        columns=columns,
        filters=_filters(fields),
        sorts=_sorts(fields),
        searches=frozenset(
            name for name, field in fields.items() if field.type in _SEARCHED_TYPES and name not in kept.unsearched
        ),
        unique=kept.unique or unique_columns(kept.table),
        references=kept.references,
        owners=kept.owners,
        secrets=kept.secrets,
        targets="target" in kept.written,
        referable=kept.table.name in referred_tables,
    )


def _filters(fields: Mapping[str, Field]) -> dict[str, Filter]:
    return {name: Filter(field.type, field.lists, field.reference) for name, field in fields.items()}


def _sorts(fields: Mapping[str, Field]) -> frozenset[str]:
    return frozenset(name for name, field in fields.items() if field.sortable)
