"""What people call a part of a contract, in few words that do not change when lines move."""

from app.contract.source import OPERATION_METHODS, Pointer, Source

# What steps on the way to a part add to its name: with the step that follows, which the author named or numbered, and alone.
_WITH_NEXT = {"properties": ".{}", "headers": " {}", "content": "", "allOf": "", "anyOf": "", "oneOf": ""}
_ALONE = {"items": "[]", "additionalProperties": ".*", "schema": "", "not": ""}


def subject(source: Source, pointer: Pointer) -> str:
    """The name of the part of a contract that a place is in: `Flow.slug`, `flows_instances_list search`.

    :param pointer: the place, which may be that of a keyword
    """
    match pointer:
        case ("components", "schemas", name, *rest):
            return str(name) + _members(rest)
        case ("components", "parameters", name, *rest):
            return _parameter(source, pointer[:3]) + _members(rest)
        case ("components", str(), name, *rest):
            return str(name) + _members(rest)
        case ("paths", path, "parameters", _, *rest):
            return f"{path} {_parameter(source, pointer[:4])}" + _members(rest)
        case ("paths", path, str(method), *rest) if method in OPERATION_METHODS:
            return _in_operation(source, pointer, rest)
        case ("paths", path, *_):
            return str(path)
    return str(pointer[0]) if pointer else "the contract"


def _in_operation(source: Source, pointer: Pointer, rest: list[str | int]) -> str:
    operation = source.at(pointer[:3])
    name = str(operation.get("operationId", f"{str(pointer[2]).upper()} {pointer[1]}"))
    match rest:
        case ["parameters", _, *further]:
            return f"{name} {_parameter(source, pointer[:5])}" + _members(further)
        case ["requestBody", *further]:
            return f"{name} body" + _members(further)
        case ["responses", code, *further]:
            return f"{name} {code}" + _members(further)
    return name


def _parameter(source: Source, pointer: Pointer) -> str:
    _, parameter = source.resolve(pointer, source.at(pointer))
    return str(parameter.get("name", pointer[-1]))


def _members(steps: list[str | int]) -> str:
    """The members on the way to a part."""
    text = ""
    while len(steps) > 1 or steps[:1] == ["items"]:
        step = str(steps[0])
        if step in _WITH_NEXT:
            text += _WITH_NEXT[step].format(steps[1])
            steps = steps[2:]
        elif step in _ALONE:
            text += _ALONE[step]
            steps = steps[1:]
        else:
            break
    return text
