"""The contract with one part changed by chance: whoever recorded traffic shows to be broken is named by a finding."""

import copy
import random
from pathlib import Path

import pytest

from app.contract.document.contract import Contract, File
from app.contract.document.findings import ContractError
from app.review.base import usable
from app.review.evidence import rate
from app.review.reviewing import review
from app.review.traffic import read_traffic

CASES = Path(__file__).parents[1] / "oracle" / "cases.jsonl"


@pytest.fixture(scope="module")
def traffic():
    """Recorded requests that were taken, a few of each operation and kind."""
    kept = {}
    for exchange in read_traffic(CASES):
        if exchange.status < 400:
            kept.setdefault((exchange.method, exchange.path[:30], bool(exchange.query)), []).append(exchange)
    return [exchange for exchanges in kept.values() for exchange in exchanges[:12]]


def places(node, path=()):
    """The parts of a contract that say something: objects and lists, without words and examples."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            if key not in ("description", "summary", "example", "examples", "links", "x-permissions"):
                yield from places(value, (*path, key))
    elif isinstance(node, list):
        yield path, node
        for index, value in enumerate(node):
            yield from places(value, (*path, index))


def mutate(chance, document):
    """Change one part of a document. :returns: what was done, for the message of a test that fails"""
    flows = [(path, node) for path, node in places(document) if node and any("low" in str(key) for key in path)]
    path, node = chance.choice(flows)
    key = chance.choice(sorted(node)) if isinstance(node, dict) else chance.randrange(len(node))
    value = node[key]
    if isinstance(value, bool) and chance.random() < 0.8:
        node[key] = not value
    elif isinstance(value, int) and chance.random() < 0.8:
        node[key] = chance.choice([0, 1, 5, value + 1, value * 2])
    elif isinstance(value, str) and chance.random() < 0.7 and key in OTHERS:
        node[key] = chance.choice(OTHERS[key])
    elif isinstance(node, dict) and "type" in node and chance.random() < 0.5:
        node.update([chance.choice(sorted(ADDED.items(), key=str))])
    else:
        del node[key]
    return f"{path} {key}: {value!r:.100}"


OTHERS = {
    "type": ["string", "integer", "number", "boolean", "object"],
    "format": ["uuid", "uri", "email"],
    "pattern": ["^a", "^[a-z]+$"],
}
ADDED = {
    "minLength": 5,
    "maxLength": 5,
    "pattern": "^[a-m]",
    "enum": ["a", "any", "stacked", 0, 1],
    "readOnly": True,
    "writeOnly": True,
    "additionalProperties": False,
    "minimum": 1,
    "maximum": 1,
    "maxItems": 1,
    "required": ["name", "slug"],
    "not": {"type": "string"},
}


@pytest.mark.parametrize("seed", range(2))
def test_mutations(seed, contract, traffic):
    chance = random.Random(seed)
    seen = 0
    for _ in range(6):
        document = copy.deepcopy(contract.document)
        done = mutate(chance, document)
        try:
            changed = usable(Contract((File(None, "new.yaml", b"", document, dict),), document, {}))
            evidence = rate(contract, changed, traffic)
        except (ContractError, ValueError):
            # No contract any more.
            continue
        findings = review(contract, changed)
        seen += 1
        broken = {name for finding in findings if str(finding.rating) == "breaking" for name in finding.operations}
        touched = {name for finding in findings for name in finding.operations}
        for harm in (*evidence.refused, *evidence.ignored):
            assert harm.operation in broken, f"{done}: {harm}"
        for harm in evidence.broken:
            assert harm.operation in (broken if harm.why.endswith("be gone") else touched), f"{done}: {harm}"
    assert seen
