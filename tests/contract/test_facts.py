"""The contract says what authentik 2024.8.1's own document says of the operations that are served, but for what is excused."""

from app.contract.validation.schemas import schema_properties
from tests.contract.facts import FACTS, FOLDER, Comparison, excuses

ALLOW = FOLDER.parents[1] / "openapi" / "authentik-flows.allow"


def test_every_difference_is_excused_and_every_excuse_is_needed(contract):
    known = {
        fact["operationId"]: (fact, Comparison(facts, contract))
        for facts in FACTS
        for fact in facts["operations"]
        if fact["detail"] == "full"
    }
    allowed, used, found = excuses(ALLOW), set(), []
    for _, path, method, operation in contract.operations():
        fact, comparison = known[operation["operationId"]]
        for difference in comparison.operation(fact, path, method):
            covering = [excuse for excuse in allowed if excuse.covers(difference)]
            used.update(covering)
            if not covering:
                found.append(difference)
    assert found == []
    assert [excuse for excuse in allowed if excuse not in used] == []


def test_credentials_are_sent_as_to_authentik(contract):
    schemes = contract.document["components"]["securitySchemes"]
    for facts in FACTS:
        for name, scheme in facts["securitySchemes"].items():
            assert scheme.items() <= schemes[name].items()


def test_members_stand_in_authentiks_order_and_none_is_added(contract):
    schemas = contract.document["components"]["schemas"]
    for facts in FACTS:
        for name, fact in facts["schemas"].items():
            if name in schemas and "properties" in fact:
                assert list(schema_properties(contract, schemas[name])) == list(fact["properties"]), name
