"""`docs/blueprints.md` says what blueprints may contain: its tables are compared with the code and the contract."""

import json
import re
from pathlib import Path

from app.blueprints import reading, releases, tags
from app.cli.importing import command
from app.contract.compile.models import collections, models

PAGE = (Path(__file__).parents[2] / "docs" / "blueprints.md").read_text("utf-8")
FACTS = json.loads(Path(releases.__file__).with_name("releases.json").read_text("utf-8"))


def section(title):
    """The text below a heading."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title):
    """The cells of the rows of a table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def codes(text):
    return re.findall(r"`([^`]+)`", text)


def test_each_model_of_authentiks_flows_is_listed_as_served_or_not(contract):
    """If it fails after a change of the contract: the rows that the message shows are those of the table."""
    served = {name: model for name, model in models(contract).items() if not model.read_only}
    of_flows = re.compile(r"authentik_(flows|policies|stages)(_\w+)?\.")
    known = {name for name in FACTS["models"] if of_flows.match(name)} | served.keys()
    expected = []
    for name in sorted(known):
        about = releases.about_model(name)
        since = re.search(r"from ([\d.]+) on", about)
        expected.append([f"`{name}`", "yes" if name in served else "no", since[1] if since else ""])
    assert rows("Models") == expected, "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in expected)


def test_the_base_models_are_listed(contract):
    known = models(contract)
    bases = {collections(contract)[model.collection].model for model in known.values()} - known.keys()
    assert bases
    assert {name for name in bases if f"`{name}`" in section("Models")} == bases


def test_each_tag_is_listed():
    assert {code.split()[0] for row in rows("Tags") for code in codes(row[0]) if code[0] == "!"} == tags.TAGS.keys()


def test_each_mode_of_a_condition_is_listed():
    (row,) = [row for row in rows("Tags") if row[0].startswith("`!Condition")]
    assert set(codes(row[1])) == tags.MODES.keys()


def test_each_key_and_state_of_an_entry_is_listed():
    assert {codes(row[0])[0] for row in rows("Entries")} == reading.KEYS_OF_AN_ENTRY
    (row,) = [row for row in rows("Entries") if row[0] == "`state`"]
    assert set(codes(row[1])) == {*reading.STATES}


def test_each_option_of_the_command_is_explained():
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert {option for option in options if f"`{option}" in PAGE} == options


def test_the_facts_are_about_what_the_contract_does_not_have(contract):
    served = {name: model for name, model in models(contract).items() if not model.read_only}
    assert {"authentik_core.group", *served} <= FACTS["models"].keys()
    for name, properties in FACTS["properties"].items():
        assert not properties.keys() & {*served[name].properties} if name in served else True
    for name, properties in FACTS["values"].items():
        for property_name, values in properties.items():
            for value in values if name in served else ():
                assert releases.about_value(name, property_name, value).startswith("authentik knows it from 20")
                assert property_name in served[name].properties
