"""Users and groups: their mutual references, and filters on them."""

import json
from typing import Any

import orjson
import sqlalchemy as sa

from app import errors
from app.domain import Reference
from app.store.queries.dialects import json_holds, json_value, readable
from app.store.queries.json_rows import json_rows
from app.store.queries.references import key_of
from app.store.queries.view import Condition, Field, any_of, text
from app.store.schema.tables import objects, references

USERS, GROUPS = "users", "groups"
"""The collections, and the properties of their mutual references."""

_PARENT = "parent"
_TO_GROUPS = Reference((GROUPS,), "", many=True)
_TO_GROUPS_BY_NAME = Reference((GROUPS,), "", many=True, identity=("name",))
_TO_USERS = Reference((USERS,), "", many=True, integers=True)
_TO_USERS_BY_NAME = Reference((USERS,), "", many=True, identity=("username",))


def groups_of(user: sa.FromClause) -> sa.ScalarSelect[str]:
    """The groups of a user with their parents, as JSON: pk, name and properties of both.

    :param user: the user, as named in the enclosing statement
    """
    membership, group = references.alias("membership"), objects.alias("group_of_user")
    to_parent, parent = references.alias("to_parent"), objects.alias("parent_of_group")
    joined = membership.join(group, group.c.pk == membership.c.object)
    joined = joined.outerjoin(to_parent, sa.and_(to_parent.c.owner == group.c.pk, to_parent.c.member == _PARENT))
    joined = joined.outerjoin(parent, parent.c.pk == to_parent.c.object)
    columns = [one.c[name] for one in (group, parent) for name in ("pk", "name", "members")]
    of_user = sa.and_(membership.c.owner == user.c.pk, membership.c.member == GROUPS)
    return json_rows(columns, joined, user, of_user, (membership.c.position,))


def groups_above() -> sa.Select[Any]:
    """The groups above those of a user at any distance, sorted by name: pk, name and properties. :param user_: the user"""
    membership, step, group = references.alias("membership"), references.alias("step"), objects.alias("group_above")
    of_user = (membership.c.owner == sa.bindparam("user_"), membership.c.member == GROUPS)
    to_parent = membership.join(step, sa.and_(step.c.owner == membership.c.object, step.c.member == _PARENT))
    found = sa.select(step.c.object).select_from(to_parent).where(*of_user).cte("found", recursive=True)
    further = references.alias("further")
    is_above = (further.c.owner == found.c.object, further.c.member == _PARENT)
    found = found.union(sa.select(further.c.object).where(*is_above))
    columns = (group.c[name] for name in ("pk", "name", "members"))
    return sa.select(*columns).where(group.c.pk.in_(sa.select(found.c.object))).order_by(group.c.name, group.c.pk)


def members_of_group(group: sa.FromClause) -> sa.ScalarSelect[str]:
    """The users in a group, then its parent, as JSON: property, pk, name and properties of each.

    :param group: the group, as named in the enclosing statement
    """
    reference, other = references.alias("of_group"), objects.alias("of_group_object")
    is_parent = reference.c.member == _PARENT
    seen = sa.case((is_parent, reference.c.object), else_=reference.c.owner)
    joined = reference.join(other, other.c.pk == seen)
    related = sa.or_(
        sa.and_(reference.c.object == group.c.pk, reference.c.member == GROUPS),
        sa.and_(reference.c.owner == group.c.pk, is_parent),
    )
    columns = [reference.c.member, *(other.c[name] for name in ("pk", "name", "members"))]
    return json_rows(columns, joined, group, related, (reference.c.member, other.c.name))


def user_fields() -> dict[str, Field]:
    """The filters of users on their groups, or inside a property."""
    return {
        "groups_by_pk": _group_field(_TO_GROUPS, "pk"),
        "groups_by_name": _group_field(_TO_GROUPS_BY_NAME, "name"),
        "is_superuser": _superuser_field(),
        "path_startswith": _path_field(),
        "type": _type_field(),
        "attributes": _attributes_field(),
    }


def group_fields() -> dict[str, Field]:
    """The filters of groups on their users, or inside a property."""
    return {
        "members_by_pk": _property_field(_TO_USERS, "pk"),
        "members_by_username": _property_field(_TO_USERS_BY_NAME, "name"),
        "attributes": _attributes_field(),
    }


def _group_field(reference: Reference, column: str) -> Field:
    """The filter of users in any of several groups."""
    membership, group = references.alias("membership"), objects.alias("group_of_user")

    def equals(wanted: sa.BindParameter[Any]) -> Condition:
        joined = membership.join(group, group.c.pk == membership.c.object)
        mine = (membership.c.owner == objects.c.pk, membership.c.member == GROUPS)
        return sa.exists().select_from(joined).where(*mine, any_of(group.c[column], wanted))

    return Field("string", _no_key, equals, bound=_texts, sortable=False, lists=True, reference=reference)


def _property_field(reference: Reference, column: str) -> Field:
    """The filter of groups with any of several users."""
    membership, user = references.alias("membership"), objects.alias("user_in_group")

    def equals(wanted: sa.BindParameter[Any]) -> Condition:
        joined = membership.join(user, user.c.pk == membership.c.owner)
        mine = (membership.c.object == objects.c.pk, membership.c.member == GROUPS)
        return sa.exists().select_from(joined).where(*mine, any_of(user.c[column], wanted))

    kind = "integer" if reference.integers else "string"
    return Field(kind, _no_key, equals, bound=_texts, sortable=False, lists=True, reference=reference)


def _superuser_field() -> Field:
    """The filter of users in a group whose members are superusers, or in one whose members are not (recorded:
    `users.list.is_superuser_*`).
    """
    membership, group = references.alias("membership"), objects.alias("group_of_user")

    def equals(wanted: sa.BindParameter[Any]) -> Condition:
        joined = membership.join(group, group.c.pk == membership.c.object)
        mine = (membership.c.owner == objects.c.pk, membership.c.member == GROUPS)
        value = json_value(readable(group.c.members), "is_superuser", "boolean")
        return sa.exists().select_from(joined).where(*mine, sa.func.coalesce(value, sa.false()) == wanted)

    return Field("boolean", _no_key, equals, sortable=False)


def _type_field() -> Field:
    """The filter of users of one of several types."""

    def equals(wanted: sa.BindParameter[Any]) -> Condition:
        return any_of(json_value(readable(objects.c.members), "type", "string"), wanted)

    return Field("string", _no_key, equals, bound=_texts, sortable=False, lists=True)


def _path_field() -> Field:
    """The filter of users whose path begins with a text."""

    def equals(wanted: sa.BindParameter[Any]) -> Condition:
        path = json_value(readable(objects.c.members), "path", "string")
        beginning = sa.cast(wanted, sa.Text())
        return sa.func.substr(path, 1, sa.func.length(beginning)) == beginning

    return Field("string", _no_key, equals, bound=text, sortable=False)


def _attributes_field() -> Field:
    """The filter of objects whose attributes contain some JSON; `a__b` is the property `b` of `a`."""

    def equals(wanted: sa.BindParameter[Any]) -> Condition:
        return json_holds(readable(objects.c.members), wanted)

    return Field("string", _no_key, equals, bound=_tree, sortable=False)


def _tree(wanted: str) -> str:
    """The JSON of a filter for SQLite and PostgreSQL: paths with values, and a tree.

    :raises Invalid: it is not a JSON object, or nested too deeply
    """
    try:
        conditions = orjson.loads(wanted)
    except orjson.JSONDecodeError as error:
        raise errors.Invalid({"attributes": ["This is not JSON."]}) from error
    if not isinstance(conditions, dict):
        raise errors.Invalid({"attributes": ["This is not a JSON object."]})
    paths: list[tuple[str, Any]] = []
    trees: list[Any] = []
    for name, value in conditions.items():
        keys = ["attributes", *name.split("__")]
        # A path of SQLite can't contain such a key; the empty key matches no attributes.
        spelled = [key if '"' not in key and "\0" not in key else "" for key in keys]
        paths.append(("$" + "".join(f'."{key}"' for key in spelled), value))
        tree = value
        for key in reversed(keys):
            tree = {key: tree}
        trees.append(tree)
    try:
        return orjson.dumps({"paths": paths, "tree": _merged(trees)}).decode().replace(r"\u0000", r"\ufffd")
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise errors.Invalid({"attributes": ["This is nested too deeply."]}) from error


def _merged(trees: list[Any]) -> Any:
    """Merge several objects."""
    merged: dict[str, Any] = {}
    for tree in trees:
        for key, value in tree.items():
            both = key in merged and isinstance(merged[key], dict) and isinstance(value, dict)
            merged[key] = _merged([merged[key], value]) if both else value
    return merged


def _texts(value: Any) -> str:
    """One or several identifiers, as a parameter for `any_of`."""
    return json.dumps([key_of(each) for each in (value if isinstance(value, list) else [value])])


def _no_key() -> sa.ColumnElement[Any]:
    """The sort key of a filter that can't be sorted by."""
    return objects.c.pk
