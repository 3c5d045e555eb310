"""A server whose contract is edited: what passes the checks answers whatever is sent, and never with a failure of its own.

`make fuzz-contract` runs this file; `test_contracts.py` a short form of it.
"""

import argparse
import contextlib
import copy
import json
import random
import string
import sys
import tempfile
import time
import traceback
from pathlib import Path
from urllib.parse import quote

import psycopg
import structlog

from app import handlers
from app.application import (
    capabilities_of,
    create_app,
    create_metrics,
    crud_handlers,
    first_contract,
    next_contract,
    open_store,
    samples_of,
)
from app.contract import checks
from app.contract.compile.plan import parameters
from app.contract.document.contract import Contract, File, parse_reference, references
from app.contract.document.findings import ContractError
from app.contract.validation.schemas import admits_null, flattened, schema_properties
from app.settings import Settings
from tests import postgresql
from tests.asgi import Client
from tests.conftest import emptied
from tests.contract_files import shipped
from tests.forms import form
from tests.fuzz.edits import NUMBERS, TEXTS, Editor, reduced

# Requests to each operation that an edit touches, and such operations, at most.
REQUESTS, OPERATIONS = 6, 8
JUNK = (*TEXTS, *NUMBERS, None, True, False, [], ["a"], [None], {}, {"a": 1})
UNKNOWN = "11111111-1111-4111-8111-111111111111"


class Failed(AssertionError):
    """A request was answered by a failure of the server's."""


class Document(checks.Draft):
    """A contract that is edited, and in no file: to read one takes longer than all else.

    `document` is what it is now.
    """

    document: dict

    def read(self, path, name, version=None):
        """Read it anew."""
        name = name or "contract.yaml"
        return Contract((File(path or Path(name), name, b"", self.document, dict),), self.document, {})


class Workshop:
    """A server, and a contract that is edited.

    :param url: of an empty database
    """

    def __init__(self, url):
        self.document = reduced(shipped().document)
        self._settings = Settings(database_url=url, token_cache=0.0)
        self._draft = Document()
        names = {operation["operationId"] for _, _, _, operation in shipped().operations()}
        kept = {
            operation["operationId"]
            for item in self.document["paths"].values()
            for operation in item.values()
            if isinstance(operation, dict) and "operationId" in operation
        }
        self._handlers = {name: handler for name, handler in handlers.discover().items() if name not in names - kept}
        contract, findings = self.load(self.document)
        assert contract is not None, findings
        self.editor = Editor(contract)
        self._store = open_store(self._settings, contract)
        self._store.migrate()
        self._current = first_contract(self._settings, contract, self._store, create_metrics(contract))
        app = create_app(self._settings, contract=contract, store=self._store, active_contract=self._current)
        self._client = Client(app, "root")
        self._client.get("/-/health/live/")

    def close(self):
        """Close the store."""
        self._store.close()

    def load(self, document):
        """The contract that a document is, or None and what is found."""
        self._draft.document = document
        implementation = checks.Implementation(
            lambda contract: {**crud_handlers(contract), **self._handlers},
            capabilities_of,
            samples_of,
            examples=True,
        )
        try:
            return checks.load(Path("contract.json"), implementation, draft=self._draft), []
        except ContractError as error:
            return None, [str(finding) for finding in error.findings]

    def edited(self, edits):
        """A document with some edits, None if they do not fit one another."""
        document = copy.deepcopy(self.document)
        for edit in edits:
            try:
                edit.apply(document)
            except (LookupError, TypeError):
                return None
        return document

    def serve(self, contract):
        """Serve a contract that has passed the checks, on a store without anything in it."""
        store = open_store(self._settings, contract, self._store.database)
        store.migrate()
        emptied(store)
        store.tokens.add("root", superuser=True, secret="root")
        self._current.activate(next_contract(self._settings, contract, store, self._current))

    def drive(self, contract, touched, chance):
        """Send requests to operations. :raises Failed: one is answered by a failure of the server's"""
        Driver(contract, self._client, chance).drive(touched)


class Driver:
    """Sends what clients may send, and what they may not.

    :param contract: the contract
    :param client: sends it
    :param chance: the source of chance
    """

    def __init__(self, contract, client, chance):
        self._contract = contract
        self._client = client
        self._chance = chance
        # What objects are known by, as answers have shown.
        self._known = [UNKNOWN]
        self._operations = {
            operation["operationId"]: (path, method, operation) for _, path, method, operation in contract.operations()
        }

    def drive(self, touched):
        """Make an object of each kind, and send some requests to each operation."""
        creating = [name for name, (_, _, operation) in self._operations.items() if "201" in operation["responses"]]
        for name in creating:
            self._send(name, documented=True)
        for name in touched:
            for number in range(REQUESTS):
                self._send(name, documented=number == 0)

    def _send(self, name, *, documented):
        path, method, operation = self._operations[name]
        for parameter, (_, described) in parameters(self._contract, path, method, "path").items():
            path = path.replace(f"{{{parameter}}}", self._segment(described, documented=documented))
        query = "" if documented else self._query(name)
        body, headers = self._body(operation, documented=documented)
        response = self._client(
            method.upper(), self._contract.base_path + path, body=body, query=query, headers=headers
        )
        if response.status >= 500:
            sent = f"{method.upper()} {path}?{query} {body[:500] if body else ''!r}"
            raise Failed(f"{name}: {response.status} to {sent}")
        if response.status < 300 and response.body and response.headers["content-type"] == "application/json":
            self._learn(response.json())

    def _learn(self, value):
        if isinstance(value, dict):
            for key in ("pk", "slug", "policybindingmodel_ptr_id"):
                if isinstance(value.get(key), str) and value[key] not in self._known:
                    self._known = [*self._known[-20:], value[key]]
            for inner in value.values():
                self._learn(inner)
        elif isinstance(value, list):
            for inner in value:
                self._learn(inner)

    def _segment(self, described, *, documented):
        if self._chance.random() < (0.95 if documented else 0.8):
            kinds = [known for known in self._known if ("-" in known) == (described["schema"].get("format") == "uuid")]
            return self._chance.choice(kinds or self._known)
        return self._chance.choice(["none", "a%00b", "%20", "x" * 60, UNKNOWN])

    def _query(self, name):
        path, method, _ = self._operations[name]
        pairs = []
        for parameter, (_, described) in parameters(self._contract, path, method, "query").items():
            if self._chance.random() < 0.5:
                value = self.value(described["schema"])
                if "x-orders-by" in described and self._chance.random() < 0.8:
                    value = self._chance.choice(["", "-"]) + self._chance.choice(described["x-orders-by"])
                values = value if isinstance(value, list) else [value]
                pairs += [f"{parameter}={_quoted(one)}" for one in values[:3]]
        return "&".join(pairs)

    def _body(self, operation, *, documented):
        if "requestBody" not in operation:
            return None, {}
        described = self._contract.resolve((), operation["requestBody"])[1]
        if not documented and self._chance.random() < 0.05:
            return None, {}
        ((media_type, media),) = described["content"].items()
        value = media.get("example") if documented else self.value(media["schema"])
        if documented and value is None:
            value = next((one.get("value") for one in media.get("examples", {}).values()), {})
        if media_type == "multipart/form-data":
            parts = value if isinstance(value, dict) else {}
            return form({key: str(inner) for key, inner in parts.items()})
        if documented and isinstance(value, dict):
            value = self._with_references(media["schema"], value)
        return json.dumps(value).encode(), {"content-type": media_type}

    def _with_references(self, schema, value):
        """An example with objects that there are in the place of those that it names."""
        properties = schema_properties(self._contract, schema)
        return {
            name: self.value(properties[name][1])
            if name in properties and "x-references" in properties[name][1]
            else inner
            for name, inner in value.items()
        }

    def value(self, schema, depth=0):
        """A value that a schema may have, or may not."""
        chance = self._chance
        keywords = flattened(self._contract, schema)
        if chance.random() < 0.08 or depth > 4:
            return chance.choice(JUNK)
        if admits_null(self._contract, schema) and chance.random() < 0.1:
            return None
        if "enum" in keywords and chance.random() < 0.9:
            return chance.choice(keywords["enum"])
        for keyword in ("example", "default", "x-create-default"):
            if keyword in keywords and chance.random() < 0.2:
                return keywords[keyword]
        make = {
            "object": lambda: self._object(schema, keywords, depth),
            "array": lambda: self._array(keywords, depth),
            "string": lambda: self._text(keywords),
            "integer": lambda: chance.choice([*self._limits(keywords), *(n for n in NUMBERS if isinstance(n, int))]),
            "number": lambda: chance.choice([*self._limits(keywords), *NUMBERS]),
            "boolean": lambda: chance.random() < 0.5,
        }.get(keywords.get("type"))
        if make is not None:
            return make()
        alternatives = [*keywords.get("oneOf", ()), *keywords.get("anyOf", ())]
        return self.value(chance.choice(alternatives), depth + 1) if alternatives else chance.choice(JUNK)

    def _object(self, schema, keywords, depth):
        chance, contract = self._chance, self._contract
        found = {
            name: self.value(contract.at(place) if place[0] in ("components", "paths") else property_schema, depth + 1)
            for name, (place, property_schema) in schema_properties(contract, schema).items()
            if name in keywords.get("required", ()) or chance.random() < 0.6
        }
        return {**found, "unknown": 1} if chance.random() < 0.1 else found

    def _array(self, keywords, depth):
        count = self._chance.choice([keywords.get("minItems", 0), keywords.get("maxItems", 2), 1, 2])
        return [self.value(keywords.get("items", {}), depth + 1) for _ in range(min(count, 5))]

    def _limits(self, keywords):
        limits = [keywords[key] for key in ("minimum", "maximum") if key in keywords]
        return [*limits, *limits]

    def _text(self, keywords):
        chance = self._chance
        if keywords.get("format") == "uuid" and chance.random() < 0.9:
            return chance.choice(self._known)
        least, most = keywords.get("minLength", 0), min(keywords.get("maxLength", 40), 400)
        letters = string.ascii_lowercase + string.digits + "-_ "
        random_text = "".join(chance.choice(letters[:36]) for _ in range(chance.randint(least, max(least, most))))
        return chance.choice([random_text, random_text, "x" * most, "x" * least, chance.choice(TEXTS)])


def _quoted(value):
    text = json.dumps(value) if isinstance(value, bool | dict | list) or value is None else str(value)
    return quote(text)


def touched_by(contract, edits, chance):
    """The operations that edits have to do with, a few of them if they are many."""
    units = {edit.place[:2] if edit.place[0] == "paths" else edit.place[:3] for edit in edits}
    names = []
    for pointer, path, _, operation in contract.operations():
        if not units.isdisjoint({("paths", path), *_reached(contract, pointer)}):
            names.append(operation["operationId"])
    return names if len(names) <= OPERATIONS else chance.sample(names, OPERATIONS)


def _reached(contract, pointer):
    item = contract.at(pointer[:2])
    found, waiting = set(), [item.get("parameters", []), contract.at(pointer)]
    while waiting:
        for _, node in references(waiting.pop()):
            unit = parse_reference(node["$ref"])[:3]
            if unit not in found:
                found.add(unit)
                waiting.append(contract.at(unit))
    return found


@contextlib.contextmanager
def workshop(engine, folder):
    """A workshop on an engine."""
    with contextlib.ExitStack() as stack:
        if engine == "postgresql":
            server = postgresql.start(Path(folder) / "postgresql")
            stack.callback(server.cleanup)
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("CREATE DATABASE contracts")
            url = server.get_uri().replace("/postgres?", "/contracts?")
        else:
            url = f"sqlite:///{folder}/flows.sqlite3"
        made = Workshop(url)
        stack.callback(made.close)
        yield made


def attempt(made, chance):
    """Edit the contract, and drive it if it passes. :returns: the edits, and whether they passed :raises Failed: as of `drive`"""
    edits = [made.editor.draw(chance) for _ in range(chance.choice([1, 1, 1, 2, 3]))]
    document = made.edited(edits)
    if document is None:
        return edits, False
    contract, _ = made.load(document)
    if contract is None:
        return edits, False
    made.serve(contract)
    made.drive(contract, touched_by(contract, edits, chance), chance)
    return edits, True


def main():
    """Look at random edits for a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--engine", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    engines = ["sqlite", "postgresql"] if options.engine == "both" else [options.engine]
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    failures = 0
    for engine in engines:
        with tempfile.TemporaryDirectory(prefix="flows-contracts-") as folder, workshop(engine, folder) as made:
            tried = passed = 0
            end = time.monotonic() + options.minutes * 60
            while time.monotonic() < end:
                seed += 1
                chance = random.Random(seed)
                tried += 1
                try:
                    passed += attempt(made, chance)[1]
                except Exception as error:
                    failures += 1
                    chance = random.Random(seed)
                    edits = [made.editor.draw(chance) for _ in range(chance.choice([1, 1, 1, 2, 3]))]
                    print(
                        f"{engine}, seed {seed}: {'' if isinstance(error, Failed) else traceback.format_exc(limit=-3)}{error}"
                    )
                    print(*(f"    {edit}"[:400] for edit in edits), sep="\n", flush=True)
            print(f"{engine}: {tried} edits, {passed} passed the checks, {failures} failures.", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
