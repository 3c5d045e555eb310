"""Read one YAML file and remember where each part of it stands."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from app.contract.findings import ContractError, Finding, Location
from app.contract.source import File, Pointer


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
    """PyYAML in C, with YAML 1.2's scalars: `on` and `2024-08-01` are strings, as JSON has no other reading of them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in rules if not tag.endswith((":timestamp", ":bool"))]
    for first, rules in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def parse(path: Path, name: str, text: bytes, beginning: str) -> File:
    """Read the text of a file.

    :param path: where the file is
    :param name: what messages call it
    :param beginning: what a file of its kind begins with, for the message if it is no mapping
    :raises ContractError: it is no YAML mapping with unique keys
    """
    start = Location(name, 1, 1)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        findings: list[Finding] = []
        places: dict[Pointer, tuple[int, int]] = {}
        document = None if node is None else _construct(loader, node, (), name, places, findings)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Location(name, mark.line + 1, mark.column + 1) if mark else start
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise ContractError([Finding(where, f"This is not valid YAML: {problem}.", "Correct the syntax.")]) from error
    except RecursionError as error:
        raise ContractError(
            [Finding(start, "An alias contains itself.", "Use `$ref` for a recursive schema.")]
        ) from error
    except yaml.YAMLError as error:
        problem = str(error).splitlines()[0]
        raise ContractError(
            [Finding(start, f"This is not valid YAML: {problem}.", "Save the file as UTF-8 text.")]
        ) from error
    finally:
        loader.dispose()
    if findings:
        raise ContractError(sorted(findings))
    if not isinstance(document, dict):
        raise ContractError([Finding(start, "The file is not a mapping.", f"Begin it with {beginning}.")])
    return File(path, name, text, document, places)


def _construct(
    loader: Any,
    node: Any,
    pointer: Pointer,
    name: str,
    places: dict[Pointer, tuple[int, int]],
    findings: list[Finding],
) -> Any:
    """Turn a node into plain data, and note where each of its parts stands: an alias's at its anchor."""
    places.setdefault(pointer, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            if not isinstance(key, Hashable) or isinstance(key, tuple):
                raise yaml.constructor.ConstructorError(None, None, "a key is not a scalar", key_node.start_mark)
            # JSON has string keys only, and 200 is a usual way to write a response's code.
            key = key if isinstance(key, str) else str(key)
            if key in mapping:
                findings.append(
                    Finding(Location(name, line, column), f"The key {key!r} stands here twice.", "Remove one of them.")
                )
            inner = (*pointer, key)
            places[inner] = (line, column)
            mapping[key] = _construct(loader, value_node, inner, name, places, findings)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(loader, item, (*pointer, index), name, places, findings) for index, item in enumerate(node.value)
        ]
    return loader.construct_object(node, deep=True)
