"""The view of consents: columns, filters and sort keys."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from app.domain import CASCADE, Reference
from app.store.queries.dialects import line_feed, literal
from app.store.queries.moments import seconds_of
from app.store.queries.people import USERS
from app.store.queries.references import key_of
from app.store.queries.view import Field, View, column_field, text
from app.store.schema.tables import consents, objects

CONSENT_REFERENCES: Mapping[str, Reference] = {
    "user": Reference((USERS,), CASCADE, many=False, integers=True, nullable=False),
    "application": Reference(("applications",), CASCADE, many=False, nullable=False),
}
"""The references of a consent."""

LIVE_AT = "live_at"
"""The filter of consents that have not expired at a moment, in seconds since 1970-01-01 UTC."""


class ConsentRow(NamedTuple):
    """A consent of a user.

    :param permissions: the identifiers of the permissions, separated by spaces
    :param expires: seconds since 1970-01-01 UTC; 0 for never
    """

    pk: int
    user: str
    application: str
    permissions: str
    expires: int


_USER, _APPLICATION = objects.alias("consenting"), objects.alias("application")


def consent_view(searched: Sequence[str] = ()) -> View:
    """The consents. :param searched: the searched properties"""
    fields = consent_fields()
    source = consents.join(_USER, _USER.c.pk == consents.c.user)
    source = source.join(_APPLICATION, _APPLICATION.c.pk == consents.c.application)
    found: sa.ColumnElement[str] = literal("")
    for name in searched:
        found = found + sa.func.upper(fields[name].key(), type_=sa.Text()) + line_feed()
    expires = consents.c.expires
    is_live = Field("integer", lambda: expires, lambda moment: sa.or_(expires == 0, expires > moment))
    columns = [consents.c[name] for name in ConsentRow._fields]
    return View(source, consents.c.pk, columns, {**fields, LIVE_AT: is_live}, found)


def consent_fields() -> dict[str, Field]:
    """The filters of consents."""
    return {
        "pk": column_field(consents.c.pk),
        "permissions": column_field(consents.c.permissions),
        "expires": Field(
            "string", lambda: consents.c.expires, lambda wanted: consents.c.expires == wanted, bound=seconds_of
        ),
        "user__username": Field("string", lambda: _USER.c.name, lambda wanted: _USER.c.name == wanted, bound=text),
        "application__slug": Field(
            "string", lambda: _APPLICATION.c.name, lambda wanted: _APPLICATION.c.name == wanted, bound=text
        ),
        **{name: _reference_field(name, reference) for name, reference in CONSENT_REFERENCES.items()},
    }


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
