"""How a contract differs from facts of authentik's own, place by place."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from app.contract.document.contract import parse_reference, part_at

FOLDER = Path(__file__).parent
FACTS = [json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("facts-*.json"))]
# What differs from the release before: null for what is gone.
CHANGES = json.loads((FOLDER / "facts_of_versions.json").read_text("utf-8"))

_PROSE = frozenset({"description", "example", "title"})
_FLAGS = frozenset({"nullable", "readOnly", "writeOnly", "uniqueItems"})
# Keywords that allow less when they are added, when they grow, and when they shrink.
_GROWING = frozenset({"minimum", "minLength", "minItems"})
_SHRINKING = frozenset({"maximum", "maxLength", "maxItems"})
_ADDED = frozenset({"pattern", "format", "uniqueItems", *_GROWING, *_SHRINKING})


def facts_of(release):
    """The facts of a release; of the first one if no changes to it are known."""
    found = {"operations": {}, "schemas": {}}
    for facts in FACTS:
        found["operations"] |= {fact["operationId"]: fact for fact in facts["operations"]}
        found["schemas"] |= facts["schemas"]
    for changed, changes in CHANGES.items() if release in CHANGES else ():
        for section, known in found.items():
            known |= changes[section]
        if changed == release:
            break
    return {
        section: {name: fact for name, fact in known.items() if fact is not None} for section, known in found.items()
    }


class Difference(NamedTuple):
    """A difference.

    :param place: where it is, beginning with an operationId
    :param contradicts: whether the facts say otherwise; if not, the contract only allows less or promises more
    """

    place: str
    contradicts: bool


class Excuse(NamedTuple):
    """A line of the allow file.

    :param pattern: of places, with `*` for anything
    :param of_contradictions: whether it excuses these too
    """

    pattern: str
    of_contradictions: bool

    def covers(self, difference):
        return fnmatchcase(difference.place, self.pattern.replace("[", "[[]")) and (
            self.of_contradictions or not difference.contradicts
        )


def excuses(path):
    """The lines of an allow file. Each stands below its reason."""
    found = []
    for paragraph in path.read_text("utf-8").split("\n\n"):
        assert paragraph.startswith("#"), f"no reason stands above {paragraph!r}"
        for line in paragraph.splitlines():
            if not line.startswith("#"):
                assert re.fullmatch(r"!?[-\w*.\[\]:/]+", line), line
                found.append(Excuse(line.removeprefix("!"), line.startswith("!")))
    return found


class Comparison:
    """Compares a contract with facts.

    :param facts: the operations and schemas of authentik's contract
    :param contract: the contract
    """

    def __init__(self, facts, contract):
        self._facts = {"components": {"schemas": facts["schemas"]}}
        self._contract = contract

    def operation(self, fact, path, method):
        """The differences of an operation."""
        item = self._contract.document["paths"][path]
        ours, name = item[method], fact["operationId"]
        for keyword, own in {"path": path, "method": method.upper(), **ours}.items():
            if keyword in ("path", "method", "tags", "security", "deprecated") and own != fact.get(keyword):
                yield Difference(f"{name}.{keyword}", contradicts=True)
        yield from self._parameters(fact, (*ours.get("parameters", ()), *item.get("parameters", ())))
        yield from self._body(f"{name}.requestBody", fact["requestBody"], ours.get("requestBody"))
        for code in sorted(fact["responses"].keys() | ours["responses"].keys()):
            place = f"{name}.responses[{code}]"
            if code in fact["responses"] and code in ours["responses"]:
                response = self._contract.resolve((), ours["responses"][code])[1]
                yield from self._content(place, fact["responses"][code], response, responses=True)
            else:
                yield Difference(place, contradicts=code in fact["responses"] or code < "400")

    def _parameters(self, fact, declared):
        theirs = {f"{known['in']}:{known['name']}": known for known in fact["parameters"]}
        resolved = [self._contract.resolve((), parameter)[1] for parameter in declared]
        own = {f"{known['in']}:{known['name']}": known for known in resolved}
        for key in sorted(theirs.keys() | own.keys()):
            place = f"{fact['operationId']}.parameters[{key}]"
            if key not in theirs or key not in own:
                yield Difference(place, contradicts=True)
                continue
            if theirs[key].get("required", False) != own[key].get("required", False):
                yield Difference(f"{place}.required", contradicts=True)
            yield from self._schemas(f"{place}.schema", theirs[key]["schema"], own[key]["schema"])

    def _body(self, place, fact, ours):
        if fact is None or ours is None:
            if fact is not ours:
                yield Difference(place, contradicts=True)
            return
        ours = self._contract.resolve((), ours)[1]
        if fact["required"] != ours.get("required", False):
            yield Difference(f"{place}.required", contradicts=True)
        yield from self._content(place, fact, ours)

    def _content(self, place, fact, ours, *, responses=False):
        theirs, own = fact["content"], ours.get("content", {})
        for media_type in sorted(theirs.keys() | own.keys()):
            here = f"{place}.content[{media_type}]"
            if media_type in theirs and media_type in own:
                yield from self._schemas(
                    f"{here}.schema", theirs[media_type] or {}, own[media_type]["schema"], responses=responses
                )
            else:
                yield Difference(here, contradicts=True)

    def _schemas(self, place, fact, ours, *, responses=False):
        return compare(place, plain(fact, self._facts), plain(ours, self._contract.document), responses=responses)


def plain(schema: Any, root: Any) -> Any:
    """A schema with references followed and `allOf` merged, without prose, and in an order of its own."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return plain(part_at(root, parse_reference(schema["$ref"])), root)
    merged: dict[str, Any] = {}
    for part in (*(plain(part, root) for part in schema.get("allOf", ())), _without_parts(schema, root)):
        for keyword, value in part.items():
            if keyword == "properties":
                merged[keyword] = merged.get(keyword, {}) | value
            elif keyword == "required":
                merged[keyword] = sorted({*merged.get(keyword, ()), *value})
            else:
                merged[keyword] = value
    return merged


def _without_parts(schema, root):
    found = {}
    for keyword, value in schema.items():
        if keyword == "properties":
            found[keyword] = {name: plain(property_schema, root) for name, property_schema in value.items()}
        elif keyword in ("items", "additionalProperties", "not"):
            found[keyword] = plain(value, root)
        elif keyword in ("oneOf", "anyOf"):
            found[keyword] = [plain(part, root) for part in value]
        elif keyword in ("enum", "required"):
            found[keyword] = sorted(value, key=repr)
        elif keyword not in _PROSE | {"allOf"} and not keyword.startswith("x-") and (value or keyword not in _FLAGS):
            found[keyword] = value
    return found


def compare(place, fact, ours, *, responses=False):
    """The differences of two plain schemas.

    :param responses: whether they describe what a server says
    """
    for keyword in sorted(fact.keys() | ours.keys()):
        theirs, own, here = fact.get(keyword), ours.get(keyword), f"{place}.{keyword}"
        if theirs == own:
            continue
        if keyword == "properties":
            yield from _properties(here, theirs or {}, own or {}, responses=responses)
        elif keyword == "required":
            yield from (Difference(f"{here}.{name}", contradicts=True) for name in {*(theirs or ())} - {*(own or ())})
            yield from (Difference(f"{here}.{name}", not responses) for name in {*(own or ())} - {*(theirs or ())})
        elif keyword == "enum" and theirs and own:
            yield from (Difference(f"{here}.{value}", contradicts=True) for value in {*theirs} ^ {*own})
        elif keyword == "oneOf" and len(theirs or ()) == len(own or ()):
            for index, (one, other) in enumerate(zip(theirs, own, strict=True)):
                yield from compare(f"{here}[{index}]", one, other, responses=responses)
        elif keyword == "items" and theirs and own:
            yield from compare(f"{place}[]", theirs, own, responses=responses)
        else:
            yield Difference(here, contradicts=not _allows_less(keyword, theirs, own, responses=responses))


def _properties(place, theirs, own, *, responses):
    for name in sorted(theirs.keys() | own.keys()):
        if name in theirs and name in own:
            yield from compare(f"{place}.{name}", theirs[name], own[name], responses=responses)
        else:
            yield Difference(f"{place}.{name}", contradicts=True)


def _allows_less(keyword, theirs, own, *, responses):
    if theirs is None:
        return keyword in _ADDED or (keyword == "enum" and responses) or (keyword == "additionalProperties" and not own)
    return own is not None and ((keyword in _GROWING and own > theirs) or (keyword in _SHRINKING and own < theirs))
