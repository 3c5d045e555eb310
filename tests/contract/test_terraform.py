"""What authentik's Terraform provider does with a flow, from its first `apply` to `destroy`, on each engine.

It sends every member, reads each object after it has written it, and takes any difference for a change to make. To it 404 means
that an object is gone, and any other status from 300 on is an error.
"""

import pytest

from tests.contract_files import shipped

API = "/api/v3/"
FLOW = {
    "name": "Acceptance", "slug": "acceptance", "title": "Acceptance", "designation": "authorization",
    "authentication": "none", "denied_action": "message_continue", "layout": "stacked", "policy_engine_mode": "any",
    "compatibility_mode": True,
}  # fmt: skip
BACKGROUND = "https://goauthentik.io"
# The provider's own defaults, which are the reverse of the server's.
BINDING = {
    "order": 0, "evaluate_on_plan": True, "re_evaluate_policies": False, "policy_engine_mode": "any",
    "invalid_response_action": "retry",
}  # fmt: skip
GUARD = {"order": 0, "negate": False, "enabled": True, "timeout": 30, "failure_result": False}


# The properties that no response has.
SECRETS = {
    name
    for schema in shipped().document["components"]["schemas"].values()
    for name, found in schema.get("properties", {}).items()
    if found.get("writeOnly")
}


class Provider:
    """The provider's calls: each succeeds, and reads what it has written."""

    def __init__(self, client):
        self.client = client

    def create(self, path, key="pk", **properties):
        """Create an object. :returns: its address"""
        response = self.client.post(API + path, properties)
        assert response.status == 201, response.body
        address = f"{path}{response.json()[key]}/"
        self.read(address, properties)
        return address

    def read(self, address, properties):
        """Read an object, which is as it was sent."""
        found = self.client.get(API + address)
        assert found.status == 200, found.body
        assert found.json() == found.json() | {name: properties[name] for name in properties.keys() - SECRETS}
        return found.json()

    def update(self, address, key="pk", **properties):
        """Replace an object. :returns: its address, which may be another one"""
        response = self.client.put(API + address, properties)
        assert response.status == 200, response.body
        address = f"{address.rsplit('/', 2)[0]}/{response.json()[key]}/"
        self.read(address, properties)
        return address

    def delete(self, address):
        """Delete an object; that it is gone already is as good."""
        assert self.client.delete(API + address).status == 204
        assert self.client.delete(API + address).status == 404
        assert self.client.get(API + address).status == 404


@pytest.fixture
def provider(client_on_each):
    return Provider(client_on_each)


def test_a_flow_from_apply_to_destroy(provider, examples):
    client = provider.client
    # The provider asks for this first.
    assert client.get(API + "root/config/").json()["error_reporting"]["enabled"] is False
    flow = provider.create("flows/instances/", "slug", **FLOW)
    assert client.post(f"{API}{flow}set_background_url/", {"url": BACKGROUND}).status == 200
    uuid = provider.read(flow, FLOW | {"background": BACKGROUND})["pk"]

    made = {"prompts": [], "stages": [], "policies": []}
    for model in examples.models.values():
        if model.collection in made:
            creator = examples.creators[model.name]
            # White space around what is sent is removed, but not around what is the default.
            properties = model.read_new({**model.defaults, **examples.body(creator.id), "name": model.name})
            made[model.collection].append(provider.create(creator.url.removeprefix(API), **properties))
    stages, policies = made["stages"], made["policies"]

    def uuid_of(address):
        return address.split("/")[-2]

    bindings = {
        stage: provider.create("flows/bindings/", target=uuid, stage=uuid_of(stage), **BINDING) for stage in stages
    }
    guards = [
        provider.create("policies/bindings/", target=uuid, policy=uuid_of(policy), group=None, user=None, **GUARD)
        for policy in policies
    ]
    for order, (stage, binding) in enumerate(reversed(bindings.items()), 1):
        properties = BINDING | {"order": order}
        assert provider.update(binding, target=uuid, stage=uuid_of(stage), **properties) == binding

    renamed = FLOW | {"name": "Renamed", "title": "Renamed", "slug": "renamed", "compatibility_mode": False}
    assert provider.update(flow, "slug", **renamed) == "flows/instances/renamed/"
    assert client.get(API + flow).status == 404
    flow = "flows/instances/renamed/"
    found = provider.read(flow, renamed | {"pk": uuid, "background": BACKGROUND})
    assert found["stages"] == [uuid_of(stage) for stage in reversed(stages)]
    assert sorted(found["policies"]) == sorted(map(uuid_of, policies))

    # The data source.
    for query, slugs in (
        ("slug=renamed&designation=authorization", ["renamed"]),
        ("slug=renamed&designation=recovery", []),
        ("slug=acceptance", []),
        ("designation=authorization", ["renamed"]),
    ):
        results = client.get(f"{API}flows/instances/?{query}").json()["results"]
        assert [result["slug"] for result in results] == slugs

    for address in (*guards, *bindings.values(), *stages, *policies, *made["prompts"], flow):
        provider.delete(address)
    for path in ("flows/bindings/", "policies/bindings/"):
        assert client.get(API + path).json()["results"] == []


def test_what_is_not_validated_by_the_provider_is_refused(provider):
    wrong = FLOW | {"denied_action": "deny"}
    response = provider.client.post(f"{API}flows/instances/", wrong)
    assert (response.status, response.json()) == (400, {"denied_action": ['"deny" is not a valid choice.']})
    flow = provider.create("flows/instances/", "slug", **FLOW)
    assert provider.client.put(API + flow, wrong).status == 400
    provider.read(flow, FLOW)


def test_what_went_behind_the_providers_back_is_gone(provider):
    flow = provider.create("flows/instances/", "slug", **FLOW)
    stage = provider.create("stages/dummy/", name="pause", throw_error=False)
    uuid, pk = provider.read(flow, FLOW)["pk"], stage.split("/")[-2]
    binding = provider.create("flows/bindings/", target=uuid, stage=pk, **BINDING)
    provider.delete(flow)
    for method in ("GET", "PUT", "DELETE"):
        response = provider.client(method, API + binding, {"target": uuid, "stage": pk, **BINDING})
        assert response.status == 404
    provider.delete(stage)
