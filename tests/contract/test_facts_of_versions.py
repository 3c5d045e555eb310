"""Each version says what the document of its release says of the operations that are served, but for what is excused."""

import pytest

from app.contract.document.versions import overlays
from app.settings import Settings
from tests.contract.facts import FACTS, Comparison, excuses, facts_of
from tests.contract_files import contract_of

ROOT = Settings().contract
ALLOWED = {name: excuses(ROOT.parent / f"authentik-{name}.allow") for name in ("flows", "versions")}
OF_VERSIONS = ("/flows/", "/stages/", "/policies/")
# Operations that no version serves yet.
NOT_SERVED: set[str] = set()


@pytest.fixture(scope="module")
def differences():
    """The differences of each version, with the operationIds that only one side has."""
    found = {}
    for overlay in overlays(ROOT):
        contract, facts = contract_of(overlay.version), facts_of(overlay.release)
        comparison = Comparison(facts, contract)
        operations = {
            operation["operationId"]: (path, method)
            for _, path, method, operation in contract.operations()
            if path.startswith(OF_VERSIONS)
        }
        whole = {name for name, fact in facts["operations"].items() if fact.get("detail", "full") == "full"}
        compared = [
            difference
            for name in sorted(operations.keys() & whole)
            for difference in comparison.operation(facts["operations"][name], *operations[name])
        ]
        found[overlay.version] = compared, operations.keys() - facts["operations"].keys(), whole - operations.keys()
    return found


@pytest.mark.parametrize("version", [overlay.version for overlay in overlays(ROOT)])
def test_a_version_differs_from_its_release_only_where_it_is_excused(differences, version):
    compared, added, _ = differences[version]
    allowed = [*ALLOWED["flows"], *ALLOWED["versions"]]
    assert [one for one in compared if not any(excuse.covers(one) for excuse in allowed)] == []
    assert added == set()


def test_a_version_serves_each_operation_that_its_release_brought(differences):
    known = {fact["operationId"] for facts in FACTS for fact in facts["operations"]}
    lacking = {name for _, _, missing in differences.values() for name in missing if name not in known}
    assert lacking == NOT_SERVED


def test_each_excuse_of_the_versions_is_needed(differences):
    compared = [one for found, _, _ in differences.values() for one in found]
    assert [excuse for excuse in ALLOWED["versions"] if not any(map(excuse.covers, compared))] == []
