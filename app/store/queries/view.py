"""Filters, search terms and sort keys of stored objects, as SQL.

The SQL parameters are `filter_<property>` and `term_<number>`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.domain import Reference
from app.store.queries.dialects import json_texts, line_feed, literal, position
from app.store.schema.search import fold
from app.store.schema.tables import json_type

Condition = sa.ColumnElement[bool]

SCALARS = ("string", "integer", "number", "boolean")
"""The types (JSON Schema) of values that can be compared and sorted."""

# The maximum number of terms with their own condition; further ones share one, so that statements stay small and few.
_TERMS = 8


def as_it_is(value: Any) -> Any:
    """A filter's value as an SQL parameter, unchanged."""
    return value


def number(value: float) -> float:
    """A number in the range that both databases accept: SQLite has integers of 64 bits."""
    if -(2**63) <= value < 2**63:
        return value
    return max(min(value, 1e300), -1e300) * 1.0


def text(value: str) -> str | None:
    """A string, or None, which equals nothing, if it has NUL, which no database stores."""
    return None if "\0" in value else value


def whole(value: float) -> int | None:
    """A number as a 32-bit integer, or None, which equals nothing, if it is not one."""
    return int(value) if -(2**31) <= value < 2**31 and value == int(value) else None


OWNER = "owner"
"""The filter of rows that belong to a user, by the user's key."""

Key = tuple[str, bool, bool]
"""A sort key: the property, whether the greatest value comes first, whether null is the least value."""


@dataclass(frozen=True)
class Field:
    """A property that filters and sort keys can use.

    Its SQL is built on first use: the boot check only needs the capabilities.

    :param type: the type of its values (JSON Schema)
    :param key: makes the sort key
    :param equals: makes the condition of equality with a parameter
    :param bound: converts a filter's value to the parameter
    :param sortable: whether objects can be sorted by it
    :param unique: whether its values are unique
    :param lists: whether a filter's value may be a list, any of which matches
    :param reference: the target of a filter's value, if it is an identifier
    """

    type: str
    key: Callable[[], sa.ColumnElement[Any]]
    equals: Callable[[sa.BindParameter[Any]], Condition]
    bound: Callable[[Any], Any] = as_it_is
    sortable: bool = True
    unique: bool = False
    lists: bool = False
    reference: Reference | None = None


def column_field(column: sa.Column[Any]) -> Field:
    """The field of a column."""
    unique = bool(column.unique or column.primary_key)
    kind = json_type(column)
    if kind == "integer":
        return Field(kind, lambda: column, lambda wanted: column == wanted, bound=whole, unique=unique)
    bound = text if kind == "string" else as_it_is
    return Field(kind, lambda: column, lambda wanted: column == wanted, bound=bound, unique=unique)


@dataclass(frozen=True)
class View:
    """The stored objects that one operation reads.

    :param source: the tables, joined
    :param key: the primary key
    :param columns: the selected columns
    :param fields: the filters and sort keys
    :param search: the searched text
    :param always: conditions of every query
    """

    source: sa.FromClause
    key: sa.ColumnElement[str]
    columns: Sequence[sa.ColumnElement[Any]]
    fields: Mapping[str, Field]
    search: sa.ColumnElement[str]
    always: Sequence[Condition] = field(default_factory=tuple)

    def matches(self, filters: frozenset[str], terms: int) -> list[Condition]:
        """The conditions of filters and search terms.

        :param filters: the filtered properties
        :param terms: the number of term conditions, from `condition_count`
        """
        found = list(self.always)
        found += [self.fields[name].equals(sa.bindparam(f"filter_{name}")) for name in sorted(filters)]
        zero: sa.ColumnElement[int] = sa.literal_column("0", sa.Integer())
        found += [
            position(self.search, sa.bindparam(f"term_{index}", type_=sa.Text())) > zero
            for index in range(min(terms, _TERMS))
        ]
        if terms > _TERMS:
            words = sa.bindparam("terms", type_=sa.Text())
            each = json_texts(words).table_valued("value")
            found.append(~sa.exists().where(position(self.search, each.c.value) == zero).select_from(each))
        return found

    def values(self, filters: Mapping[str, Any], terms: Sequence[str]) -> dict[str, Any]:
        """The parameters of the conditions from `matches`."""
        if not filters and not terms:
            return {}
        named: dict[str, Any] = {f"filter_{name}": self.fields[name].bound(value) for name, value in filters.items()}
        named |= {f"term_{index}": fold(term) for index, term in enumerate(terms[:_TERMS])}
        return {**named, "terms": json.dumps([fold(term) for term in terms[_TERMS:]])} if len(terms) > _TERMS else named

    def references(self, filters: Iterable[str]) -> dict[str, Reference]:
        """The references among filters."""
        found = {name: self.fields[name].reference for name in filters}
        return {name: reference for name, reference in found.items() if reference is not None}

    def sort_keys(self, ordering: Sequence[Key], *, backwards: bool = False) -> list[sa.ColumnElement[Any]]:
        """The sort keys up to the first unique one, at the latest the primary key.

        :param ordering: the sort keys
        :param backwards: whether to reverse the order
        """
        keys: list[sa.ColumnElement[Any]] = []
        for property_name, descending, null_is_least in ordering:
            known = self.fields[property_name]
            keys.append(_ordered(known.key(), descending=descending is not backwards, null_is_least=null_is_least))
            if known.unique:
                return keys
        return [*keys, self.key.desc() if backwards else self.key.asc()]


def _ordered(key: sa.ColumnElement[Any], *, descending: bool, null_is_least: bool) -> sa.ColumnElement[Any]:
    """A sort key; null is the greatest value, as on PostgreSQL, unless it is the least."""
    ordered = key.desc() if descending else key.asc()
    if isinstance(key, sa.Column) and not (null_is_least and key.nullable):
        return ordered
    return ordered.nulls_first() if descending is not null_is_least else ordered.nulls_last()


def condition_count(terms: Sequence[str]) -> int:
    """The number of conditions for search terms."""
    return min(len(terms), _TERMS + 1)


def searched_text(fields: Mapping[str, Field], names: Iterable[str]) -> sa.ColumnElement[str]:
    """The searched properties in upper case, one per line."""
    found: sa.ColumnElement[str] = literal("")
    for name in names:
        found = found + sa.func.upper(sa.cast(fields[name].key(), sa.Text()), type_=sa.Text()) + line_feed()
    return found


def any_of(column: sa.ColumnElement[Any], wanted: sa.BindParameter[Any]) -> Condition:
    """The condition that a column has one of the identifiers in a parameter from `listed`."""
    each = json_texts(wanted).table_valued("value")
    return column.in_(sa.select(each.c.value))


def listed(value: Any) -> str:
    """One or several identifiers, as a parameter for `any_of`."""
    return json.dumps([str(each).lower() for each in (value if isinstance(value, list) else [value])])
