"""The objects of one model: what they may hold, as the contract has it, and the requests to their operations."""

from functools import cached_property
from urllib.parse import urlencode

from app import errors
from app.contract.compile import scopes
from app.contract.validation.schemas import schema_properties

# What members may be, if it fits: each member is tried with all of these that its schema admits.
ANY = [
    "plain", "PLAIN", "Ångström \U0001f600 \u202e", "<b>&amp;\"'</b>\n\tx", "a%_\\b", "", "hours=1;minutes=2", "seconds=0",
    "a@example.com", "2030-01-02T03:04:05Z", "email/account_confirmation.html", "email/password_reset.html",
    0, 1, 10, 9, -1, 2**31 - 1, -(2**31), True, False,
    {}, {"a": {"b": [1, "Ångström", None]}},
]  # fmt: skip


class Kind:
    """One model of the contract.

    :param examples: the contract's examples, and the objects that others lead to
    :param name: the model's name
    """

    def __init__(self, examples, name):
        self.examples = examples
        self.client = examples.client
        self.model = examples.models[name]
        folder = examples.creators[name].id.removesuffix("create")
        self._operations = {
            operation.removeprefix(folder): known
            for operation, known in examples.operations.items()
            if operation.startswith(folder)
        }
        self.schemas = self._operations["create"].body.properties
        # Invitations share names.
        self.named_by = "name" if self.model.named_by == "pk" else self.model.named_by
        # Those that a body has.
        self.references = {name: to for name, to in self.model.references.items() if name in self.schemas}
        self.before = []
        schema = scopes.schemas_of_models(examples.contract)[name]
        self.answered = {
            name: property_schema
            for name, (_, property_schema) in schema_properties(
                examples.contract, {"$ref": f"#/components/schemas/{schema}"}
            ).items()
        }

        # The administrator, who has the token of the tests.
        self.before = pks(self.all())

    def send(self, verb, pk=None, body=None, **query):
        """Send a request to the operation of a verb."""
        operation = self._operations[verb]
        url = operation.path_to({"pk": pk})
        return self.client(operation.method, url, body, query=urlencode(query, doseq=True))

    def create(self, **properties):
        """A new object."""
        return self.examples.another(self.model.name, **properties)

    def body(self, **properties):
        """The example of a new object, with these members in place of its own."""
        return self.examples.body(self._operations["create"].id) | properties

    def least(self, *, whole):
        """As little of the example as makes a valid body, of a new object if it is whole.

        Some members are optional, and missed by a rule that ties them together.
        """
        example, read = self.body(), self.read_new if whole else self.model.read_change
        for name in list(example):
            try:
                read({other: value for other, value in example.items() if other != name})
            except errors.Invalid:
                continue
            del example[name]
        return example

    def all(self, **query):
        """All objects that match."""
        response = self.send("list", **{"page_size": 1000, **query})
        assert response.status == 200, response.body
        return [each for each in response.json()["results"] if each["pk"] not in self.before]

    def parameters(self, extension):
        """The parameters of the list that have an extension."""
        return [parameter for parameter in self._operations["list"].query if extension in parameter]

    def shows(self, parameter):
        """Whether a filter is by a property of the object, and not by what is connected with it."""
        kept = {*self.model.properties, *self.model.generated, "pk"}
        return parameter["x-filters"] in kept and self.answered[parameter["x-filters"]].get("type") != "object"

    def retrieves_by(self, name):
        """Whether the operation that answers one object takes a filter."""
        return any(parameter["name"] == name for parameter in self._operations["retrieve"].query)

    def values(self, property_name):
        """Values of a member, each of which makes a valid body of the example, and is answered alike."""
        schema, reference = self.schemas[property_name], self.model.references.get(property_name)
        if reference is None:
            choices = self.examples.contract.resolve((), schema.get("items", {}))[1].get("enum", [])
            found = [*ANY, *schema.get("enum", ()), [], choices[:1], choices[::-1]]
        else:
            pks = [target["pk"] for scope in reference.to for target in self.targets(scope)]
            several = pks if reference.inverse_of else pks[::-1]
            found = [[], pks[:1], several] if reference.many else pks
        empty = () if property_name in self.model.lifetimes else (None,)
        return [value for value in (*found, *empty) if self._fits(property_name, value)]

    def named(self, name, **properties):
        """The example of a new object of a name, with these members in place of its own."""
        return self.body(**{self.named_by: name}, **properties)

    def read_new(self, body):
        """The properties to store of a new object, which the first user creates."""
        owned_by = self.model.owned_by
        return self.model.read_new(body | ({owned_by: self._first_user} if owned_by else {}))

    @cached_property
    def _first_user(self):
        return self.client.get("/api/v3/core/users/").json()["results"][0]["pk"]

    def targets(self, scope):
        """Two new objects that a reference may lead to."""
        return [self.examples.another(self.examples.first_of(scope)) for _ in range(2)]

    def variety(self):
        """Store an object for each value of each member. :returns: all of them"""
        store = self.client.store
        bodies = [
            self.named(f"{property_name}-{number}") | {property_name: value}
            for property_name in self.model.properties
            for number, value in enumerate(self.values(property_name))
        ]
        with store.database.write() as session:
            for body in bodies:
                store.repository(self.model.name).add(session, self.read_new(body))
        found = self.all()
        # References may lead to others of the kind.
        own = [
            name for name, to in self.model.references.items() if {self.model.name, self.model.collection} & {*to.to}
        ]
        assert len(found) >= len(bodies) if own else len(found) == len(bodies)
        return found

    def _fits(self, property_name, value):
        try:
            read = self.read_new(self.body(**{property_name: value}))[property_name]
        except errors.Invalid:
            return False
        return (type(read), read) == (type(value), value)


def pks(objects):
    """The identities of objects."""
    return [each["pk"] for each in objects]


def check_filters(kind, objects):
    """Filter by each parameter and each value that there is.

    :param objects: all of the kind as they are listed, with the members that can be filtered by
    """
    for parameter in kind.parameters("x-filters"):
        name, property_name = parameter["name"], parameter["x-filters"]
        if not kind.shows(parameter):
            continue
        stored = [each[property_name] for each in objects if each[property_name] not in (None, "", [])]
        for value in [value for index, value in enumerate(stored) if value not in stored[:index]]:
            given = str(value).lower() if isinstance(value, bool) else value
            matching = [each["pk"] for each in objects if _matches(each[property_name], value)]
            assert pks(kind.all(**{name: given})) == matching, (name, value)
            for found, status in ((matching, 200), ([pk for pk in pks(objects) if pk not in matching], 404)):
                if not kind.retrieves_by(name):
                    break
                assert {kind.send("retrieve", pk, **{name: given}).status for pk in found[:1]} <= {status}
        assert pks(kind.all(**{name: ""})) == pks(objects)


def _matches(stored, wanted):
    if isinstance(wanted, list):
        return bool({*stored} & {*wanted})
    return stored == (wanted.strip() if isinstance(wanted, str) else wanted)


def _sort_key(property_name):
    """Null is the greatest value."""
    return lambda each: (
        each[property_name] is None,
        *([each[property_name]] if each[property_name] is not None else []),
    )


def check_orders(kind, objects):
    """Sort by each member that can be sorted by, upwards and downwards, and read page by page.

    :param objects: all of the kind, with the members that can be sorted by
    """
    (parameter,) = kind.parameters("x-orders-by")
    assert kind.all() == kind.all(ordering=parameter["schema"]["default"])
    objects = sorted(objects, key=lambda each: each["pk"])
    for property_name in parameter["x-orders-by"]:
        for sign in ("", "-"):
            expected = pks(sorted(objects, key=_sort_key(property_name), reverse=bool(sign)))
            assert pks(kind.all(ordering=sign + property_name)) == expected, sign + property_name
    pages = range(1, -(-len(objects) // 7) + 1)
    assert (
        pks(each for page in pages for each in kind.all(ordering=f"-{property_name}", page=page, page_size=7))
        == expected
    )
