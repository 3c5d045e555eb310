"""Evaluation of one expression: its names, its lookups, and its outcome as JSON."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from traceback import walk_tb
from typing import Any

from app.executor.interpreter.language import BUILTINS, FILE, GLOBALS, NAME, compiled, import_from
from app.executor.interpreter.objects import Application, Records, User, View, anonymous

_PENDING_USER, _PROMPT_DATA, _PLAN = "pending_user", "prompt_data", "flow_plan"
_APPLICATION, _MODELS = "application", "authentik.core.models"
_MOST = 2**63
_MOST_NOTES, _LONGEST_NOTE = 64, 10_000


class Missing(BaseException):
    """A lookup that the server has to make before the expression is evaluated again, even if the expression catches this."""


class Evaluation:
    """The evaluation of one expression.

    :param task: see `app.executor.expressions.tasks`
    """

    def __init__(self, task: Mapping[str, Any]) -> None:
        self._task = task
        self._found: list[tuple[list[Any], Any]] = task["found"]
        self._missing: list[Any] | None = None
        self._messages: list[str] = []
        self._logged: list[tuple[str, str]] = []
        self._plan_context: dict[str, Any] | None = None

    def outcome(self) -> dict[str, Any]:
        """The value, messages and changes of the expression; or its `error`; or what is `missing`, by name and arguments."""
        try:
            value = self._value()
            changed = None if self._plan_context is None else _stored(self._plan_context)
            outcome = {"value": _shown(value), "changed": changed}
        except MemoryError:
            raise
        except BaseException as error:  # an expression may raise anything
            outcome = {"error": _text(error), "line": _line(error)}
        if self._missing is not None:
            return {"missing": self._missing}
        return {**outcome, "messages": self._messages, "logged": self._logged}

    def _value(self) -> Any:
        names = self._names()
        code = compiled(self._task["source"], ", ".join(names))
        builtins = {**GLOBALS[BUILTINS], "__import__": import_from({_MODELS: self._models()})}
        scope = {**GLOBALS, BUILTINS: builtins, "_print_": lambda _getattr: _Printer(self._log)}
        exec(code, scope)  # noqa: S102  # compiled by RestrictedPython
        return scope[NAME](**names)

    def _names(self) -> dict[str, Any]:
        task = self._task
        user = self._user(task["user"]) or anonymous()
        pending = self._user(task["pending_user"])
        http_request = None
        if task["http_request"] is not None:
            http_request = View("HttpRequest", {**task["http_request"], "user": user})
        context = _with_pending(task["context"], pending)
        if task["plan"] is not None:
            self._plan_context = _with_pending(task["plan"]["context"], pending)
            context = {**self._plan_context, **context} if task["shares_context"] else context
            context[_PLAN] = View("FlowPlan", {"flow_pk": task["plan"]["flow"], "context": self._plan_context})
        request = View(
            "PolicyRequest",
            {"user": user, "context": context, "http_request": http_request, "obj": None, "debug": task["debug"]},
        )
        return {
            "request": request,
            "context": context,
            "user": user,
            "http_request": http_request,
            "prompt_context": context.get(_PROMPT_DATA, {}),
            "ak_client_ip": _address(task["client_ip"]),
            "ak_is_sso_flow": bool(context.get("is_sso", False)),
            "ak_message": self._message,
            "ak_logger": View(
                "Logger", {level: self._logger(level) for level in ("debug", "info", "warning", "error")}
            ),
            "ak_user_by": self._user_by,
            "ak_user_has_authenticator": self._has_device,
            "ak_is_group_member": lambda user, **wanted: user.all_groups().filter(**wanted).exists(),
            "regex_match": lambda value, regex: re.match(regex, value) is not None,
            "regex_replace": lambda value, regex, repl: re.sub(regex, repl, value),
            "list_flatten": _first,
            "ip_address": ipaddress.ip_address,
            "ip_network": ipaddress.ip_network,
        }

    def _user(self, data: Mapping[str, Any] | None) -> User | None:
        return None if data is None else User(data, self._look_up)

    def _user_by(self, **wanted: Any) -> User | None:
        return self._user(self._look_up("user_by", wanted))

    def _has_device(self, user: View, device_type: str | None = None) -> Any:
        # Users who have not logged in have no key.
        return isinstance(user, User) and self._look_up("has_device", {"key": user.data["key"], "kind": device_type})

    def _models(self) -> View:
        """A replacement for authentik's module of models, with the only model that expressions can use."""
        manager = View("Manager", {"get": self._application_by})
        return View("module", {"Application": View("Application", {"objects": manager})}, f"<module '{_MODELS}'>")

    def _application_by(self, **wanted: Any) -> Application:
        found = self._look_up("application", wanted)
        if found is None:
            raise LookupError("Application matching query does not exist.")
        return Application(found)

    def _look_up(self, name: str, arguments: Mapping[str, Any]) -> Any:
        sought: list[Any] = [name, _shown(arguments)]
        for known, answer in self._found:
            if known == sought:
                return answer
        self._missing = self._missing or sought
        raise Missing

    def _message(self, text: Any) -> None:
        _note(self._messages, str(text))

    def _log(self, level: str, text: str) -> None:
        _note(self._logged, (level, text))

    def _logger(self, level: str) -> Callable[..., None]:
        def log(event: Any = "", **values: Any) -> None:
            self._log(level, " ".join([str(event), *(f"{name}={value}" for name, value in values.items())]))

        return log


class _Printer:
    """The object that RestrictedPython calls for `print`."""

    def __init__(self, log: Callable[[str, str], None]) -> None:
        self._log = log

    def _call_print(self, *values: Any, **_options: Any) -> None:
        self._log("debug", " ".join(map(str, values)))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address of a client, None for a client without one, such as on a Unix socket."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _first(value: Any) -> Any:
    """The first value of a list, None if there is none; anything else as it is."""
    return next(iter(value), None) if isinstance(value, list) else value


def _note(notes: list[Any], note: Any) -> None:
    if len(notes) < _MOST_NOTES:
        notes.append(_cut(note) if isinstance(note, str) else tuple(map(_cut, note)))


def _cut(text: str) -> str:
    return text[:_LONGEST_NOTE]


def _text(error: BaseException) -> str:
    try:
        return _cut(str(error)) or type(error).__name__
    except Exception:  # an argument of the exception has no text
        return type(error).__name__


def _line(error: BaseException) -> int | None:
    """The line of the expression that has raised an exception; None if it was not compiled."""
    frames = walk_tb(error.__traceback__)
    return next((line for frame, line in reversed(list(frames)) if frame.f_code.co_filename == FILE), None)


def _with_pending(context: Mapping[str, Any], pending: User | None) -> dict[str, Any]:
    found = dict(context) if pending is None else {**context, _PENDING_USER: pending}
    application = found.get(_APPLICATION)
    return {**found, _APPLICATION: Application(application)} if isinstance(application, dict) else found


def _stored(context: Mapping[str, Any]) -> dict[str, Any]:
    """The context of a plan as it is stored. :raises TypeError: a value can't be"""
    kept = {}
    for name, value in context.items():
        if name == _PENDING_USER and isinstance(value, User):
            kept[name] = {"pk": value.data["key"], "username": value.data["username"]}
        elif name == _PENDING_USER and value is not None:
            raise TypeError(f"{name} has to be a user")
        elif name == _APPLICATION and value is not None:
            if not isinstance(value, Application):
                raise TypeError(f"{name} has to be an application")
            kept[name] = dict(value.data)
        elif name != _PENDING_USER:
            kept[str(name)] = _plain(value, f"context[{name!r}]")
    return kept


def _plain(value: Any, where: str) -> Any:
    """A value as JSON. :raises TypeError: it can't be"""
    if isinstance(value, dict):
        return {str(key): _plain(one, where) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one, where) for one in value]
    if _is_plain(value):
        return value
    raise TypeError(
        f"{where} can't keep a value of type {type(value).__name__}: give text, numbers, lists or dictionaries"
    )


def _is_plain(value: Any) -> bool:
    """Whether a value is text, a number of at most 64 bits, or null."""
    return -_MOST <= value < _MOST if isinstance(value, int) else value is None or isinstance(value, str | float)


def _shown(value: Any) -> Any:
    """A value as JSON; values without a form in JSON become text."""
    if isinstance(value, Records):
        return [str(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _shown(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(one) for one in value]
    return value if _is_plain(value) else str(value)
