"""Schemas, small changes of them, and values that they may admit, made by chance from a seed."""

import copy

WORDS = ["", "a", "ab", "b1", "abc"]
MEMBERS = "xyz"


def value(chance, depth=2):
    """A value of JSON."""
    kind = chance.choice(["word", "word", "number", "number", "other", "list", "object", "object"])
    if kind == "list" and depth:
        return [value(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    if kind == "object" and depth:
        return {name: value(chance, depth - 1) for name in chance.sample(MEMBERS, chance.randint(0, 3))}
    if kind == "word":
        return chance.choice(WORDS)
    return chance.choice([0, 1, 2, 3, 2.5, 4]) if kind == "number" else chance.choice([None, True, False])


def schema(chance, depth=2):
    """A schema of OpenAPI 3.0."""
    kinds = ["string", "integer", "number", "boolean", "any"] + ["array", "object", "object", "combined"] * (depth > 0)
    kind = chance.choice(kinds)
    made = {} if kind in ("any", "combined") else {"type": kind}
    for keyword in chance.sample(KEYWORDS[kind], chance.randint(0, min(2, len(KEYWORDS[kind])))):
        made[keyword] = keyword_value(chance, keyword, depth)
    if kind == "array" and "items" not in made:
        made["items"] = schema(chance, depth - 1)
    return made


KEYWORDS = {
    "string": ["minLength", "maxLength", "pattern", "enum", "nullable"],
    "integer": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "enum", "nullable"],
    "number": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "nullable"],
    "boolean": ["nullable"],
    "any": ["enum", "minLength", "required", "properties"],
    "array": ["items", "minItems", "maxItems", "uniqueItems", "nullable"],
    "object": [
        "properties",
        "properties",
        "required",
        "additionalProperties",
        "minProperties",
        "maxProperties",
        "nullable",
    ],
    "combined": ["anyOf", "oneOf", "allOf", "not"],
}


def keyword_value(chance, keyword, depth):
    """A value of a keyword."""
    if keyword in ("minLength", "minItems", "minProperties", "minimum"):
        return chance.randint(0, 2)
    if keyword in ("maxLength", "maxItems", "maxProperties", "maximum"):
        return chance.randint(0, 3)
    if keyword in ("nullable", "uniqueItems", "exclusiveMinimum", "exclusiveMaximum"):
        return chance.choice([True, True, False])
    match keyword:
        case "multipleOf":
            return chance.choice([1, 2, 4])
        case "pattern":
            return chance.choice(["^a", "b", "^$"])
        case "enum":
            return chance.sample([*WORDS, 1, 2, None], chance.randint(1, 4))
        case "required":
            return chance.sample(MEMBERS, chance.randint(1, 2))
        case "properties":
            return {name: schema(chance, depth - 1) for name in chance.sample(MEMBERS, chance.randint(1, 3))}
        case "additionalProperties":
            return chance.choice([True, False, schema(chance, depth - 1)])
        case "items" | "not":
            return schema(chance, depth - 1)
    return [schema(chance, depth - 1) for _ in range(chance.randint(1, 2))]


def changed(chance, original):
    """A schema that differs a little, in one place."""
    result = copy.deepcopy(original)
    places = list(_schemas(result))
    place = chance.choice(places)
    kind = place.get("type", "combined" if {"anyOf", "oneOf", "allOf", "not"} & place.keys() else "any")
    action = chance.choice(["drop", "set", "set", "replace", "type"])
    if action == "drop" and place:
        del place[chance.choice(sorted(place))]
    elif action == "set":
        keyword = chance.choice(KEYWORDS[kind])
        place[keyword] = keyword_value(chance, keyword, 1)
    elif action == "type" and kind in ("integer", "number"):
        place["type"] = {"integer": "number", "number": "integer"}[kind]
    else:
        new = schema(chance, 1)
        place.clear()
        place.update(new)
    return result


def _schemas(node):
    yield node
    for keyword, inner in node.items():
        if keyword in ("items", "not", "additionalProperties") and isinstance(inner, dict):
            yield from _schemas(inner)
        elif keyword in ("anyOf", "oneOf", "allOf"):
            for part in inner:
                yield from _schemas(part)
        elif keyword == "properties":
            for property_name in inner.values():
                yield from _schemas(property_name)
