"""What the traffic of the client of 2024.8 shows of an upgrade to a later release, compared with the facts of both."""

from contextlib import suppress
from functools import cache

import orjson
import pytest
from pydantic import ValidationError

from app.application import create_app, open_store
from app.contract.document.versions import overlays
from app.recording.har import archive
from app.recording.recorder import Recorder
from app.review.traffic import read_traffic
from app.review.traffic_validator import TrafficValidator
from app.settings import Settings
from app.upgrade.carrying_out import carry_out
from app.upgrade.effects import Kind
from tests.asgi import WireClient
from tests.client import test_generated_client as client_tests
from tests.contract.facts import facts_of, plain
from tests.contract_files import contract_of
from tests.examples import Examples
from tests.serving import served

RELEASES = {overlay.version: overlay.release for overlay in overlays(Settings().contract)}
# The first breaks nothing. `make clients` upgrades to each.
CHOSEN = ["2024.10", "2025.12", "2026.8"]
BREAK_NOTHING = {"2024.10", "2024.12", "2025.2"}
# The parts of the API whose facts of later releases are known.
OF_VERSIONS = ("/flows/", "/stages/", "/policies/")
# Forms may have secrets, so they are not recorded.
LEFT_OUT = ("rejected already when recorded", "whose body was not recorded")

pytestmark = client_tests.pytestmark


class Distinct(Examples):
    """Examples that share no unique value with an object that is there."""

    def body(self, operation_id):
        found, operation = super().body(operation_id), self.operations[operation_id]
        for name in found or ():
            if "x-unique" in operation.body.properties.get(name, {}):
                found[name] = f"{found[name]}-{next(self._numbers)}"
            elif name in operation.unique_together and isinstance(found[name], int):
                found[name] = next(self._numbers)
        return found


@pytest.fixture(scope="module")
def traffic(contract, tmp_path_factory):
    """The example of each operation, sent by the client."""
    folder, recorder = tmp_path_factory.mktemp("recording"), Recorder(contract)
    settings = Settings(database_url=f"sqlite:///{folder}/flows.sqlite3", token_cache=0.0)
    store = open_store(settings, contract)
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    exchanges = []
    with served(create_app(settings, contract=contract, store=store, recorder=recorder)) as url:
        examples = Distinct(contract, WireClient(url, "root"))

        def connect(token, api):
            configuration = client_tests.authentik_client.Configuration(host=f"{url}/api/v3", access_token=token)
            return api(client_tests.authentik_client.ApiClient(configuration))

        for name, operation in client_tests.OPERATIONS.items():
            if name in (*client_tests.NEVER_SHOWN, *client_tests.WITHOUT_OBJECTS):
                continue
            caller = client_tests.Caller(connect, name)
            arguments = client_tests.arguments_of(examples, caller, name, folder)
            # What the client can't read is recorded all the same; what is rejected does not count.
            with suppress(ValidationError, client_tests.authentik_client.ApiException):
                caller(**arguments)
            if operation.method in ("PUT", "PATCH", "DELETE"):
                examples.forget()
            exchanges += recorder.exchanges()
            recorder.forget()
    path = folder / "traffic.har"
    path.write_bytes(orjson.dumps(archive(exchanges)))
    return read_traffic(path)


@cache
def known(release):
    """The operations of a release, with their schemas."""
    facts = facts_of(release)
    root = {"components": {"schemas": facts["schemas"]}}
    found = {}
    for name, fact in facts["operations"].items():
        if fact.get("detail", "full") == "full" and fact["path"].startswith(OF_VERSIONS):
            responses = [
                plain(schema or {}, root)
                for code, response in fact["responses"].items()
                for schema in response["content"].values()
                if code < "300"
            ]
            bodies = [
                plain(schema or {}, root) for schema in (fact["requestBody"] or {"content": {}})["content"].values()
            ]
            found[name] = responses, bodies
    return found


def at(schemas, way):
    """The part of schemas that a way leads to; None if there is none."""
    for schema in schemas:
        for step in filter(None, way.replace("[]", ".[]").split(".")):
            schema = (schema or {}).get("items") if step == "[]" else (schema or {}).get("properties", {}).get(step)
        if schema is not None:
            return schema
    return None


def ways(value, way=""):
    """The ways to all properties of a value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (here := f"{way}.{name}" if way else name)
            yield from ways(inner, here)
    elif isinstance(value, list):
        for inner in value:
            yield from ways(inner, f"{way}[]")


@pytest.mark.parametrize("version", RELEASES)
def test_exactly_what_a_release_breaks_is_named(request, version):
    if version not in CHOSEN and not request.config.getoption("all_clients"):
        pytest.skip("`make clients` runs it")
    traffic = request.getfixturevalue("traffic")
    result = carry_out(Settings(), "2024.8", version, traffic, contract_of)
    before, after = known("2024.8.1"), known(RELEASES[version])
    assert all(reason.endswith(LEFT_OUT) for reason in result.left_out), result.left_out
    called = {(name, way) for name, ones in responses(traffic).items() if name in before for way in ones}
    gone = {
        (name, way)
        for name, way in called
        if name in after and at(before[name][0], way) and not at(after[name][0], way)
    }
    outermost = {(name, way) for name, way in gone if (name, way.rpartition(".")[0].removesuffix("[]")) not in gone}
    found = {kind: {(one.operation, one.property) for one in result.effects if one.kind is kind} for kind in Kind}
    assert {one for one in found[Kind.GONE] if one[0] in before} == outermost
    assert {name for name, way in found[Kind.REFUSED] if not way} == {name for name, _ in called if name not in after}
    # Whatever else is named is described in another way by the release.
    for name, way in found[Kind.UNKNOWN]:
        assert name not in before or at(before[name][0], way) != at(after[name][0], way), (name, way)
    for name, way in found[Kind.IGNORED] | {one for one in found[Kind.REFUSED] if one[1]}:
        assert name not in before or at(before[name][1], way) != at(after[name][1], way), (name, way)
    assert bool(result.broken) == (version not in BREAK_NOTHING)


def responses(traffic):
    """The ways to all properties in successful responses, by operation."""
    found, validator = {}, TrafficValidator(contract_of("2024.8"))
    for exchange in traffic:
        if exchange.status < 400:
            ones = found.setdefault(validator.operation(exchange).name, set())
            ones.update(("", *ways(exchange.response)))
    return found
