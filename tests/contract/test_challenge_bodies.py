"""Bodies that are read by the alternative that the handler chooses (`x-challenges`), as the boot checks them."""

import re

import pytest

from app.contract.document.findings import ContractError
from tests.contract_files import loaded

EXAMPLE = "component: ak-stage-identification\n              uid_field: jane"


def without_discriminator(path):
    """Remove the names of the alternatives of the body."""
    file = path.parent / "flows" / "executor.yaml"
    text, removed = re.subn(
        r"(  FlowChallengeResponseRequest:\n(?:    .*\n)*?)    discriminator:\n(?:      .*\n)+",
        r"\1",
        file.read_text("utf-8"),
    )
    assert removed == 1
    file.write_text(text, "utf-8")


def findings(tmp_path, *replacements, **edit):
    with pytest.raises(ContractError) as error:
        loaded(tmp_path / "openapi", *replacements, **edit)
    return [str(finding) for finding in error.value.findings]


@pytest.mark.parametrize("example", ["component: ak-nothing", "uid_field: jane"])
def test_an_example_that_names_no_alternative_is_a_finding(tmp_path, example):
    (found,) = findings(tmp_path, (EXAMPLE, example))
    assert found.endswith("The example names no alternative of the body. Name one.")


def test_a_body_without_names_for_its_alternatives_is_a_finding(tmp_path):
    assert any("it has no names for them" in found for found in findings(tmp_path, edit=without_discriminator))
