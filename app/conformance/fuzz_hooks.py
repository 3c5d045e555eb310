"""Hooks for Schemathesis, with knowledge that the contract can't express. Loaded by `schemathesis.toml`.

Whether data is accepted depends on stored data, so that generated data may be rejected despite its schema. So in the parts of a
request that should be valid, unique values are made unique, and references are made to refer to existing objects.
"""

import itertools
import json
import re
import secrets
from collections.abc import Callable, Container, Iterable, Mapping
from functools import partial
from typing import Any

import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.media_types import YAML_MEDIA_TYPES
from schemathesis.openapi.checks import (
    EnsureResourceAvailability,
    JsonSchemaError,
    MissingHeaderNotRejected,
    RejectedPositiveData,
)

from app.conformance.described import DescribedContract, Operation, Schema, Targets
from app.conformance.false_positives import LIMITS, allows, only_the_store_knows
from app.conformance.known_objects import KnownObjects

FORM = "multipart/form-data"

# One of so many requests keeps its generated references, so that dangling ones are tested too.
ASTRAY = 4
# So many objects of each model are never deleted.
SPARED = 3
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_credentials: frozenset[str] = frozenset()
_other_versions: Callable[[], Iterable[DescribedContract]] = tuple


class _Run:
    """The state of a fuzzing run. :param contract: the contract"""

    def __init__(self, contract: DescribedContract) -> None:
        self.contract = contract
        self.known = KnownObjects(contract.identities, contract.holders())
        # Values differ from those of other runs on the same deployment.
        self.mark = secrets.token_hex(4)
        self.numbers = itertools.count()


_run = _Run(DescribedContract({"paths": {}}))


def spare(names: frozenset[str]) -> None:
    """Keep objects from being changed or deleted: without them the deployment would reject the token of the run.

    :param names: the values that name them in a path
    """
    global _credentials
    _credentials = names


def share(other_versions: Callable[[], Iterable[DescribedContract]]) -> None:
    """Allow responses with stored values beyond a limit that other versions don't have. :param other_versions: their contracts"""
    global _other_versions
    _other_versions = other_versions


@schemathesis.hook  # type: ignore[untyped-decorator]  # Schemathesis has no type information
def before_load_schema(_context: Any, raw_schema: dict[str, Any]) -> None:
    """Parse the contract, then remove the parts that Schemathesis misinterprets."""
    global _run
    _run = _Run(DescribedContract(raw_schema))
    _prepare(raw_schema, _run.contract)


def _prepare(part: Any, contract: DescribedContract) -> None:
    if isinstance(part, list):
        for item in part:
            _prepare(item, contract)
    elif isinstance(part, dict):
        # Messages have the names of keywords, and are mistaken for them.
        part.pop("x-messages", None)
        if "content" in part.get("requestBody", ()):
            _require(part["requestBody"], contract)
        if "schema" in part.get(FORM, ()):
            # Only the schema's own properties tell which of them are files.
            form = part[FORM]
            form["schema"] = contract.flattened(form["schema"])
        for item in part.values():
            _prepare(item, contract)


def _require(body: dict[str, Any], contract: DescribedContract) -> None:
    """Require a body if `{}`, the default without one, violates a rule across properties."""
    if not all(contract.describes(media["schema"], {}) for media in body["content"].values()):
        body["required"] = True


@schemathesis.deserializer(*YAML_MEDIA_TYPES)  # type: ignore[untyped-decorator]
def as_text(_context: Any, response: Any) -> str:
    """Read a file as a string, as the contract describes it."""
    text: str = response.text
    return text


@schemathesis.hook  # type: ignore[untyped-decorator]
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """Make references valid, and unique values unique, in the parts of a request that should be valid."""
    operation = _operation(case)
    number = next(_run.numbers)
    astray = number % ASTRAY == 0
    right = _right_parts(case)
    if operation.path and "path" in right and not astray:
        sparing = case.operation.method == "delete"
        case.path_parameters = {
            name: _existing(value, operation.path.get(name), number, sparing)
            for name, value in case.path_parameters.items()
        }
    if case.path_parameters and case.method.upper() not in _SAFE_METHODS:
        case.path_parameters = {name: _unlike_caller(value, number) for name, value in case.path_parameters.items()}
    if case.query and "query" in right and not astray:
        # A filter of a list would hide the object of the path.
        hidden = operation.narrowing if operation.path else frozenset()
        shown = {name: value for name, value in case.query.items() if name not in hidden}
        case.query = _led(shown, operation.filters, number)
    if isinstance(case.body, dict) and "body" in right:
        generated = case.body
        unique = operation.unique.keys() & generated.keys()
        own = {**generated, **{name: _own(generated[name], operation.unique[name], number) for name in sorted(unique)}}
        led = own if astray else _led(own, operation.references, number, operation.body.get("required", ()))
        case.body = led
        if led.keys() != own.keys() and "body" not in _right_parts(case):
            # Rules across properties require the dangling ones.
            case.body = own


def _unlike_caller(value: Any, number: int) -> Any:
    """Replace the name of an object that the credentials depend on by one that no object has."""
    if str(value) not in _credentials:
        return value
    return 10**9 + number if str(value).isdecimal() else f"{_run.mark}-{number:x}"


def _own(value: Any, schema: Schema, number: int) -> Any:
    """Replace a generated text by one of this request, of the same length if possible."""
    if not isinstance(value, str):
        return value
    mark = f"{_run.mark}-{number:x}-"
    own = mark + (value[len(mark) :] if len(value) > len(mark) else value)
    own = own[: schema.get("maxLength")]
    return own if re.search(schema.get("pattern", ""), own) else value


def _led(
    properties: Mapping[str, Any], references: Mapping[str, Targets], number: int, required: Container[str] = ()
) -> dict[str, Any]:
    """Replace references by existing ones, and leave out optional ones without any possible target."""
    return {
        name: _existing(value, references.get(name), number)
        for name, value in properties.items()
        if name not in references or references[name].models or value is None or name in required
    }


def _existing(value: Any, targets: Targets | None, number: int, sparing: bool = False) -> Any:
    """Replace a generated identifier by that of an object; unchanged if it is one, or if there is none."""
    if targets is None or value in (None, "") or (isinstance(value, str) and _run.known.knows(value, targets.models)):
        return value
    names = _run.known.names(targets.models, targets.identity)
    if isinstance(value, list):
        return list(dict.fromkeys(names[(number + i) % len(names)] for i in range(len(value)))) if names else value
    if sparing and len(names) <= SPARED:
        return value
    return names[number % len(names)] if names else value


@schemathesis.hook  # type: ignore[untyped-decorator]
def after_call(_context: Any, case: Any, response: Any) -> None:
    """Cache the objects in a response, and discard deleted ones."""
    operation = _operation(case)
    if response.status_code in (204, 404) and case.method in ("DELETE", "GET"):
        if response.status_code == 204 or not case.query:
            for name in operation.path:
                _run.known.discard(case.path_parameters.get(name))
    elif schema := operation.responses.get(str(response.status_code)):
        for model, found in _run.contract.objects(schema, _json(response)):
            _run.known.put(model, found)


@schemathesis.hook  # type: ignore[untyped-decorator]
def filter_failure(_context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether a failed check is an error of the server, and no false positive."""
    operation = _operation(case)
    if isinstance(failure, MissingHeaderNotRejected):
        # authentik rejects a request without credentials by 403, never by 401.
        return not (failure.header_name.lower() == "authorization" and response.status_code == 403)
    if isinstance(failure, EnsureResourceAvailability):
        # It was deleted with another object, or by another path.
        return not any(_run.known.was_deleted(case.path_parameters.get(name)) for name in operation.path)
    if isinstance(failure, JsonSchemaError) and failure.schema_path[-1:] and failure.schema_path[-1] in LIMITS:
        place = case.operation.method, case.operation.path, response.status_code, failure.instance_path
        return not any(allows(other, failure.instance, *place) for other in _other_versions())
    if isinstance(failure, AcceptedNegativeData) and operation.challenges:
        # Errors are reported by a challenge, with status 200.
        return False
    if isinstance(failure, AcceptedNegativeData) and operation.lenient & set(case.query or ()):
        # Text means the default.
        return False
    if isinstance(failure, AcceptedNegativeData) and case.media_type == FORM:
        # Schemathesis does not check whether a form with a file is invalid.
        return not _run.contract.describes(operation.body, _as_sent(case.body))
    if isinstance(failure, AcceptedNegativeData) and (read := _as_read(case.body, operation)) != case.body:
        return not _run.contract.describes(operation.body, read)
    if isinstance(failure, RejectedPositiveData) and not operation.takes_input and not response.content:
        # A documented response to the state of the server, as no data was sent.
        return False
    if isinstance(failure, RejectedPositiveData) and response.status_code == 400:
        is_excused = partial(only_the_store_knows, operation, _json(response), case.body, case.query, _run.known)
        if is_excused():
            return False
        _look_again(case, response)
        return not is_excused()
    return True


def _look_again(case: Any, response: Any) -> None:
    """Retrieve the objects that a request refers to: `after_call` discards those that other clients have deleted."""
    operation = _operation(case)
    headers = {
        name: value for name, value in response.request.headers.items() if not name.lower().startswith("content-")
    }
    for part, references in ((case.body, operation.references), (case.query, operation.filters)):
        for name in references.keys() & part.keys() if isinstance(part, dict) else ():
            for value in part[name] if isinstance(part[name], list) else [part[name]]:
                if isinstance(value, str) and (known := _run.known.named(value)) is not None:
                    _retrieve(case.operation.schema, *known, headers)


def _retrieve(schema: Any, model: str, identifiers: Mapping[str, str], headers: Mapping[str, str]) -> None:
    if (retrieval := _run.contract.retrieval(model)) is not None:
        path, parameter, identity = retrieval
        if identity in identifiers:
            schema[path]["GET"].Case(path_parameters={parameter: identifiers[identity]}).call(headers=headers)


def _operation(case: Any) -> Operation:
    return _run.contract.operation(case.operation.method, case.operation.path)


def _right_parts(case: Any) -> frozenset[str]:
    """The parts of a request that should be valid, though another may not be."""
    if (meta := case.meta) is None:
        return frozenset()
    modes = dict.fromkeys(("path", "query", "body"), meta.generation.mode)
    modes |= {place.value: info.mode for place, info in meta.components.items()}
    return frozenset(part for part, mode in modes.items() if mode == GenerationMode.POSITIVE)


def _json(response: Any) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def _as_read(body: Any, operation: Operation) -> Any:
    """A body with null for each nullable reference that is `""`, and integers as text where these are numerals."""
    if not isinstance(body, dict):
        return body
    properties = operation.body.get("properties", {})
    blank = (name for name in operation.references.keys() & body.keys() if body[name] == "")
    numerals = (name for name in properties.keys() & body.keys() if properties[name].get("x-numerals"))
    return {
        **body,
        **{name: None for name in blank if _run.contract.describes(properties[name], None)},
        **{name: str(body[name]) for name in numerals if type(body[name]) is int},
    }


def _as_sent(form: Any) -> Any:
    """A form as a server receives it: the last of several parts with one name, and text in place of files."""
    if not isinstance(form, dict):
        return form
    parts = {name: value if isinstance(value, list) else [value] for name, value in form.items()}
    last = {name: values[-1] for name, values in parts.items() if values}
    return {name: value if isinstance(value, bool) else str(value) for name, value in last.items()}
