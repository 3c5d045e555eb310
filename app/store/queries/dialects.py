"""SQL constructs that SQLite and PostgreSQL write differently (SQLAlchemy, "Custom SQL Constructs and Compilation Extension").

Queries use them like functions of SQLAlchemy; the dialect is chosen when a statement is compiled.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import JSON
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class position(FunctionElement[int]):  # noqa: N801  # named as an SQL function, as in SQLAlchemy
    """The position of a text in another one, from 1; 0 if it does not occur. Arguments: the text, the part."""

    type = sa.Integer()
    inherit_cache = True


class character(FunctionElement[str]):  # noqa: N801
    """The character of a code point."""

    type = sa.Text()
    inherit_cache = True


class json_row(FunctionElement[Any]):  # noqa: N801
    """A JSON array of values. SQLite has 0 and 1 for booleans."""

    inherit_cache = True


def _register(construct: type[FunctionElement[Any]], **names: str) -> None:
    """Compile a construct to a function. :param names: of the function, by dialect"""
    for dialect, name in names.items():

        def compiled(element: Any, compiler: SQLCompiler, *, _name: str = name, **options: Any) -> str:
            return compiler.process(getattr(sa.func, _name)(*element.clauses), **options)

        compiles(construct, dialect)(compiled)


_register(position, sqlite="instr", postgresql="strpos")
_register(character, sqlite="char", postgresql="chr")
_register(json_row, sqlite="json_array", postgresql="json_build_array")


def line_feed() -> sa.ColumnElement[str]:
    """A line feed."""
    return character(10)


class json_texts(FunctionElement[str]):  # noqa: N801
    """The strings of a JSON array, as a table with the column `value`. Argument: the array as text."""

    inherit_cache = True


@compiles(json_texts, "sqlite")
def _json_texts_on_sqlite(element: json_texts, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(sa.func.json_each(*element.clauses), **options)


@compiles(json_texts, "postgresql")
def _json_texts_on_postgresql(element: json_texts, compiler: SQLCompiler, **options: Any) -> str:
    (array,) = element.clauses
    return compiler.process(sa.func.json_array_elements_text(sa.cast(array, JSON)), **options)


class json_aggregate(FunctionElement[str]):  # noqa: N801
    """A JSON array of the values of all rows, as text; empty if there are none. It keeps the order of a subquery."""

    type = sa.Text()
    inherit_cache = True


@compiles(json_aggregate, "sqlite")
def _json_aggregate_on_sqlite(element: json_aggregate, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(sa.func.json_group_array(*element.clauses), **options)


@compiles(json_aggregate, "postgresql")
def _json_aggregate_on_postgresql(element: json_aggregate, compiler: SQLCompiler, **options: Any) -> str:
    array = sa.cast(sa.func.json_agg(*element.clauses), sa.Text())
    return compiler.process(sa.func.coalesce(array, sa.literal_column("'[]'", sa.Text())), **options)


class json_is_missing(FunctionElement[bool]):  # noqa: N801
    """Whether a JSON object lacks a property.

    :param json: the object as text
    :param name: the property
    """

    type = sa.Boolean()
    inherit_cache = False

    def __init__(self, json: sa.ColumnElement[str], name: str) -> None:
        super().__init__(json)
        self.property = name


@compiles(json_is_missing, "sqlite")
def _json_is_missing_on_sqlite(element: json_is_missing, compiler: SQLCompiler, **options: Any) -> str:
    (json,) = element.clauses
    missing = sa.func.json_type(json, _path(element.property)).is_(None)
    return f"({compiler.process(missing, **options)})"


@compiles(json_is_missing, "postgresql")
def _json_is_missing_on_postgresql(element: json_is_missing, compiler: SQLCompiler, **options: Any) -> str:
    (json,) = element.clauses
    missing = sa.cast(json, JSON).op("->")(literal(element.property)).is_(None)
    return f"({compiler.process(missing, **options)})"


_TYPES: Mapping[str, sa.types.TypeEngine[Any]] = {
    "integer": sa.Numeric(),
    "number": sa.Numeric(),
    "boolean": sa.Boolean(),
    "string": sa.Text(),
}


class json_value(FunctionElement[Any]):  # noqa: N801
    """The value of a property of a JSON object; on PostgreSQL null if it is of another type.

    :param json: the object as text
    :param name: the property
    :param kind: its type (JSON Schema): string, integer, number or boolean
    """

    inherit_cache = False

    def __init__(self, json: sa.ColumnElement[str], name: str, kind: str) -> None:
        super().__init__(json)
        self.property = name
        self.kind = kind
        self.type = _TYPES[kind]


@compiles(json_value, "sqlite")
def _json_value_on_sqlite(element: json_value, compiler: SQLCompiler, **options: Any) -> str:
    (json,) = element.clauses
    return compiler.process(sa.func.json_extract(json, _path(element.property)), **options)


@compiles(json_value, "postgresql")
def _json_value_on_postgresql(element: json_value, compiler: SQLCompiler, **options: Any) -> str:
    (json,) = element.clauses
    found, name = sa.cast(json, JSON), literal(element.property)
    typed: sa.ColumnElement[Any] = sa.cast(found.op("->>")(name), element.type)
    match element.kind:
        case "integer" | "number":
            stored = "number"
        case "boolean":
            stored = "boolean"
        case _:
            stored, typed = "string", sa.collate(typed, "C")
    is_typed = sa.func.json_typeof(found.op("->")(name)) == literal(stored)
    return compiler.process(sa.case((is_typed, typed), else_=None), **options)


class json_text(FunctionElement[str]):  # noqa: N801
    """A text in a JSON object, null if there is none.

    :param json: the object as text
    :param path: the keys that lead to it
    """

    type = sa.Text()
    inherit_cache = False

    def __init__(self, json: sa.ColumnElement[str], *path: str) -> None:
        super().__init__(json)
        self.path = path


@compiles(json_text, "sqlite")
def _json_text_on_sqlite(element: json_text, compiler: SQLCompiler, **options: Any) -> str:
    (json,) = element.clauses
    path = literal("$" + "".join(f'."{key}"' for key in element.path))
    return compiler.process(sa.func.json_extract(json, path), **options)


@compiles(json_text, "postgresql")
def _json_text_on_postgresql(element: json_text, compiler: SQLCompiler, **options: Any) -> str:
    (json,) = element.clauses
    keys = (literal(key) for key in element.path)
    return compiler.process(sa.func.json_extract_path_text(sa.cast(json, JSON), *keys), **options)


class json_holds(FunctionElement[bool]):  # noqa: N801
    """Whether a JSON object contains other JSON. Arguments: the object as text; the other JSON, as an object with `paths` for
    SQLite, a list of paths with their values, and `tree` for PostgreSQL, an object, both as text.
    """

    type = sa.Boolean()
    inherit_cache = True


@compiles(json_holds, "sqlite")
def _json_holds_on_sqlite(element: json_holds, compiler: SQLCompiler, **options: Any) -> str:
    json, wanted = element.clauses
    each = sa.func.json_each(wanted, literal("$.paths")).table_valued("value")
    path, value = (sa.func.json_extract(each.c.value, literal(f"$[{index}]")) for index in range(2))
    other = sa.func.json_extract(json, path).is_distinct_from(value)
    return compiler.process(~sa.exists().select_from(each).where(other), **options)


@compiles(json_holds, "postgresql")
def _json_holds_on_postgresql(element: json_holds, compiler: SQLCompiler, **options: Any) -> str:
    from sqlalchemy.dialects.postgresql import JSONB

    json, wanted = element.clauses
    tree = sa.cast(wanted, JSONB).op("->")(literal("tree"))
    return compiler.process(sa.cast(json, JSONB).op("@>")(tree), **options)


def readable(json: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """JSON without NUL, which no database can read. Each is replaced by an escape of equal length."""
    return sa.func.replace(json, literal(r"\u0000"), literal(r"\ufffd"), type_=sa.Text())


def literal(text: str) -> sa.ColumnElement[str]:
    """A text of the contract as a literal of SQL: each text compiles its own statement."""
    return sa.literal_column("'" + text.replace("'", "''") + "'")


def _path(name: str) -> sa.ColumnElement[str]:
    return literal(f'$."{name}"')
