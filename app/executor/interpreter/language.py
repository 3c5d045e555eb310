"""The language of expressions: Python as RestrictedPython compiles it, with attributes of known types only."""

import datetime as dt
import ipaddress
import json
import math
import operator
import re
import string
import unicodedata  # noqa: F401  # names of characters in texts and patterns need it
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any, cast

from RestrictedPython import RestrictingNodeTransformer, compile_restricted_function

from app.executor.interpreter.objects import View

# The first calls import modules, which needs files.
dt.datetime.strptime("1970", "%Y")
for _encoding in ("ascii", "cp1252", "idna", "latin-1", "punycode", "unicode_escape", "utf-8-sig", "utf-16", "utf-32"):
    "".encode(_encoding)

NAME, FILE = "expression", "<expression>"
"""The name of the compiled function."""

_TYPES = (
    bool, bytes, dict, float, frozenset, int, list, set, str, tuple,
    dt.date, dt.datetime, dt.time, dt.timedelta, dt.timezone,
    ipaddress.IPv4Address, ipaddress.IPv4Network, ipaddress.IPv6Address, ipaddress.IPv6Network,
    re.Match, re.Pattern,
)  # fmt: skip
# Methods that read attributes named in a text; `_Formatter` replaces `format`.
_UNSAFE = frozenset({"format", "format_map"})
_ATTRIBUTES: Mapping[type, frozenset[str]] = {
    kind: frozenset(name for name in dir(kind) if not name.startswith("_")) - _UNSAFE
    for kind in _TYPES
}  # fmt: skip


class Policy(RestrictingNodeTransformer):
    """The statements of expressions."""

    def visit_ClassDef(self, node: Any) -> Any:  # noqa: N802  # the name of the node
        """Reject classes, as their metaclass and their methods with two underscores change what Python does."""
        return self.not_allowed(node)


@lru_cache(maxsize=128)
def compiled(source: str, parameters: str) -> CodeType:
    """Compile an expression to a module with one function.

    :param parameters: of the function, separated by commas
    :raises SyntaxError: it is not Python, or not allowed
    """
    result = compile_restricted_function(parameters, source, NAME, FILE, policy=Policy)
    if result.errors:
        raise SyntaxError("; ".join(result.errors))
    return cast("CodeType", result.code)


def attribute(value: Any, name: str, *default: Any) -> Any:
    """An attribute of an object, as `getattr`. :raises AttributeError: there is none, or it can't be read here"""
    kind = value if isinstance(value, type) else type(value)
    if isinstance(value, View):
        if name in value.attributes:
            return value.attributes[name]
        kind_name = value.kind
    else:
        if name in _ATTRIBUTES.get(kind, ()):
            return getattr(value, name)
        if name == "format" and isinstance(value, str):
            return lambda *texts, **named: _Formatter().vformat(value, texts, named)
        if name == "args" and isinstance(value, BaseException):
            return value.args
        kind_name = kind.__name__
    if default:
        return default[0]
    raise AttributeError(f"'{kind_name}' object has no attribute '{name}'")


class _Formatter(string.Formatter):
    """`str.format` without attributes, which the guard would not check."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
        if "." in field_name:
            raise AttributeError(f"str.format can't read {field_name} in an expression: use an f-string")
        found: tuple[Any, Any] = super().get_field(field_name, args, kwargs)
        return found


def _has_attribute(value: Any, name: str) -> bool:
    missing = object()
    return attribute(value, name, missing) is not missing


def _changeable(value: Any) -> Any:
    if type(value) not in (dict, list):
        raise TypeError(f"'{type(value).__name__}' object can't be changed by an expression")
    return value


_IN_PLACE: Mapping[str, Callable[[Any, Any], Any]] = {
    "+=": operator.iadd, "-=": operator.isub, "*=": operator.imul, "/=": operator.itruediv, "//=": operator.ifloordiv,
    "%=": operator.imod, "**=": operator.ipow, "&=": operator.iand, "|=": operator.ior, "^=": operator.ixor,
    "<<=": operator.ilshift, ">>=": operator.irshift,
}  # fmt: skip


def _in_place(symbol: str, value: Any, other: Any) -> Any:
    return _IN_PLACE[symbol](value, other)


def _module(name: str, source: Any, names: str) -> View:
    return View("module", {one: getattr(source, one) for one in names.split()}, f"<module '{name}'>")


_MODULES = {
    "datetime": _module("datetime", dt, "date datetime time timedelta timezone UTC"),
    "ipaddress": _module("ipaddress", ipaddress, "ip_address ip_network"),
    "json": View(
        "module", {"dumps": lambda value: json.dumps(value), "loads": lambda text: json.loads(text)}, "<module 'json'>"
    ),
    "math": _module("math", math, "ceil floor inf isclose isnan log log2 log10 nan pi sqrt trunc"),
    "re": _module(
        "re", re, "compile escape findall finditer fullmatch match search split sub subn A I M S X"
        " ASCII IGNORECASE MULTILINE DOTALL VERBOSE",
    ),
}  # fmt: skip


_NO_MODULE = View("module", {})


def import_from(others: Mapping[str, View]) -> Callable[..., View]:
    """The function that imports a module. :param others: further modules, from which only names can be imported"""

    def found(name: str, _globals: Any = None, _locals: Any = None, names: Any = (), _level: int = 0) -> View:
        if isinstance(names, list):
            # A method of a built-in type imports a module for itself (`PyImport_Import`), and ignores what this returns.
            return _NO_MODULE
        if name in others and names:
            return others[name]
        if name not in _MODULES:
            raise ImportError(f"An expression can't import {name}: there are only {', '.join(_MODULES)}.")
        return _MODULES[name]

    return found


_BUILTINS = (
    abs, all, any, ascii, bin, bool, bytes, callable, chr, dict, divmod, enumerate, filter, float, frozenset, hash, hex, int,
    isinstance, len, list, map, max, min, next, oct, ord, pow, range, repr, reversed, round, set, slice, sorted, str, sum,
    tuple, zip,
    ArithmeticError, AttributeError, Exception, ImportError, IndexError, KeyError, LookupError, NameError, NotImplementedError,
    OverflowError, PermissionError, RuntimeError, StopIteration, SyntaxError, TypeError, UnicodeError, ValueError,
    ZeroDivisionError,
)  # fmt: skip

BUILTINS = "__builtins__"
"""The global name of the built-in functions."""

GLOBALS: Mapping[str, Any] = {
    BUILTINS: {
        **{one.__name__: one for one in _BUILTINS},
        "True": True,
        "False": False,
        "None": None,
        "getattr": attribute,
        "hasattr": _has_attribute,
        "__import__": import_from({}),
    },
    "_getattr_": attribute,
    "_getitem_": operator.getitem,
    "_getiter_": iter,
    "_iter_unpack_sequence_": lambda values, _spec, _getiter: values,
    "_unpack_sequence_": lambda values, _spec, _getiter: values,
    "_write_": _changeable,
    "_inplacevar_": _in_place,
}
"""The global names of each expression: the guards that RestrictedPython calls, and the built-in functions."""
