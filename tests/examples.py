"""Requests that need nothing but the contract: each operation's own example, sent to objects that are there."""

import itertools
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from app.contract.compile import models
from app.contract.compile.plan import body_reader, parameters
from app.contract.request.body import BodyReader
from app.contract.validation.schemas import flattened, is_file
from tests.forms import form

WITHOUT_DUO = ("stages_authenticator_duo_enrollment_", "stages_authenticator_duo_import_")


@dataclass(frozen=True)
class Operation:
    """An operation of a contract.

    :param url: its whole path, with the names of its parameters in braces
    :param parameters: those of its path
    :param query: those of its query
    :param body: what reads its body, None if it takes none
    :param unique_together: the members of its body that are unique together
    :param success: the status of the answer to its example; an error if no request can make what it needs
    """

    id: str
    method: str
    url: str
    spec: dict[str, Any]
    parameters: list[dict[str, Any]]
    query: list[dict[str, Any]]
    body: BodyReader | None
    unique_together: frozenset[str]
    success: int

    def path_to(self, found):
        """The path to an object."""
        return self.url.format(**self.names(found))

    def names(self, found):
        """The parameters of the path to an object."""
        return {
            parameter["name"]: found[parameter["name"] if parameter["name"] in found else "pk"]
            for parameter in self.parameters
        }


@lru_cache(maxsize=8)
def operations(contract):
    """The operations of a contract, by operationId."""
    base = contract.document["servers"][0]["url"].rstrip("/")
    described = {
        spec["operationId"]: Operation(
            spec["operationId"],
            method.upper(),
            base + path,
            spec,
            [described for _, described in parameters(contract, path, method, "path").values()],
            [described for _, described in parameters(contract, path, method, "query").values()],
            body_reader(contract, pointer, spec, None),
            frozenset(_unique_together(contract, spec)),
            min(int(code) for code in spec["responses"]),
        )
        for pointer, path, method, spec in contract.operations()
    }
    # Duo is not reached, and a required reference to what is not kept is always refused.
    refused = {name for name in described if name.startswith(WITHOUT_DUO)}
    refused |= {name for name, known in described.items() if known.body and _leads_nowhere(contract, known)}
    folders = {known.url: name not in refused for name, known in described.items() if known.success == 201}
    for name, known in described.items():
        if known.parameters and not _leads_somewhere(known.url, folders, described):
            described[name] = replace(known, success=404)
        elif name in refused:
            described[name] = replace(known, success=400)
    return described


def _leads_somewhere(url, folders, described):
    """Whether a path can name an object.

    :param folders: whether an object can be made, by the path that makes it
    """
    folder, _, rest = url.partition("{")
    if folder in folders:
        return folders[folder]
    if not folder.endswith("/all/"):
        return False
    # A path of several kinds.
    named, every = "{" + rest.partition("/")[0] + "/", {known.url for known in described.values()}
    return any(made and other + named in every for other, made in folders.items())


def _leads_nowhere(contract, operation):
    """Whether the body of an operation has to have a reference to what is not kept."""
    for media in operation.spec["requestBody"]["content"].values():
        for name in flattened(contract, media["schema"]).get("required", ()):
            if operation.body.properties[name].get("x-references", {}).get("to") == []:
                return True
    return False


def _unique_together(contract, spec):
    for media in spec.get("requestBody", {}).get("content", {}).values():
        for rule in flattened(contract, media["schema"]).get("x-unique-together", ()):
            yield from rule["members"]


@lru_cache(maxsize=8)
def creators(contract):
    """The operation that creates objects, by their model."""
    schemas = contract.document["components"]["schemas"]
    found = {}
    for operation in operations(contract).values():
        if operation.success == 201:
            (media,) = operation.spec["responses"]["201"]["content"].values()
            found[schemas[media["schema"]["$ref"].rpartition("/")[2]]["x-model"]["name"]] = operation
    return found


class Examples:
    """The examples of a contract, and objects made from them.

    :param contract: the contract
    :param client: a superuser's client of its server
    """

    def __init__(self, contract, client):
        self.contract = contract
        self.client = client
        self.operations = operations(contract)
        self.creators = creators(contract)
        self.models = {name: model for name, model in models.models(contract).items() if name in self.creators}
        self._folders = {operation.url: model for model, operation in self.creators.items()}
        self._numbers = itertools.count(1)
        self._made = {}

    def first_of(self, scope):
        """The name of the first model of a collection, or of the model itself."""
        return next(model.name for model in self.models.values() if scope in (model.name, model.collection))

    def one(self, scope):
        """An object of a model, or of the first model of a collection: always the same one."""
        name = self.first_of(scope)
        if name not in self._made:
            self._made[name] = self.another(name)
        return self._made[name]

    def forget(self):
        """Make other objects from now on."""
        self._made.clear()

    def another(self, model, /, **properties):
        """A new object of a model, with these members in place of the example's."""
        operation = self.creators[model]
        body = self.body(operation.id)
        response = self.client.post(operation.url, body | self.own(operation, body) | properties)
        assert response.status == 201, (model, response.body)
        return response.json()

    def own(self, operation, body):
        """The members of an example that no two objects may share, as no other object has them."""
        number, own = next(self._numbers), {}
        for name, schema in operation.body.properties.items():
            if "x-unique" in schema:
                own[name] = f"{body[name]}-{number}"
            elif name in operation.unique_together and "x-references" not in schema:
                own[name] = number
        return own

    def url(self, operation_id):
        """The path of an operation, to an object that is there."""
        operation = self.operations[operation_id]
        if not operation.parameters:
            return operation.url
        if operation.success == 404:
            return operation.url.format(**{one["name"]: one["example"] for one in operation.parameters})
        model = self.model_of(operation)
        if self.models[model].collection == "flows":
            # A flow without a stage can't be entered.
            self.one("stage_bindings")
        return operation.path_to(self.one(model))

    def path_of(self, scope, found):
        """The path of an object of a model, or of the first model of a collection."""
        folder = self.creators[self.first_of(scope)].url
        one = next(known for known in self.operations.values() if known.url.startswith(folder + "{"))
        return one.path_to(found).removesuffix(one.url.partition("}/")[2])

    def model_of(self, operation):
        """The model of the object that the path of an operation names."""
        folder, _, rest = operation.url.partition("{")
        if folder in self._folders:
            return self._folders[folder]
        # A path of several kinds: an object of any of them will do.
        urls = {other.url for other in self.operations.values()}
        named = "{" + rest.partition("/")[0] + "/"
        return next(model for folder, model in self._folders.items() if folder + named in urls)

    def body(self, operation_id):
        """The example of an operation's body, leading to objects that are there; None if it takes none."""
        operation = self.operations[operation_id]
        if operation.body is None:
            return None
        (media,) = self.contract.resolve((), operation.spec["requestBody"])[1]["content"].values()
        return {
            name: self._leading(operation.body.properties.get(name, {}).get("x-references"), value)
            for name, value in media["example"].items()
        }

    def request(self, operation_id):
        """What to send for an operation besides its path."""
        properties, reader = self.body(operation_id), self.operations[operation_id].body
        if properties is None or reader.media_type == "application/json":
            return {"json": properties}
        files = {name for name, schema in reader.properties.items() if is_file(self.contract, schema)}
        texts = {name: str(value) for name, value in properties.items() if name not in files}
        body, headers = form(
            texts, **{name: (f"{name}.txt", "", properties[name].encode()) for name in files & properties.keys()}
        )
        return {"body": body, "headers": headers}

    def send(self, operation_id, client=None, **options):
        """Send the example of an operation, by the superuser unless a client is given."""
        operation = self.operations[operation_id]
        request = self.request(operation_id) | options
        return (client or self.client)(operation.method, self.url(operation_id), **request)

    def _leading(self, references, value):
        if value is None or not references or not references["to"]:
            return value
        if isinstance(value, list):
            return [self._leading(references, each) for each in value]
        to = references["to"]
        return self.one(to if isinstance(to, str) else to[0])["pk"]
