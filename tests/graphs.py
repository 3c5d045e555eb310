"""Flows and all that they are made of, drawn by Hypothesis into a store of any kind."""

import re
from dataclasses import dataclass

from hypothesis import strategies as st

from app import errors
from app.contract.validation.schemas import flattened, schema_properties
from tests.blueprints import MODELS

# URLs, names of files, and the default by a blank.
PRESET = st.sampled_from(["", "/static/a.jpg", "/media/public/a.png", "https://example.org/é.png", "folder/é b.png"])
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)


@dataclass(frozen=True)
class Kind:
    """What objects of a model may look like.

    :param properties: values of the members that lead nowhere
    :param needed: the members that have to lead somewhere
    """

    properties: dict
    needed: frozenset


def kinds_in_memory():
    """The kinds of the store in memory, by model."""

    def value(kind):
        if isinstance(kind, tuple):
            return st.sampled_from(kind)
        whole = st.integers(-(2**31), 2**31 - 1)
        return {str: TEXT, bool: st.booleans(), int: whole, list: st.lists(TEXT, max_size=2)}[kind]

    return {
        name: Kind(
            {
                property_name: value(kind)
                for property_name, (kind, _) in properties.items()
                if property_name not in leading
            },
            frozenset({"target", "stage", "policy"} & leading.keys()),
        )
        for name, (_, properties, leading) in MODELS.items()
    }


def kinds_of_contract(contract):
    """The kinds that a contract declares, by model, but those that are not created, and those with secrets."""
    kinds = {}
    schemas = contract.document["components"]["schemas"]
    for name, schema in schemas.items():
        if "x-model" in schema and f"{name}Request" in schemas:
            properties = {
                property_name: found
                for property_name, (_, found) in schema_properties(contract, schemas[f"{name}Request"]).items()
            }
            if any(found.get("writeOnly") for found in properties.values()):
                # An export has no secrets, so that it does not make the same again.
                continue
            leading = {property_name: found for property_name, found in properties.items() if "x-references" in found}
            kinds[schema["x-model"]["name"]] = Kind(
                {
                    property_name: _value(contract, found)
                    for property_name, found in properties.items()
                    if property_name not in leading and not found.get("x-ignored")
                },
                frozenset(
                    property_name
                    for property_name, found in leading.items()
                    if found.get("minItems") or property_name == "policy" or not {"nullable", "items"} & found.keys()
                ),
            )
    return kinds


def _value(contract, schema):
    """Values that fit a schema."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "array":
            items = _value(contract, flattened(contract, schema["items"]))
            return st.lists(items, unique=True, min_size=schema.get("minItems", 0), max_size=3)
        case "number":
            return st.sampled_from([0.0, 0.5, 1.0])
        case "object":
            return st.dictionaries(TEXT, TEXT, max_size=2)
    if schema.get("format") == "date-time":
        return st.sampled_from(["2024-08-01T12:00:00Z", None] if schema.get("nullable") else ["2024-08-01T12:00:00Z"])
    pattern = re.compile(schema["pattern"])
    text = (TEXT | st.from_regex(pattern)).map(str.strip)
    forbidden = re.compile(schema.get("not", {}).get("pattern", "(?!)"))
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 1000)
    return text.filter(
        lambda value: pattern.search(value) and shortest <= len(value) <= longest and not forbidden.search(value)
    )


class Drawing:
    """Draws objects into a store.

    :param draw: Hypothesis's function
    :param store: the store
    :param kinds: what objects may look like
    """

    def __init__(self, draw, store, kinds):
        self._draw = draw
        self._store = store
        self._kinds = kinds
        # The pks of the objects, by the names of their models and of their collections.
        self._made = {}

    def some(self, most, *collections, least=0):
        """Draw some objects of the collections."""
        known = [
            model
            for name, model in self._store.models.items()
            if model.collection in collections and name in self._kinds
        ]
        # Those that lead somewhere come more often.
        models = [model.name for model in known for _ in range(1 + 2 * len(model.references))]
        for _ in range(self._draw(st.integers(least, most))):
            self._one(self._draw(st.sampled_from(models)))

    def _one(self, name):
        """Draw an object, unless it would lead nowhere or is there already."""
        model, kind = self._store.models[name], self._kinds[name]
        properties = {property_name: self._draw(values) for property_name, values in kind.properties.items()}
        for property_name, reference in model.references.items():
            known = [pk for to in reference.to for pk in self._made.get(to, ())]
            needed = property_name in kind.needed
            if needed and not known:
                return
            if reference.many:
                properties[property_name] = self._draw(
                    st.lists(st.sampled_from(known), min_size=needed, max_size=3, unique=True) if known else st.just([])
                )
            else:
                properties[property_name] = self._draw(st.sampled_from(known if needed else [None, *known]))
        properties |= {property_name: self._draw(PRESET) for property_name in sorted(model.preset)}
        pk = str(self._draw(st.uuids()))
        repository = self._store.repository(name)
        try:
            with self._store.database.write() as session:
                repository.add(session, repository.as_stored(model.read_new(properties)), pk)
        except (errors.Invalid, errors.NotUnique):
            return
        for scope in (name, model.collection):
            self._made.setdefault(scope, []).append(pk)

    def slugs(self):
        """The slugs of the flows."""
        with self._store.database.snapshot() as session:
            flows = self._store.repository("authentik_flows.flow")
            return [flows.read(session, pk)["slug"] for pk in self._made.get("flows", ())]


def draw_graph(draw, store, kinds):
    """Draw flows, what they are made of, and what they lead to, into a store. :returns: the slugs of the flows"""
    drawing = Drawing(draw, store, kinds)
    drawing.some(3, "flows", least=1)
    drawing.some(2, "prompts", least=1)
    drawing.some(2, "policies", least=1)
    drawing.some(5, "stages", least=1)
    drawing.some(6, "stage_bindings")
    drawing.some(4, "policy_bindings")
    return drawing.slugs()
