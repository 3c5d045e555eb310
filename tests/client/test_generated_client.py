"""The official Python client of a release, generated from authentik's own contract, against this server.

Of 2024.8, unless `TEST_CLIENT_VERSION` names another version; `test_clients_of_releases.py` does.
"""

import datetime as dt
import inspect
import itertools
import json
import os
import re
import uuid
from functools import partial
from unittest import mock

import pydantic
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from app import determinism
from app.application import open_store
from app.contract.document.overlays import minor
from app.contract.document.versions import read
from app.contract.validation.schemas import is_file
from app.settings import Settings
from tests.asgi import WireClient
from tests.conftest import application
from tests.contract_files import shipped
from tests.examples import Examples, creators, operations
from tests.kinds import Kind
from tests.serving import served

# Of thousands of methods, each builds its validators when it is called, not at the import.
with mock.patch.object(pydantic, "validate_call", partial(pydantic.validate_call, config={"defer_build": True})):
    import authentik_client
    from authentik_client import FlowRequest, PatchedFlowRequest
    from authentik_client.exceptions import BadRequestException, ForbiddenException, NotFoundException

FIRST = minor(shipped().release)
VERSION = os.environ.get("TEST_CLIENT_VERSION", FIRST)
CONTRACT = shipped() if VERSION == FIRST else read(Settings().contract, VERSION)
OPERATIONS = operations(CONTRACT)
MODELS = creators(CONTRACT)
# authentik and this server answer null where authentik's document promises an object until 2026.2.3, so that earlier clients
# can't read what they get.
NULL = {"PolicyBinding": {"group_obj", "user_obj"}, "Application": {"provider_obj"}}
UNREADABLE = {
    name: null
    for name, operation in OPERATIONS.items()
    for schema, null in NULL.items()
    if re.search(rf"/(Paginated)?{schema}(List)?'", str(operation.spec["responses"][str(operation.success)]))
    and isinstance(getattr(authentik_client, schema).model_fields[min(null)].annotation, type)
}

# The client's models were generated for an older pydantic.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::pydantic.warnings.PydanticDeprecatedSince20"
)

# Another server may be tested, and the store that it is on.
URL, DATABASE = os.environ.get("TEST_CLIENT_URL"), os.environ.get("TEST_CLIENT_DATABASE")

_numbers = itertools.count()


@pytest.fixture(scope="module")
def shared(contract, shared):
    """The store of the server that is tested: one of this process, unless another one is named."""
    if DATABASE is None:
        yield shared
    else:
        # What the tests put there themselves.
        with determinism.fixed(b"tests"), application(DATABASE, contract) as made:
            yield made


@pytest.fixture(scope="module")
def url(shared):
    if URL is not None:
        yield URL
    else:
        with served(shared[1]) as url:
            yield url


class VersionClient(WireClient):
    """Asks for the version of the generated client, which says its own by itself."""

    async def _send(self, method, path, query, headers, chunks):
        return await super()._send(method, path, query, headers | {"x-authentik-version": VERSION}, chunks)


@pytest.fixture(scope="module")
def store_of_version(shared):
    """The store that is tested, with the kinds of the version."""
    return open_store(Settings(), CONTRACT, shared[0].database)


@pytest.fixture
def client(url, store, store_of_version):
    store.tokens.add("root", superuser=True, secret="root")
    client = VersionClient(url, "root")
    client.store = store_of_version
    return client


@pytest.fixture
def connect(url, store):
    """Makes an API of a client with a token."""

    def make(token, api=authentik_client.FlowsApi):
        configuration = authentik_client.Configuration(host=f"{url}/api/v3", access_token=token)
        return api(authentik_client.ApiClient(configuration))

    return make


@pytest.fixture
def flows_api(connect, store):
    return connect(store.tokens.add("client", superuser=True))


@pytest.fixture
def examples(client):
    return Examples(CONTRACT, client)


# The parameter `authenticator_totp_stage_request` is of the class AuthenticatorTOTPStageRequest.
CLASSES = {name.lower(): name for name in dir(authentik_client)}


class Caller:
    """Calls the client's method of an operation.

    :param connect: makes the API that has it
    """

    def __init__(self, connect, operation_id):
        (tag,) = OPERATIONS[operation_id].spec["tags"]
        api = connect("root", getattr(authentik_client, f"{tag.title()}Api"))
        self._method = getattr(api, operation_id)
        self._whole = getattr(api, f"{operation_id}_with_http_info")
        self.responses = inspect.signature(self._method).return_annotation

    def __call__(self, **arguments):
        """Call it. :returns: the status, the decoded answer, and the answer as it came"""
        response = self._whole(**arguments)
        return response.status_code, response.data, response.raw_data

    def body_of(self, properties):
        """The argument for a body that is JSON."""
        (name,) = (
            name
            for name in inspect.signature(self._method).parameters
            if name.endswith("_request") and not name.startswith("_")
        )
        return {name: getattr(authentik_client, CLASSES[name.replace("_", "")])(**properties)}


def arguments_of(examples, caller, operation_id, folder):
    """The arguments of the client's method for the example of an operation. :param folder: for files to send"""
    operation = OPERATIONS[operation_id]
    # A flow without a stage can't be entered.
    examples.one("stage_bindings")
    arguments = operation.names(examples.one(examples.model_of(operation))) if operation.parameters else {}
    properties = examples.body(operation_id)
    if properties is None:
        return arguments
    if operation.body.media_type == "application/json":
        return arguments | caller.body_of(properties)
    # The client reads a file from its path.
    for name in [name for name in properties if is_file(CONTRACT, operation.body.properties[name])]:
        (folder / name).write_text(properties[name])
        properties[name] = str(folder / name)
    return arguments | properties


def agrees(decoded, sent):
    """Whether what the client has made of an answer is what was sent."""
    if isinstance(decoded, BaseModel):
        names = {field.alias or name: name for name, field in type(decoded).model_fields.items()}
        return all(agrees(getattr(decoded, names[name]), sent[name]) for name in names.keys() & sent.keys())
    if isinstance(decoded, list):
        return len(decoded) == len(sent) and all(map(agrees, decoded, sent))
    if isinstance(decoded, dt.datetime):
        return decoded == dt.datetime.fromisoformat(sent)
    if isinstance(decoded, uuid.UUID):
        return str(decoded) == sent
    return getattr(decoded, "value", decoded) == sent


# A key can't be told from what is stored of it.
NEVER_SHOWN = ["core_tokens_view_key_retrieve"]


# No request can make what these answer.
WITHOUT_OBJECTS = [name for name, operation in OPERATIONS.items() if operation.success >= 400]


@pytest.mark.parametrize(
    "operation_id", [name for name in OPERATIONS if name not in (*UNREADABLE, *NEVER_SHOWN, *WITHOUT_OBJECTS)]
)
def test_the_example_of_every_operation(examples, connect, tmp_path, operation_id):
    operation, caller = OPERATIONS[operation_id], Caller(connect, operation_id)
    status, decoded, raw = caller(**arguments_of(examples, caller, operation_id, tmp_path))
    assert status == operation.success
    if operation_id == "flows_instances_import_create":
        # authentik's own document has another status than its server, so that the client looks at neither's answer.
        assert (decoded, authentik_client.FlowImportResult.from_json(raw).success) == (None, True)
    elif caller.responses in (None, bytearray, bytes):
        assert decoded == (None if caller.responses is None else raw)
    else:
        TypeAdapter(caller.responses).validate_python(decoded, strict=True)
        assert agrees(decoded, json.loads(raw))


@pytest.mark.parametrize("operation_id", UNREADABLE)
def test_only_what_is_null_keeps_an_answer_from_being_decoded(examples, connect, operation_id):
    operation, caller = OPERATIONS[operation_id], Caller(connect, operation_id)
    arguments = operation.names(examples.one(examples.model_of(operation)))
    if operation.body is not None:
        arguments |= caller.body_of(examples.body(operation_id))
    with pytest.raises(ValidationError) as caught:
        caller(**arguments)
    assert {wrong["loc"] for wrong in caught.value.errors()} == {(name,) for name in UNREADABLE[operation_id]}


@pytest.mark.parametrize("model", [model for model in MODELS if MODELS[model].id not in UNREADABLE])
def test_whatever_objects_hold_is_decoded(examples, connect, model):
    kind = Kind(examples, model)
    listing = Caller(connect, MODELS[model].id.removesuffix("create") + "list")
    # An invitation for any flow has null where the document promises one.
    varies = "name" in kind.schemas and "slug" not in kind.schemas and kind.model.named_by != "pk"
    stored = kind.variety() if varies else [kind.create()]
    _, page, raw = listing(page_size=1000)
    assert page.pagination.count == len(kind.before) + len(stored)
    before = {str(pk) for pk in kind.before}
    assert agrees([found for found in page.results if str(found.pk) not in before], stored)
    assert [found for found in json.loads(raw)["results"] if found["pk"] not in kind.before] == stored


def new(**properties):
    number = next(_numbers)
    return FlowRequest(
        **{"name": f"Flow {number}", "slug": f"flow-{number:04}", "title": "Title", "designation": "authentication"}
        | properties
    )


def test_flows_instances_create__answers_a_flow(flows_api):
    request = new()
    flow = flows_api.flows_instances_create(flow_request=request)
    assert (flow.name, flow.slug, flow.title) == (request.name, request.slug, request.title)
    assert flow.stages == []
    assert flow.layout.value == "stacked"


def test_flows_instances_list__paged_filtered_searched_ordered(flows_api):
    for slug, designation in (("a", "recovery"), ("b", "enrollment"), ("c", "recovery")):
        flows_api.flows_instances_create(flow_request=new(slug=slug, designation=designation, title=f"Title of {slug}"))

    accepted = inspect.signature(flows_api.flows_instances_list).parameters

    def found(**query):
        for name in ("designation", "denied_action"):
            # The enums of parameters are classes from 2026.5 on.
            if name in query and "str" not in str(accepted[name].annotation):
                query[name] = getattr(new(**{name: query[name]}), name)
        return [flow.slug for flow in flows_api.flows_instances_list(**query).results]

    assert found() == ["a", "b", "c"]
    assert found(ordering="-slug") == ["c", "b", "a"]
    assert found(designation="recovery") == ["a", "c"]
    assert found(search="TITLE b") == ["b"]
    assert found(search="") == ["a", "b", "c"]
    assert found(slug="c", denied_action="message_continue") == ["c"]
    page = flows_api.flows_instances_list(page=2, page_size=2)
    assert [flow.slug for flow in page.results] == ["c"]
    assert page.pagination.to_dict() == {
        "next": 0, "previous": 1, "count": 3, "current": 2, "total_pages": 2, "start_index": 3, "end_index": 3,
    }  # fmt: skip
    pk = page.results[0].pk
    assert found(flow_uuid=pk) == ["c"]


def test_flows_instances_retrieve_update_and_destroy(flows_api):
    created = flows_api.flows_instances_create(flow_request=new(slug="first"))
    assert flows_api.flows_instances_retrieve(slug="first") == created
    patched = flows_api.flows_instances_partial_update(
        slug="first", patched_flow_request=PatchedFlowRequest(slug="second", compatibility_mode=True)
    )
    assert (patched.pk, patched.slug, patched.compatibility_mode) == (created.pk, "second", True)
    put = flows_api.flows_instances_update(slug="second", flow_request=new(slug="third", designation="recovery"))
    assert (put.pk, put.slug, put.compatibility_mode) == (created.pk, "third", True)
    assert flows_api.flows_instances_destroy(slug="third") is None
    with pytest.raises(NotFoundException) as caught:
        flows_api.flows_instances_retrieve(slug="third")
    assert caught.value.status == 404
    # The client hands headers on that it does not know, and makes nothing of them.
    place = ("paths", "/flows/instances/{slug}/", "get", "responses", "404")
    assert caught.value.headers["X-Contract-Rule"] == str(CONTRACT.locate(place))


def test_flows_instances_partial_update__without_a_body(flows_api):
    created = flows_api.flows_instances_create(flow_request=new(slug="same"))
    assert flows_api.flows_instances_partial_update(slug="same") == created


def test_flows_instances_cache(flows_api):
    assert flows_api.flows_instances_cache_info_retrieve().count == 0
    assert flows_api.flows_instances_cache_clear_create() is None


# Two values of each writable member: each is written and read back.
VALUES = {
    "name": ["Ångström \U0001f600 \u202e", "x" * 10_000],
    "slug": ["a" * 50, "-_A0"],
    "title": ["<b>&amp;\"'</b>", "inner   white\tspace\nkept"],
    "designation": [
        "authentication", "authorization", "invalidation", "enrollment", "unenrollment", "recovery", "stage_configuration",
    ],
    "policy_engine_mode": ["all", "any"],
    "compatibility_mode": [True, False],
    "layout": ["stacked", "content_left", "content_right", "sidebar_left", "sidebar_right"],
    "denied_action": ["message_continue", "message", "continue"],
    "authentication": ["none", "require_authenticated", "require_unauthenticated", "require_superuser", "require_outpost"],
    "background": ["/static/dist/assets/images/flow_background.jpg", "https://example.com/a.png"],
}  # fmt: skip
# The background has operations of its own before 2025.12.
VALUES = {name: values for name, values in VALUES.items() if name in FlowRequest.model_fields or name != "background"}


def test_every_writable_member_has_values():
    assert VALUES.keys() == FlowRequest.model_fields.keys()


@pytest.mark.parametrize(
    ("property_name", "value"), [(property_name, value) for property_name, values in VALUES.items() for value in values]
)
def test_what_is_written_is_read_back(flows_api, property_name, value):
    def plain(flow):
        read = getattr(flow, property_name)
        return getattr(read, "value", read)

    created = flows_api.flows_instances_create(flow_request=new(**{property_name: value}))
    assert plain(created) == value
    assert plain(flows_api.flows_instances_retrieve(slug=created.slug)) == value
    other = flows_api.flows_instances_create(flow_request=new())
    if property_name == "slug":
        flows_api.flows_instances_destroy(slug=created.slug)
    patched = flows_api.flows_instances_partial_update(
        slug=other.slug, patched_flow_request=PatchedFlowRequest(**{property_name: value})
    )
    assert plain(patched) == value
    (listed,) = flows_api.flows_instances_list(slug=patched.slug).results
    assert listed == patched


def test_errors_are_decoded(flows_api, connect, store):
    flows_api.flows_instances_create(flow_request=new(slug="taken"))
    with pytest.raises(BadRequestException) as caught:
        flows_api.flows_instances_create(flow_request=new(slug="taken"))
    assert caught.value.data.additional_properties == {"slug": ["Flow with this slug already exists."]}
    with pytest.raises(ForbiddenException) as caught:
        connect("nope").flows_instances_list()
    assert caught.value.data.detail == "Token invalid/expired"
    reader = connect(store.tokens.add("reader", permissions=["authentik_flows.view_flow"]))
    with pytest.raises(ForbiddenException) as caught:
        reader.flows_instances_destroy(slug="taken")
    assert caught.value.data.detail == "You do not have permission to perform this action."
    for missing in (
        lambda: flows_api.flows_instances_destroy(slug="nothing"),
        lambda: flows_api.flows_instances_update(slug="nothing", flow_request=new()),
        lambda: flows_api.flows_instances_list(page=7),
    ):
        with pytest.raises(NotFoundException):
            missing()
