"""Display names of parts of a contract, short and independent of line numbers."""

from app.contract.document.contract import OPERATION_METHODS, Contract, Pointer

# The texts for steps on the path to a part: with the next step, which is a name or number of the author, and alone.
_WITH_NEXT = {"properties": ".{}", "headers": " {}", "content": " ({})", "allOf": "", "anyOf": "({})", "oneOf": "({})"}
_ALONE = {"items": "[]", "additionalProperties": ".*", "schema": "", "not": " (not)"}

# Steps that are omitted at the end, and the default media type that is always omitted.
_UNSAID_AT_THE_END = ("content", "anyOf", "oneOf", "not")
_USUAL = "application/json"


def display_name(contract: Contract, pointer: Pointer) -> str:
    """The name of the part of a contract with a place: `Flow.slug`, `flows_instances_list search`.

    It is unique, so that a waiver never covers another finding.

    :param pointer: the place, possibly of a keyword
    """
    match pointer:
        case ("components", "schemas", name, *rest):
            return str(name) + _properties(rest)
        case ("components", "parameters", name, *rest):
            return _shared_parameter(contract, str(name)) + _properties(rest)
        case ("components", str(section), name, *rest):
            sections = contract.document["components"]
            is_taken = sum(isinstance(parts, dict) and name in parts for parts in sections.values()) > 1
            return f"{f'{section} ' if is_taken else ''}{name}" + _properties(rest)
        case ("paths", path, "parameters", _, *rest):
            return f"{path} {_parameter(contract, pointer[:4])}" + _properties(rest)
        case ("paths", path, str(method), *rest) if method in OPERATION_METHODS and str(path).startswith("/"):
            return _in_operation(contract, pointer, rest)
        case ("paths", path, *_) if str(path).startswith("/"):
            return str(path)
        case ("tags", index, *_):
            return f"the tag {contract.at(('tags', index)).get('name')}"
    return str(pointer[0]) if pointer else "the contract"


def _in_operation(contract: Contract, pointer: Pointer, rest: list[str | int]) -> str:
    operation = contract.at(pointer[:3])
    name = str(operation.get("operationId", f"{str(pointer[2]).upper()} {pointer[1]}"))
    match rest:
        case ["parameters", _, *further]:
            return f"{name} {_parameter(contract, pointer[:5])}" + _properties(further)
        case ["requestBody", *further]:
            return f"{name} body" + _properties(further)
        case ["responses", str(code), *further] if not code.startswith("x-"):
            return f"{name} {code}" + _properties(further)
    return name


def _parameter(contract: Contract, pointer: Pointer) -> str:
    """The name of a parameter, with its location if others have the same name."""
    parameters = [contract.resolve(pointer[:-1], parameter)[1] for parameter in contract.at(pointer[:-1])]
    parameter = parameters[int(pointer[-1])]
    name, location = str(parameter.get("name", pointer[-1])), parameter.get("in")
    is_taken = sum(other.get("name") == name for other in parameters) > 1
    return f"{name} in {location}" if is_taken else name


def _shared_parameter(contract: Contract, component: str) -> str:
    """The name of a parameter in `components`, or that of the component if others have its name."""
    parameters = contract.document["components"]["parameters"]
    name = parameters[component].get("name", component)
    return component if sum(other.get("name") == name for other in parameters.values()) > 1 else str(name)


def _properties(steps: list[str | int]) -> str:
    """The properties on the path to a part."""
    text = ""
    while len(steps) > 1 or steps[:1] == ["items"]:
        step = str(steps[0])
        if step in _WITH_NEXT:
            following = steps[1] + 1 if isinstance(steps[1], int) else steps[1]
            is_said = following != _USUAL and (len(steps) > 2 or step not in _UNSAID_AT_THE_END)
            text += _WITH_NEXT[step].format(following) if is_said else ""
            steps = steps[2:]
        elif step in _ALONE:
            text += _ALONE[step]
            steps = steps[1:]
        else:
            break
    return text
