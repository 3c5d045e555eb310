"""The labelled changes: two contracts for each, and what is to be found.

`python -m tests.review.changes > tests/review/sentences.txt` writes anew what is said of each.
"""

import functools
import shutil
import tempfile
from pathlib import Path

import yaml

from app.contract.document.bundling import read
from app.review.formats import as_text
from app.review.grouping import grouped
from app.review.report import Report
from app.review.reviewing import review
from app.review.waivers import Waived

FOLDER = Path(__file__).parent
CONTRACT = FOLDER / "contract" / "things.yaml"
CHANGES = yaml.safe_load((FOLDER / "changes.yaml").read_text("utf-8"))
SIDES = {"calls": "CALL", "requests": "REQUEST", "answers": "ANSWER"}


def changed(change, folder):
    """The contract with a change in it, in a folder that is not there yet."""
    return edited(change, [*change.get("base", ()), *change["edit"]], folder)


def edited(change, edits, folder):
    """The contract with edits in it, in a folder that is not there yet."""
    shutil.copytree(CONTRACT.parent, folder)
    for old, new in edits:
        replace(folder / change.get("file", CONTRACT.name), old, new)
    return folder / CONTRACT.name


def before(change, folder):
    """The folder of the contract as it is before a change."""
    if "base" not in change:
        return CONTRACT.parent
    if not (old := folder.with_name("old")).exists():
        edited(change, change["base"], old)
    return old


def replace(path, old, new):
    """Replace a text that stands once in a file."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    path.write_text(text.replace(old, new), "utf-8")


@functools.cache
def unchanged():
    """The contract as it is."""
    return read(CONTRACT, "old.yaml")


def both(change, folder):
    """The contract before a change, and with it."""
    old = read(before(change, folder) / CONTRACT.name, "old.yaml") if "base" in change else unchanged()
    return old, read(changed(change, folder), "new.yaml")


def place(marked, path, name):
    """File, line and column of a text that stands once in a file: of its ¶ if it has one."""
    text, before = marked.replace("¶", ""), marked.partition("¶")[0] if "¶" in marked else ""
    content = path.read_text("utf-8")
    assert content.count(text) == 1, f"{text!r} stands {content.count(text)} times"
    until = content[: content.index(text) + len(before)]
    return name, until.count("\n") + 1, len(until) - until.rfind("\n")


def labelled(change, folder):
    """What is to be found of a change: rating, place, and the operations by side and whether they break."""
    name = change.get("file", CONTRACT.name)
    shown = {which: name if "/" in name else f"{which}.yaml" for which in ("old", "new")}
    return sorted(
        (
            label["rating"],
            place(label["at"], folder / name, shown["new"]),
            place(label["gone"], before(change, folder) / name, shown["old"]) if "gone" in label else (),
            *(uses(label.get(key, {})) for key in ("breaks", "touches")),
        )
        for label in change["finds"]
    )


def uses(named):
    return sorted((SIDES[side], sorted(names.split())) for side, names in named.items())


def found(finding):
    """A finding in the form of its label."""
    places = (
        (location.file, location.line, location.column) if location is not None else ()
        for location in (finding.location, finding.was)
    )
    breaking, others = (
        sorted(
            (use.side.name, sorted(use.operations))
            for use in finding.uses
            if use.operations and (str(use.rating) == "breaking") is breaks
        )
        for breaks in (True, False)
    )
    return str(finding.rating), *places, breaking, others


def said(change, findings):
    """What is said of a change, under its name."""
    return f"# {change['name']}\n{as_text(Report('old.yaml', findings, Waived({}, ()), None))}"


if __name__ == "__main__":
    for change in CHANGES:
        with tempfile.TemporaryDirectory() as temporary:
            print(said(change, grouped(review(*both(change, Path(temporary) / "new")))))
