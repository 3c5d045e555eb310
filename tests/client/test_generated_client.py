"""The official Python client of authentik 2024.8, generated from authentik's own contract, against this server."""

import itertools

import authentik_client
import pytest
from authentik_client import FlowRequest, PatchedFlowRequest
from authentik_client.exceptions import BadRequestException, ForbiddenException, NotFoundException

from tests.serving import served

# The client's models were generated for an older pydantic.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::pydantic.warnings.PydanticDeprecatedSince20"
)

_numbers = itertools.count()


@pytest.fixture(scope="module")
def url(shared):
    with served(shared[1]) as url:
        yield url


@pytest.fixture
def connect(url, store):
    """Makes the flows API of a client with a token."""

    def make(token):
        configuration = authentik_client.Configuration(host=f"{url}/api/v3", access_token=token)
        return authentik_client.FlowsApi(authentik_client.ApiClient(configuration))

    return make


@pytest.fixture
def flows_api(connect, store):
    return connect(store.tokens.add("client", superuser=True))


def new(**members):
    number = next(_numbers)
    return FlowRequest(
        **{"name": f"Flow {number}", "slug": f"flow-{number:04}", "title": "Title", "designation": "authentication"}
        | members
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

    def found(**query):
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
}  # fmt: skip


def test_every_writable_member_has_values():
    assert VALUES.keys() == FlowRequest.model_fields.keys()


@pytest.mark.parametrize(
    ("member", "value"), [(member, value) for member, values in VALUES.items() for value in values]
)
def test_what_is_written_is_read_back(flows_api, member, value):
    def plain(flow):
        read = getattr(flow, member)
        return getattr(read, "value", read)

    created = flows_api.flows_instances_create(flow_request=new(**{member: value}))
    assert plain(created) == value
    assert plain(flows_api.flows_instances_retrieve(slug=created.slug)) == value
    other = flows_api.flows_instances_create(flow_request=new())
    if member == "slug":
        flows_api.flows_instances_destroy(slug=created.slug)
    patched = flows_api.flows_instances_partial_update(
        slug=other.slug, patched_flow_request=PatchedFlowRequest(**{member: value})
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


def test_every_operation_of_the_contract_is_called_here(contract):
    from pathlib import Path

    text = Path(__file__).read_text("utf-8")
    assert [o["operationId"] for *_, o in contract.operations() if f"flows_api.{o['operationId']}(" not in text] == []
