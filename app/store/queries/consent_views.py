"""The view of consents: columns, filters and sort keys."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.domain import CASCADE, Reference
from app.store.queries.moments import LIVE_AT, live_field, moment_field
from app.store.queries.object_views import OBJECT_COLUMNS, ObjectRow, object_references
from app.store.queries.people import USERS, groups_of
from app.store.queries.references import key_of
from app.store.queries.view import Field, View, column_field, searched_text
from app.store.schema.tables import consents, objects

CONSENT_REFERENCES: Mapping[str, Reference] = {
    "user": Reference((USERS,), CASCADE, many=False, integers=True, nullable=False),
    "application": Reference(("applications",), CASCADE, many=False, nullable=False),
}
"""The references of a consent."""


class ConsentRow(NamedTuple):
    """A consent of a user to an application.

    :param permissions: the identifiers of the permissions, separated by spaces
    :param expires: seconds since 1970-01-01 UTC; 0 for never
    """

    pk: int
    permissions: str
    expires: int
    user: ObjectRow
    application: ObjectRow


_OWN = ConsentRow._fields[:3]
_USER, _APPLICATION = objects.alias("consenting"), objects.alias("application")


def consent_row(columns: Iterable[Any]) -> ConsentRow:
    """A consent from the columns of the view."""
    pk, permissions, expires, *rows = columns
    size = len(ObjectRow._fields)
    return ConsentRow(pk, permissions, expires, ObjectRow._make(rows[:size]), ObjectRow._make(rows[size:]))


def consent_view(searched: Sequence[str] = ()) -> View:
    """The consents. :param searched: the searched properties"""
    fields = consent_fields()
    source = consents.join(_USER, _USER.c.pk == consents.c.user)
    source = source.join(_APPLICATION, _APPLICATION.c.pk == consents.c.application)
    columns: list[sa.ColumnElement[Any]] = [consents.c[name] for name in _OWN]
    columns += [*_object(_USER), groups_of(_USER), *_object(_APPLICATION), sa.null()]
    fields_of_rows = {**fields, LIVE_AT: live_field(consents.c.expires)}
    return View(source, consents.c.pk, columns, fields_of_rows, searched_text(fields, searched))


def consent_fields() -> dict[str, Field]:
    """The filters of consents."""
    return {
        "pk": column_field(consents.c.pk),
        "permissions": column_field(consents.c.permissions),
        "expires": moment_field(consents.c.expires),
        "user__username": column_field(_USER.c.name),
        "application__slug": column_field(_APPLICATION.c.name),
        **{name: _reference_field(name, reference) for name, reference in CONSENT_REFERENCES.items()},
    }


def _object(alias: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """The columns of an `ObjectRow`, except the related objects."""
    return [*(alias.c[column.name] for column in OBJECT_COLUMNS), object_references(alias)]


def _reference_field(name: str, reference: Reference) -> Field:
    kind = "integer" if reference.integers else "string"
    column = consents.c[name]
    return Field(
        kind,
        lambda: column,
        lambda wanted: column == wanted,
        bound=lambda key: key_of(key).lower(),
        reference=reference,
    )
