"""The boot checks. Every finding has file, line, column and remedy."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.contract.checks.collections import check_collections
from app.contract.checks.details import check_details
from app.contract.checks.discriminators import check_discriminators
from app.contract.checks.document import check_references, check_specification, check_structure
from app.contract.checks.drafts import Draft
from app.contract.checks.extensions import check_extensions
from app.contract.checks.generated_values import Samples
from app.contract.checks.handlers import check_handlers
from app.contract.checks.keywords import check_keywords
from app.contract.checks.links import check_links
from app.contract.checks.models import check_models
from app.contract.checks.operations import check_operations
from app.contract.checks.parts import Parts
from app.contract.checks.servers import check_servers
from app.contract.checks.values import check_values
from app.contract.document.contract import Contract
from app.contract.document.findings import ContractError, Finding, once
from app.domain import Capabilities

__all__ = ["Draft", "Implementation", "Samples", "load"]


@dataclass(frozen=True)
class Implementation:
    """The code that implements the contract.

    :param handlers: the handler functions by name, for a contract with valid models
    :param capabilities: the store's capabilities for a model or collection, for a contract with valid models
    :param samples: samples of generated responses, for a contract with valid models
    :param examples: whether an operation without a handler responds with its examples
    """

    handlers: Callable[[Contract], Mapping[str, Callable[..., Any]]]
    capabilities: Callable[[Contract], Callable[[str], Capabilities]]
    samples: Callable[[Contract], Samples] = lambda _: Samples()
    examples: bool = False


def load(
    path: Path,
    implementation: Implementation,
    name: str | None = None,
    *,
    version: str | None = None,
    thorough: bool = False,
    draft: Draft | None = None,
) -> Contract:
    """Read a contract and check it.

    :param path: the YAML file
    :param implementation: the implementation to check it against
    :param name: the name of the file in messages; its path by default
    :param version: the name of the version; None for that of the root
    :param thorough: whether to include the check that is too slow for each start
    :param draft: results of earlier checks, if the contract is being edited
    :raises UnknownVersion: there is no such version
    :raises ContractError: it can't be served; the exception has all findings
    """
    draft = draft or Draft()
    contract = draft.read(path, name, version)
    # Evaluated once the document is known to be valid OpenAPI.
    parts = cache(lambda: draft.parts_of(contract))
    findings = once(
        _check(contract, parts, lambda: draft.paths_of(contract, parts()), implementation, thorough=thorough)
    )
    if findings:
        raise ContractError(findings)
    draft.found_right(contract, parts())
    return contract


def _check(
    contract: Contract,
    parts: Callable[[], Parts],
    paths: Callable[[], Set[str]],
    implementation: Implementation,
    *,
    thorough: bool,
) -> Iterator[Finding]:
    """The findings of the first stage with findings.

    :param parts: the parts of the contract, which must be valid OpenAPI by then
    :param paths: the paths whose operations have to be checked against their handlers; the models must be valid by then
    """
    stages: list[Callable[[], Iterable[Finding]]] = [
        lambda: check_references(contract),
        lambda: check_structure(contract),
        lambda: check_extensions(contract, parts().new),
        lambda: (
            *check_keywords(contract, parts().all),
            *check_discriminators(contract, parts().all),
            *check_models(contract, parts().all),
            *check_collections(contract),
        ),
        lambda: (*check_servers(contract), *check_operations(contract, parts().paths)),
        lambda: (
            *check_links(contract),
            *check_values(contract, parts()),
            *check_details(contract, parts().all),
        ),
        lambda: check_handlers(
            contract,
            paths(),
            implementation.handlers(contract),
            implementation.capabilities(contract),
            implementation.samples(contract),
            examples=implementation.examples,
        ),
        *([lambda: check_specification(contract)] if thorough else []),
    ]
    for stage in stages:
        found = list(stage())
        yield from found
        if found:
            return
