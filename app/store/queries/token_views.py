"""The view of tokens and their users: columns, filters and sort keys."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.domain import CASCADE, Reference
from app.store.queries.dialects import json_value, literal, readable
from app.store.queries.moments import moment_field
from app.store.queries.people import GROUPS, USERS, groups_of
from app.store.queries.references import key_of
from app.store.queries.view import Field, View, column_field, searched_text
from app.store.schema.tables import objects, references, tokens

TOKEN_REFERENCES: Mapping[str, Reference] = {
    "user": Reference((USERS,), CASCADE, many=False, integers=True, nullable=False)
}
"""The references of a token."""

USERNAME = "user__username"
"""The property of a token with the username of its user."""


class TokenRow(NamedTuple):
    """A stored token, with its user.

    :param expires: seconds since 1970-01-01 UTC; 0 for never
    :param user_related: the groups of the user, as JSON
    """

    pk: str
    managed: str | None
    identifier: str
    intent: str
    user: str
    description: str
    expires: int
    expiring: bool
    user_name: str
    user_model: str
    user_properties: str
    user_related: str


_OWN = TokenRow._fields[:8]
_KEPT: Mapping[str, Callable[[], sa.ColumnElement[Any]]] = {
    "identifier": lambda: tokens.c.name,
    "expiring": lambda: sa.func.coalesce(tokens.c.expiring, tokens.c.expires != 0),
}


def token_view(searched: Sequence[str] = ()) -> View:
    """The tokens that have a user. :param searched: the searched properties"""
    own = [_KEPT[name]() if name in _KEPT else tokens.c[name] for name in _OWN]
    columns = [*own, *(objects.c[name] for name in ("name", "model", "members"))]
    source = tokens.join(objects, objects.c.pk == tokens.c.user)
    fields = token_fields()
    return View(source, tokens.c.pk, [*columns, groups_of(objects)], fields, searched_text(fields, searched))


def token_fields() -> dict[str, Field]:
    """The filters of tokens."""
    plain = ("pk", "managed", "intent", "description")
    return {
        "identifier": column_field(tokens.c.name),
        "expiring": Field("boolean", _KEPT["expiring"], lambda wanted: _KEPT["expiring"]() == wanted),
        **{name: column_field(tokens.c[name]) for name in plain},
        "expires": moment_field(tokens.c.expires),
        "user": Field("string", lambda: tokens.c.user, lambda wanted: tokens.c.user == wanted, bound=key_of),
        USERNAME: column_field(objects.c.name),
    }


def is_active() -> sa.ColumnElement[bool]:
    """Whether the user of a token may log in."""
    return sa.func.coalesce(json_value(readable(objects.c.members), "is_active", "boolean"), sa.true())


def is_superuser() -> sa.ColumnElement[bool]:
    """Whether the user of a token is in a group whose members are superusers, or in one whose parent is such a group."""
    membership, parent = references.alias("of_user"), references.alias("to_parent")
    group = objects.alias("superusers")
    joined = membership.outerjoin(parent, sa.and_(parent.c.owner == membership.c.object, parent.c.member == "parent"))
    joined = joined.join(group, sa.or_(group.c.pk == membership.c.object, group.c.pk == parent.c.object))
    value = json_value(readable(group.c.members), "is_superuser", "boolean")
    mine = (membership.c.owner == tokens.c.user, membership.c.member == literal(GROUPS))
    return sa.exists().select_from(joined).where(*mine, sa.func.coalesce(value, sa.false()).is_(sa.true()))


def superusers() -> sa.CompoundSelect[str, str]:
    """The keys of the groups that make superusers, and of the users that are superusers and may log in, each with the reason."""
    value = json_value(readable(objects.c.members), "is_superuser", "boolean")
    of_groups = (objects.c.collection == literal(GROUPS), sa.func.coalesce(value, sa.false()).is_(sa.true()))
    granting = sa.select(objects.c.pk).where(*of_groups)
    is_below = (references.c.member == literal("parent"), references.c.object.in_(granting))
    groups = sa.union(granting, sa.select(references.c.owner).where(*is_below)).subquery()
    in_groups = references.c.object.in_(sa.select(groups.c.pk))
    members = sa.select(references.c.owner).where(references.c.member == literal(GROUPS), in_groups)
    owners = sa.select(tokens.c.user).where(tokens.c.superuser.is_(sa.true()), tokens.c.user.is_not(None))
    by_group, by_token = (
        sa.select(objects.c.pk, literal(reason)).where(objects.c.pk.in_(keys), is_active())
        for keys, reason in ((members, "group"), (owners, "token"))
    )
    return sa.union_all(sa.select(groups.c.pk, literal("")), by_group, by_token)
