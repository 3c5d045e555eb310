"""Servers with a fault planted: each is caught by at least one of the proofs."""

from dataclasses import replace

import jsonschema_rs
import pytest

from app import handlers
from app.application import create_app, handlers_of, load_contract, open_store
from app.conformance.raw_http import RawClient
from app.conformance.replay import Recording, Replay, SetupError, by_state, read_differences
from app.contract.request import body
from app.contract.request import query as parameters
from app.contract.response import responses
from app.contract.serve import plan_runner
from app.contract.validation import messages, schemas
from app.domain import StoredObject
from app.handlers import _crud
from app.settings import Settings
from app.store.collections import flows as store_flows
from app.store.collections import tokens as store_tokens
from app.store.collections.identity import new_uuid
from app.store.queries.listing import PageRequest
from tests.contract.test_permissions import OPERATIONS, REQUIRED
from tests.contract_files import shipped
from tests.fuzz.campaign import fuzz
from tests.oracle.conftest import FOLDER, TOKENS
from tests.serving import served

MUTANTS = {}


def mutant(function):
    MUTANTS[function.__name__] = function
    return function


def wrap(patch, owner, name, around):
    """Replace a function by one that gets the original first."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda *arguments, **named: around(original, *arguments, **named))


@mutant
def wrong_status(patch):
    wrap(
        patch, plan_runner.PlanRunner, "_handle",
        lambda original, *a: response._replace(status=200) if (response := original(*a)).status == 201 else response,
    )  # fmt: skip


@mutant
def missing_member(patch):
    original = handlers_of(shipped())["flows_instances_retrieve"]

    def mutated(store, key, filters, search):
        row, represent = original(store, key, filters, search)
        return StoredObject(row, lambda row: {k: v for k, v in represent(row).items() if k != "layout"})

    served_by = handlers.discover() | {"flows_instances_retrieve": mutated}
    patch.setattr(handlers, "discover", lambda: served_by)


@mutant
def next_page_off_by_one(patch):
    def page_of(original, results, count, page, size):
        response = original(results, count + size, page, size)
        return response | {"pagination": response["pagination"] | {"count": count}}

    wrap(patch, _crud, "page_of", page_of)


@mutant
def page_cut_off_by_one(patch):
    def page(original, self, request):
        found = original(self, request)
        return replace(found, rows=found.rows[1:] if request.page > 1 else found.rows)

    wrap(patch, store_flows.Flows, "page", page)


@mutant
def unvalidated_enum(patch):
    wrap(
        patch,
        schemas.SchemaReader,
        "validator",
        lambda original, self, schema: jsonschema_rs.Draft4Validator(without_enum(self.json_schema(schema))),
    )


def without_enum(schema):
    if isinstance(schema, dict):
        return {key: without_enum(value) for key, value in schema.items() if key != "enum"}
    return [without_enum(value) for value in schema] if isinstance(schema, list) else schema


@mutant
def leaked_500(patch):
    def get(original, self, *arguments, **named):
        try:
            return original(self, *arguments, **named)
        except Exception as error:
            raise RuntimeError from error

    wrap(patch, store_flows.Flows, "get", get)


@mutant
def case_folded_slug(patch):
    wrap(patch, store_flows.Flows, "getting", lambda original, self, slug, *a: original(self, slug.lower(), *a))


@mutant
def put_resets_what_is_left_out(patch):
    original = handlers_of(shipped())["flows_instances_update"]

    def mutated(store, key, body, filters, search):
        return original(store, key, {"compatibility_mode": False, "layout": "stacked", **body}, filters, search)

    served_by = handlers.discover() | {"flows_instances_update": mutated}
    patch.setattr(handlers, "discover", lambda: served_by)


@mutant
def search_takes_any_word(patch):
    wrap(
        patch,
        store_flows.Flows,
        "page",
        lambda original, self, request: original(self, request._replace(search=request.search[:1])),
    )


@mutant
def permissions_are_not_asked(patch):
    patch.setattr(plan_runner, "allows", lambda *_: True)


@mutant
def white_space_is_kept(patch):
    wrap(
        patch,
        body.BodyReader,
        "read",
        lambda original, self, *a: setattr(self, "_trimmed", frozenset()) or original(self, *a),
    )


@mutant
def revoked_and_expired_tokens_are_taken(patch):
    patch.setattr(store_tokens.Token, "valid_at", lambda *_: True)


@mutant
def one_message_at_a_time(patch):
    wrap(patch, messages.ErrorFormatter, "explain", lambda original, *a: dict(list(original(*a).items())[:1]))


@mutant
def allow_lacks_a_method(patch):
    wrap(patch, responses, "allowed_methods", lambda original, methods: original(methods)[1:])


@mutant
def downwards_is_upwards(patch):
    wrap(patch, parameters, "SortKey", lambda original, property_name, _descending: original(property_name, False))


@mutant
def filters_are_forgotten(patch):
    wrap(patch, store_flows.Flows, "page", lambda original, self, request: original(self, request._replace(filters={})))


def by_recorded_answers(url, store):
    """The first recorded case that is answered otherwise and not excused."""
    differences = read_differences(FOLDER / "differences.yaml")
    recording = Recording.read(FOLDER)
    replay = Replay(RawClient(url), recording, {token: token for token in TOKENS}, lambda: empty(store))
    for case in by_state(recording.cases):
        try:
            problems = replay.run(case)
        except SetupError:
            problems = ["can't be made"]
        if problems and not any(difference.covers(case["id"]) for difference in differences):
            return f"{case['id']}: {problems[0]}"
    return ""


def by_permissions(url, store):
    """The first operation that a token without its permissions, or one that is not valid any more, may call."""
    for token in ("oracle-noperm-token", "oracle-expired-token", "oracle-inactive-token"):
        for name, operation in OPERATIONS.items():
            target = operation.path_to({"slug": "welcome", "pk": new_uuid()})
            response = RawClient(url).send(operation.method, target, [("Authorization", f"Bearer {token}")])
            if REQUIRED[name] and response.status != 403:
                return f"{name} with {token}: {response.status}"
    return ""


def by_fuzzing(url, store, reports):
    """What Schemathesis finds."""
    code, output = fuzz(url, "oracle-admin-token", reports, "--cases", "1")
    return output if code else ""


def empty(store):
    for flow in store.flows.page(PageRequest({}, (), (), 1, 10_000)).rows:
        store_flows.Flows.remove(store.flows, flow.slug)
    for collection in ("stages", "policies", "prompts"):
        for row in store.objects.page(collection, PageRequest({}, (), (), 1, 10_000)).rows:
            store.objects.remove(collection, row.pk)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where the contract is found that has been checked once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def proofs(tmp_path, cache):
    """Runs the proofs on a server with a fault, the quickest first. Gives the name of the first that finds something."""

    def run(plant, *, fuzzing=True):
        chosen = Settings(database_url=f"sqlite:///{tmp_path}/flows.sqlite3", token_cache=0.0)
        # Servers of one contract share what is made of it once: nothing made without the fault may serve here.
        contract = load_contract(chosen, cache=cache)
        store = open_store(chosen, contract)
        store.migrate()
        for secret, may in TOKENS.items():
            store.tokens.add(secret, secret=secret, **may)
        store.tokens.change("oracle-inactive-token", active=False)
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            app = create_app(chosen, contract=contract, store=store, served_by=handlers.discover())
            with served(app) as url:
                if by_recorded_answers(url, store):
                    return "recorded answers"
                if by_permissions(url, store):
                    return "permissions"
                return "fuzzing" if fuzzing and by_fuzzing(url, store, tmp_path) else ""

    return run


def test_there_are_enough_mutants():
    assert len(MUTANTS) >= 12


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_fault_is_caught(name, proofs, record_property):
    caught_by = proofs(MUTANTS[name])
    record_property("caught by", caught_by)
    assert caught_by, f"no proof catches {name}"


def test_a_server_without_a_fault_passes_them_all(proofs):
    # That fuzzing finds nothing in it is what tests/fuzz/test_schemathesis.py shows.
    assert proofs(lambda patch: None, fuzzing=False) == ""
