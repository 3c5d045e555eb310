"""The tables. A new database gets them from here, an older one from Alembic's migrations; a test compares the two.

Types are plain on purpose: a response needs text, numbers and booleans, without conversion. The contract restricts the values of
properties, not the columns.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)


def text() -> Text:
    """Text that compares by code point on both databases (SQLite does by itself)."""
    return Text().with_variant(Text(collation="C"), "postgresql")


# Columns have the names of the contract's properties, so that a filter on a property is a filter on its column.
flows = Table(
    "flows",
    metadata,
    Column("pk", text(), primary_key=True),
    Column("policybindingmodel_ptr_id", text(), nullable=False, unique=True),
    Column("name", text(), nullable=False),
    Column("slug", text(), nullable=False, unique=True),
    Column("title", text(), nullable=False),
    Column("designation", text(), nullable=False),
    Column("background", text(), nullable=False),
    Column("policy_engine_mode", text(), nullable=False),
    Column("compatibility_mode", Boolean(), nullable=False),
    Column("layout", text(), nullable=False),
    Column("denied_action", text(), nullable=False),
    Column("authentication", text(), nullable=False),
    # The searched properties, upper-cased, one per line: see `search.py`.
    Column("search", text(), nullable=False),
    # The identifiers of bound objects in the order of the bindings, separated by spaces. Triggers maintain them for all writers,
    # and reading a flow costs the same with any number of bindings.
    Column("stages", text(), nullable=False, server_default=sql("''")),
    Column("policies", text(), nullable=False, server_default=sql("''")),
)

# Objects of the models in the contract: stages, policies, prompts.
objects = Table(
    "objects",
    metadata,
    Column("pk", text(), primary_key=True),
    Column("collection", text(), nullable=False),
    Column("model", text(), nullable=False),
    Column("name", text(), nullable=False),
    # The other properties, without references, as JSON.
    Column("members", text(), nullable=False),
    Column("search", text(), nullable=False),
    UniqueConstraint("collection", "name"),
)

# The references of objects. One of `object` and `flow` is set; deleting the referenced row deletes the reference.
references = Table(
    "object_references",
    metadata,
    Column("owner", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), primary_key=True),
    Column("member", text(), primary_key=True),
    Column("position", Integer(), primary_key=True, autoincrement=False),
    Column("object", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), index=True),
    Column("flow", text(), ForeignKey(flows.c.pk, ondelete="CASCADE"), index=True),
)

stage_bindings = Table(
    "stage_bindings",
    metadata,
    Column("pk", text(), primary_key=True),
    Column("policybindingmodel_ptr_id", text(), nullable=False, unique=True),
    Column("target", text(), ForeignKey(flows.c.pk, ondelete="CASCADE"), nullable=False),
    Column("stage", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), nullable=False, index=True),
    Column("order", Integer(), nullable=False),
    Column("evaluate_on_plan", Boolean(), nullable=False),
    Column("re_evaluate_policies", Boolean(), nullable=False),
    Column("policy_engine_mode", text(), nullable=False),
    Column("invalid_response_action", text(), nullable=False),
    UniqueConstraint("target", "stage", "order"),
    Index("ix_stage_bindings_target_order", "target", "order", "pk"),
)

# Normally one of `policy`, `user` and `group` is set, and one of `flow`, `stage_binding` and `application`, the target.
policy_bindings = Table(
    "policy_bindings",
    metadata,
    Column("pk", text(), primary_key=True),
    Column("policy", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), index=True),
    Column("user", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), index=True),
    Column("group", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), index=True),
    Column("flow", text(), ForeignKey(flows.c.pk, ondelete="CASCADE")),
    Column("stage_binding", text(), ForeignKey(stage_bindings.c.pk, ondelete="CASCADE")),
    Column("application", text(), ForeignKey(objects.c.pk, ondelete="CASCADE")),
    Column("negate", Boolean(), nullable=False),
    Column("enabled", Boolean(), nullable=False),
    Column("order", Integer(), nullable=False),
    Column("timeout", Integer(), nullable=False),
    Column("failure_result", Boolean(), nullable=False),
    UniqueConstraint("policy", "flow", "order"),
    UniqueConstraint("policy", "stage_binding", "order"),
    Index("ix_policy_bindings_flow_order", "flow", "order", "pk"),
    Index("ix_policy_bindings_stage_binding_order", "stage_binding", "order", "pk"),
    Index("ix_policy_bindings_application_order", "application", "order", "pk"),
    Index("uq_policy_bindings_policy_application_order", "policy", "application", "order", unique=True),
)

# Hashes of passwords, by the user's key, and when they were set, in seconds since 1970 if that is known.
passwords = Table(
    "passwords",
    metadata,
    Column("user", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), primary_key=True),
    Column("hash", text(), nullable=False),
    Column("changed", BigInteger()),
)

# Consents of users to applications.
consents = Table(
    "consents",
    metadata,
    Column("pk", Integer(), primary_key=True),
    Column("user", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), nullable=False),
    Column("application", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), nullable=False, index=True),
    # The identifiers of the permissions, separated by spaces.
    Column("permissions", text(), nullable=False),
    # Seconds since 1970-01-01 UTC; 0 for a consent that does not expire.
    Column("expires", BigInteger(), nullable=False),
    UniqueConstraint("user", "application"),
)

# Sessions of clients that run flows.
sessions = Table(
    "sessions",
    metadata,
    # SHA-256 of the session's key, in hexadecimal: the key itself is not stored.
    Column("digest", text(), primary_key=True),
    Column("uuid", text(), nullable=False, unique=True),
    # The user who has logged in.
    Column("user", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), index=True),
    # Counts the changes: a change of an outdated row fails.
    Column("version", BigInteger(), nullable=False),
    # Seconds since 1970-01-01 UTC, and the lifetime in seconds; 0 for as long as the browser is open.
    Column("used", BigInteger(), nullable=False),
    Column("expires", BigInteger(), nullable=False, index=True),
    Column("lifetime", BigInteger(), nullable=False),
    Column("address", text(), nullable=False),
    Column("agent", text(), nullable=False),
    # The plan and what belongs to it, as JSON.
    Column("state", text(), nullable=False),
)

# Devices by which users prove who they are, such as authenticator apps.
devices = Table(
    "devices",
    metadata,
    Column("pk", text(), primary_key=True),
    Column("user", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), nullable=False),
    Column("kind", text(), nullable=False),
    # Counts the devices of this kind of the user: the identifier in challenges.
    Column("number", Integer(), nullable=False),
    Column("name", text(), nullable=False),
    # The public identifier of the device itself, if its kind has one.
    Column("credential", text(), unique=True),
    # The data that verify it, as JSON: keys, digests of codes, counters.
    Column("data", text(), nullable=False),
    UniqueConstraint("user", "kind", "number"),
)

# E-mails that are to be sent, could not be sent, or are kept.
mails = Table(
    "mails",
    metadata,
    Column("pk", text(), primary_key=True),
    Column("created", BigInteger(), nullable=False, index=True),
    # The stage that has written it, which may be deleted; empty for an invitation.
    Column("stage", text(), nullable=False),
    Column("name", text(), nullable=False),
    Column("address", text(), nullable=False),
    Column("subject", text(), nullable=False),
    Column("plain", text(), nullable=False),
    Column("html", text(), nullable=False),
    Column("state", text(), nullable=False),
    Column("reason", text(), nullable=False),
)

# Plans that links in e-mails restore.
flow_tokens = Table(
    "flow_tokens",
    metadata,
    # SHA-256 of the token in the link, in hexadecimal: the token itself is not stored.
    Column("digest", text(), primary_key=True),
    Column("flow", text(), ForeignKey(flows.c.pk, ondelete="CASCADE"), nullable=False, index=True),
    Column("user", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), nullable=False, index=True),
    Column("expires", BigInteger(), nullable=False, index=True),
    Column("plan", text(), nullable=False),
    # Digest of the state of the user when the link was made. Servers before the column add rows without it.
    Column("user_state", text(), nullable=False, server_default=sql("''")),
)

# Requests of users for e-mails, for as long as they count.
mail_requests = Table(
    "mail_requests",
    metadata,
    Column("pk", text(), primary_key=True),
    # SHA-256 of the address, in hexadecimal.
    Column("address", text(), nullable=False, index=True),
    Column("expires", BigInteger(), nullable=False, index=True),
)

# Uploaded files, by their path below `/media/public/`. Each belongs to a flow, and is deleted with it.
files = Table(
    "files",
    metadata,
    Column("path", text(), primary_key=True),
    Column("flow", text(), ForeignKey(flows.c.pk, ondelete="CASCADE"), nullable=False, index=True),
    Column("media_type", text(), nullable=False),
    Column("content", LargeBinary(), nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    # The identifier in the contract.
    Column("name", text(), primary_key=True),
    # SHA-256 of the token, in hexadecimal: the token itself is not stored.
    Column("digest", text(), nullable=False, unique=True),
    # The permissions of the token in addition to its user's: all, or a list separated by spaces.
    Column("superuser", Boolean(), nullable=False),
    Column("active", Boolean(), nullable=False),
    Column("permissions", text(), nullable=False),
    # Seconds since 1970-01-01 UTC; 0 for a token that does not expire.
    Column("created", BigInteger(), nullable=False),
    Column("expires", BigInteger(), nullable=False),
    # Null for a token of an older server, until it gets a user.
    Column("pk", text()),
    Column("user", text(), ForeignKey(objects.c.pk, ondelete="CASCADE"), index=True),
    Column("intent", text(), nullable=False, server_default=sql("'api'")),
    Column("description", text(), nullable=False, server_default=sql("''")),
    Column("managed", text()),
    # False for a token that ignores its expiry time; null for one that expires if it has one.
    Column("expiring", Boolean()),
)

# Metadata of the store, such as the properties in `flows.search`.
properties = Table(
    "store_properties",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text(), nullable=False),
)

LAST_NUMBER = "last_number"
"""The property with the last integer that was given to a user as key."""

SESSION_KEY = "session_key"
"""The property with the key that signs the cookies of sessions."""

Index("ix_flows_name", flows.c.name)
Index("ix_flows_designation", flows.c.designation, flows.c.slug)


COLLECTIONS: Mapping[str, Table] = {table.name: table for table in (flows, stage_bindings, policy_bindings)}
"""The collections with their own table, by name. The objects of all others share one."""

referred_tables = frozenset(key.column.table.name for key in references.foreign_keys)
"""The tables that references of objects can refer to."""

# Columns that the store sets itself.
_MADE = frozenset(
    {
        "pk", "policybindingmodel_ptr_id", "collection", "model", "members", "search", "stages", "policies",
        "digest", "superuser", "active", "permissions", "created", "expires",
        "uuid", "version", "used", "lifetime", "address", "agent", "state",
    }
)  # fmt: skip
_TYPES = {"text": "string", "boolean": "boolean", "integer": "integer"}


def json_type(column: Column[Any]) -> str:
    """The type of a column's values (JSON Schema)."""
    return _TYPES[column.type.__visit_name__]


def required_columns(table: Table) -> dict[str, str]:
    """The types (JSON Schema) of the required columns that clients set."""
    return {
        column.name: json_type(column) for column in table.columns if not column.nullable and column.name not in _MADE
    }


def unique_columns(table: Table) -> frozenset[frozenset[str]]:
    """The unique constraints of a table, the primary key included."""
    alone = {frozenset({column.name}) for column in table.columns if column.unique or column.primary_key}
    pipelined = {
        frozenset(column.name for column in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    }
    return frozenset(alone | pipelined)
