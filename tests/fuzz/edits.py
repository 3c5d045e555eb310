"""Random edits of the contract: every keyword that OpenAPI has for a schema, a parameter or an operation, and every extension."""

import copy
from functools import cache
from typing import Any, NamedTuple

from app.contract.checks.extensions import DEFINITIONS
from app.contract.checks.grammar import META_SCHEMA, object_at
from app.contract.checks.parts import Parts
from app.contract.document.contract import Contract, parse_reference, references
from app.contract.validation.schemas import FORMATS

# Enough of the operations to have all that contracts say, and few enough to look at many edits.
KEPT = (
    "/flows/instances/",
    "/flows/instances/{slug}/",
    "/flows/instances/{slug}/set_background/",
    "/flows/instances/{slug}/set_background_url/",
    "/flows/instances/import/",
    "/flows/bindings/",
    "/flows/bindings/{fsb_uuid}/",
    "/core/applications/",
    "/core/applications/{slug}/",
    "/policies/bindings/",
    "/policies/bindings/{policy_binding_uuid}/",
    "/policies/password/",
    "/policies/password/{policy_uuid}/",
    "/stages/consent/",
    "/stages/consent/{stage_uuid}/",
    "/stages/prompt/prompts/",
    "/stages/prompt/prompts/{prompt_uuid}/",
    "/stages/password/",
    "/stages/identification/",
    "/stages/identification/{stage_uuid}/",
)
TEXTS = (
    "",
    " ",
    "a",
    "red",
    "A b",
    "welcome",
    "weeks=4",
    "x" * 51,
    "x" * 300,
    "\x00",
    "é😀",
    "null",
    "0",
    "/",
    "a\nb",
    "%",
)
PATTERNS = ("^[a-z]+$", "^$", "a|b", "^.{3}$", r"^\d+$", "[", "(?=a)", "^[^\x00]*$")
NUMBERS = (0, 1, -1, 2, 5, 50, 255, 1.5, 1000.0, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, 2**64 - 1, 1e300)
SMALL = (
    {},
    {"type": "string"},
    {"type": "integer"},
    {"type": "object", "properties": {"a": {"type": "string"}}},
    {"enum": ["a", 1]},
)


class Edit(NamedTuple):
    """A change of a document.

    :param place: of the object that is changed
    :param key: of it
    :param value: what stands there then; `...` for nothing
    """

    place: tuple[str | int, ...]
    key: str
    value: Any

    def apply(self, document):
        """Change a document. :raises LookupError: the object is gone"""
        node = document
        for key in self.place:
            node = node[key]
        if self.value is ...:
            del node[self.key]
        else:
            node[self.key] = copy.deepcopy(self.value)


def reduced(document):
    """A contract with a part of its operations, and what they refer to."""
    small = copy.deepcopy({**document, "paths": {path: document["paths"][path] for path in KEPT}})
    # A link leads to an operation that there is.
    names = {operation["operationId"] for item in small["paths"].values() for operation in operations_of(item)}
    for item in small["paths"].values():
        for operation in operations_of(item):
            for response in operation["responses"].values():
                links = response.get("links", {})
                for name in [name for name, link in links.items() if link["operationId"] not in names]:
                    del links[name]
    used, waiting = set(), [small["paths"]]
    while waiting:
        for _, node in references(waiting.pop()):
            if (named := parse_reference(node["$ref"])[:3]) not in used:
                used.add(named)
                waiting.append(document["components"][named[1]][named[2]])
    models = document["components"]["schemas"]
    used |= {
        ("components", "schemas", name)
        for name, schema in models.items()
        if "x-model" in schema and served(small, schema)
    }
    small["components"] = {
        section: {
            name: copy.deepcopy(part)
            for name, part in named.items()
            if section == "securitySchemes" or ("components", section, name) in used
        }
        for section, named in document["components"].items()
    }
    kept = {
        schema["x-model"]["collection"] for schema in small["components"]["schemas"].values() if "x-model" in schema
    }
    kept |= {item.get("x-serves") for item in small["paths"].values()}
    small["x-collections"] = {name: known for name, known in small["x-collections"].items() if name in kept}
    return small


def served(document, schema):
    """Whether some paths serve the objects of a model."""
    return any(item.get("x-serves") == schema["x-model"]["name"] for item in document["paths"].values())


def operations_of(item):
    """The operations of a path item."""
    return [item[method] for method in ("get", "put", "post", "patch", "delete") if method in item]


class Editor:
    """Makes edits of one contract.

    :param contract: the contract
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._parts = [
            part
            for part in Parts(contract).all
            if part.kind in ("parameter", "operation")
            or object_at(part.pointer) in ("RequestBody", "MediaType")
            or (part.kind == "schema" and object_at(part.pointer) == "Schema")
        ]
        schemas = contract.document["components"]["schemas"]
        self._models = [schema["x-model"] for schema in schemas.values() if "x-model" in schema]
        self._collections = [*contract.document["x-collections"]]
        self._names = sorted(
            {name for schema in schemas.values() for name in schema.get("properties", ())}
            | {"stage__name", "policy__name", "policy__isnull", "target_in", "zz"}
        )
        self._schemas = [f"#/components/schemas/{name}" for name in contract.document["components"]["schemas"]]

    def draw(self, random):
        """An edit."""
        part = random.choice(self._parts)
        name = {"RequestBody": "RequestBody", "MediaType": "MediaType"}.get(object_at(part.pointer))
        name = name or {"parameter": "Parameter", "operation": "Operation", "schema": "Schema"}[part.kind]
        if part.node and random.random() < 0.2:
            return Edit(part.pointer, random.choice([*part.node]), ...)
        if name == "Schema" and random.random() < 0.1:
            return self._whole(part, random)
        keys = [*META_SCHEMA["definitions"][name]["properties"], *_extensions(part.kind)]
        key = random.choice(keys)
        return Edit(part.pointer, key, self._value(key, part.node, random))

    def _reference(self, random):
        """What a property or a filter may refer to, and may not."""
        targets = [model[key] for model in self._models for key in ("name", "collection")]
        reference = {"to": random.choice([random.choice(targets), random.sample(targets, 2), []])}
        if random.random() < 0.3:
            reference["identity"] = random.choice(["pk", "slug", "name", ["pk", "policybindingmodel_ptr_id"]])
        if random.random() < 0.8:
            reference["on_delete"] = random.choice(["cascade", "set_null", "cascade_many"])
        return reference

    def _whole(self, part, random):
        """Another schema in the place of one."""
        *place, key = part.pointer
        whole = random.choice(
            [
                {"$ref": random.choice(self._schemas)},
                {"$ref": random.choice(self._schemas), "nullable": True},
                {"allOf": [part.node], "nullable": True},
                {"oneOf": [part.node, {"type": "integer"}]},
                {"anyOf": [part.node, {"$ref": random.choice(self._schemas)}]},
                {"type": "array", "items": part.node},
                *SMALL,
            ]
        )
        return Edit(tuple(place), key, whole)

    def _value(self, key, node, random):
        """What a keyword may hold, and may not."""
        inner = [*SMALL, {"$ref": random.choice(self._schemas)}, {**node}]
        names = [*node.get("properties", {"a": {}}), "name", "zz"]
        values = [*node.get("enum", ()), *TEXTS, *NUMBERS, None, True, ["a"]]
        permissions = [*self._contract.document["x-permissions"], "nobody.may"]
        if key in BOOLEANS:
            return random.choice([True, False])
        if key in CHOICES:
            return copy.deepcopy(random.choice(CHOICES[key]))
        make = {
            **dict.fromkeys(("allOf", "anyOf", "oneOf"), lambda: random.sample(inner, random.randint(1, 2))),
            **dict.fromkeys(("not", "items", "schema", "additionalProperties"), lambda: random.choice(inner)),
            **dict.fromkeys(
                ("default", "example", "x-create-default"), lambda: random.choice([*values, [], {}, {"a": 1}])
            ),
            "properties": lambda: {**node.get("properties", {}), random.choice(names): random.choice(inner)},
            "required": lambda: random.choice([True, False]) if "type" not in node else random.sample(names, 1),
            "enum": lambda: random.sample(values, random.randint(1, 3)),
            "discriminator": lambda: {
                "propertyName": random.choice(names),
                "mapping": {"a": random.choice(self._schemas)},
            },
            "x-filters": lambda: random.choice(self._names),
            **dict.fromkeys(("x-orders-by", "x-searches"), lambda: random.sample(self._names, random.randint(1, 3))),
            "x-unique-together": lambda: [{"members": random.sample(names, 2), "message": "There is one."}],
            "x-references": lambda: self._reference(random),
            "x-serves": lambda: random.choice([random.choice(self._models)["name"], *self._collections]),
            "x-sets": lambda: {"collection": random.choice(self._collections), "property": random.choice(self._names)},
            "x-model": lambda: {**random.choice(self._models), "collection": random.choice(self._models)["collection"]},
            "x-messages": lambda: {random.choice(["null", "required", *node]): "Say {value} otherwise."},
            "x-required-permissions": lambda: [random.choice(permissions)],
            "parameters": lambda: [
                *node.get("parameters", ()),
                {"name": random.choice(["q", "name", "page"]), "in": "query", "schema": random.choice(inner)},
            ],
        }.get(key)
        # Other parts of an operation are edited by themselves.
        return make() if make else node.get(key, random.choice(["other", 0, 1, 2, 5, 50]))


BOOLEANS = frozenset(
    {
        "x-trim",
        "x-numerals",
        "x-ignored",
        "nullable",
        "readOnly",
        "writeOnly",
        "uniqueItems",
        "deprecated",
        "exclusiveMinimum",
    }
    | {"exclusiveMaximum", "allowEmptyValue", "explode", "allowReserved"}
)
CHOICES = {
    "type": ["string", "integer", "number", "boolean", "array", "object"],
    "format": [*FORMATS, "slug"],
    "pattern": PATTERNS,
    "in": ["query", "path", "header", "cookie"],
    "style": ["form", "simple", "deepObject"],
    "security": [[], [{"authentik": []}], [{"nobody": []}]],
    "x-url-template": ["/flows/{name}/", "/{zz}/", "/"],
    **dict.fromkeys(("minimum", "maximum", "multipleOf", "x-default-below"), NUMBERS),
    **dict.fromkeys(("x-not-found", "x-argument", "x-unique", "operationId", "name", "title"), ("other", "name", "pk")),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties"), (0, 1, 2, 5, 50)),
    "maxProperties": [0, 1, 5],
}


@cache
def _extensions(kind):
    return tuple(sorted(DEFINITIONS[kind]["properties"].keys())) if kind in DEFINITIONS else ()
