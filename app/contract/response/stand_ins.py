"""Stand-ins: values that a version of the contract shows in place of stored values that its enum lacks.

`x-stand-in` declares them in an overlay, beside the enum that the overlay extends. A stand-in may itself be a value that an
earlier version lacks; then its own stand-in is used.
"""

import copy
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import structlog
from jsonschema_rs import ValidationError

from app.contract.document.contract import CONTAINERS, Contract
from app.contract.document.findings import ContractError
from app.contract.document.versions import overlays
from app.contract.validation.schemas import flattened

_KEYWORD, _ALL_OTHERS = "x-stand-in", "*"

log = structlog.get_logger("flows.versions")


class StandIns:
    """The stand-ins that the overlays of a contract declare, read on first use.

    :param path: the root file of the contract
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, value: Any, options: Collection[Any]) -> tuple[Any] | None:
        """The stand-in of a value.

        :param options: the values of the enum, including null if it is nullable
        :returns: a tuple of the stand-in; None if there is none
        """
        if isinstance(value, CONTAINERS):
            return None
        waiting, seen = deque([value]), set()
        while waiting:
            for stand_in in self._table.get(waiting.popleft(), ()):
                if stand_in in options:
                    return (stand_in,)
                if stand_in not in seen:
                    seen.add(stand_in)
                    waiting.append(stand_in)
        return None

    def may_be_one(self, value: Any) -> bool:
        """Whether a value may be a stand-in, or a list without an item that has no stand-in."""
        return isinstance(value, list) or (not isinstance(value, dict) and value in self._stand_ins)

    def said(self, value: Any, options: Collection[Any]) -> Any:
        """A value, or each item of a list, or its stand-in if it is none of the values of an enum."""
        if isinstance(value, list):
            said = (
                item if not isinstance(item, CONTAINERS) and item in options else self._item(item, options)
                for item in value
            )
            return [item for item in said if item is not None]
        if isinstance(value, dict) or value in options:
            return value
        found = self.of(value, options)
        return value if found is None else found[0]

    def replace(self, document: Any, errors: Collection[ValidationError]) -> Any:
        """Replace the values of a document that violate an enum by their stand-ins, in a copy. Others are kept.

        :param errors: the violations
        """
        document = copy.deepcopy(document)
        # Items are removed from the end on, so that the others keep their place.
        for error in sorted(self._inner(document, errors), key=_last_index, reverse=True):
            options = list(_options(error))
            if not options or not error.instance_path:
                continue
            *path, last = error.instance_path
            part = _at(document, path)
            found = self.of(part[last], options)
            if isinstance(last, int) and found in (None, (None,)) and self._has(part[last]):
                del part[last]
            elif found is not None:
                part[last] = found[0]
        return document

    def _inner(self, document: Any, errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
        """Replace a violation of all alternatives by the violations of the one that only values with stand-ins violate."""
        for error in errors:
            inner: Iterable[ValidationError] | None = None
            if isinstance(_at(document, error.instance_path), dict):
                found = (list(self._inner(document, alternative)) for alternative in _alternatives(error))
                inner = next((each for each in found if all(self._is_by_one(document, one) for one in each)), None)
            yield from (error,) if inner is None else inner

    def _is_by_one(self, document: Any, error: ValidationError) -> bool:
        """Whether a value with a stand-in violates an enum."""
        return error.kind.name == "enum" and self._has(_at(document, error.instance_path))

    def _item(self, item: Any, options: Collection[Any]) -> Any:
        found = self.of(item, options)
        return found[0] if found is not None else None if self._has(item) else item

    def _has(self, value: Any) -> bool:
        return not isinstance(value, CONTAINERS) and value in self._table

    @cached_property
    def _stand_ins(self) -> frozenset[Any]:
        return frozenset(stand_in for found in self._table.values() for stand_in in found)

    @cached_property
    def _table(self) -> Mapping[Any, tuple[Any, ...]]:
        """The stand-ins by value: several if enums have values of the same name."""
        added: dict[str, list[Any]] = defaultdict(list)
        stated: dict[str, dict[Any, Any]] = defaultdict(dict)
        try:
            for overlay in overlays(self._path):
                for _, action in overlay.actions:
                    for place, node in _mappings(action.get("update"), str(action["target"])):
                        added[place] += node["enum"] if isinstance(node.get("enum"), list) else ()
                        stated[place] |= node.get(_KEYWORD, {})
        except ContractError as error:
            log.error("stand-ins can't be read", finding=str(error.findings[0]))
            return {}
        table: dict[Any, dict[Any, None]] = defaultdict(dict)
        for place, stand_ins in stated.items():
            for value in (*stand_ins, *added[place]):
                if value in stand_ins or _ALL_OTHERS in stand_ins:
                    table[value][stand_ins.get(value, stand_ins.get(_ALL_OTHERS))] = None
        table.pop(_ALL_OTHERS, None)
        return {value: tuple(stand_ins) for value, stand_ins in table.items()}


def enum_of(contract: Contract, schema: Any) -> frozenset[Any]:
    """The values of the enum of a property or of its items, including null if it is nullable; empty without an enum."""
    keywords = flattened(contract, schema)
    if keywords.get("type") == "array":
        return enum_of(contract, keywords.get("items", {}))
    options = set(keywords.get("enum", ()))
    for keyword in ("oneOf", "anyOf"):
        for part in keywords.get(keyword, ()):
            options |= enum_of(contract, part)
    return frozenset(options | {None} if options and keywords.get("nullable") is True else options)


def _last_index(error: ValidationError) -> int:
    last = error.instance_path[-1] if error.instance_path else 0
    return last if isinstance(last, int) else 0


def _options(error: ValidationError) -> Iterator[Any]:
    """The values of the enum that a value violates; those of all alternatives, if there are several."""
    if error.kind.name == "enum":
        yield from error.kind.as_dict()["options"]
    else:
        for alternative in _alternatives(error):
            for inner in alternative:
                yield from _options(inner)


def _alternatives(error: ValidationError) -> Iterable[Iterable[ValidationError]]:
    """The violations of each alternative, if a value violates all."""
    return getattr(error.kind, "context", ()) if error.kind.name in ("oneOf", "anyOf") else ()


def _at(document: Any, path: Iterable[str | int]) -> Any:
    """The part of a document at a path."""
    for key in path:
        document = document[key]
    return document


def _mappings(node: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The mappings within an update, with the target and the keys that lead to each."""
    if isinstance(node, dict):
        yield place, node
        for key, value in node.items():
            if isinstance(value, CONTAINERS):
                yield from _mappings(value, f"{place}.{key}")
