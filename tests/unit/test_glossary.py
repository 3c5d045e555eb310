"""Words that the project has given up for a standard term do not come back. `docs/glossary.md` has the terms."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
PAGES = [
    *(ROOT / f"{name}.md" for name in ("CONTRIBUTING", "README", "SECURITY")),
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if path != GLOSSARY),
]

# Words that are in no identifier, docstring or document any more, with what to say instead. The list is meant to grow.
RETIRED = {
    "ambient": "determinism",
    "explainer": "error formatter",
    "howmanieth": "number",
    "lane": "connection of a pipeline",
    "mend": "correct",
    "mistake": "error, finding",
    "networked": "PostgreSQL",
    "recall": "get",
    "remember": "cache",
    "stranger": "unauthenticated client",
    "turnstile": "write queue",
    "unlocked": "wait for the lock",
    "weigh": "rate",
    "weighed": "rated",
    "whoever": "the noun",
}

# Words that the prose of the documents does not use, with what to say instead. The list is meant to grow.
RETIRED_IN_PROSE = {
    "anew": "again",
    "answer": "response",
    "answered": "gets, returns",
    "member": "property",
    "refusal": "error response",
    "refused": "rejected",
    "whoever": "the client, the caller",
}

# Modules and packages of `app` that are gone, with what has taken their place. The list is meant to grow.
RETIRED_MODULES = {
    "allowed": "blueprint_options",
    "ambient": "determinism",
    "circles": "cycles",
    "embedded": "sqlite",
    "frames": "code_frames",
    "framework": "connexion",
    "graph": "dependencies",
    "lanes": "pipelined_connections",
    "live": "dev",
    "machine": "host_access",
    "made": "generated_values",
    "memory": "response_cache",
    "networked": "postgresql",
    "proofs": "conformance",
    "remembered": "row_cache",
    "sentences": "wording",
    "serving": "plan_runner",
    "several": "import_order",
    "shapes": "representations",
    "subjects": "display_names",
    "surviving": "nearest_location",
    "turnstile": "write_queue",
    "units": "unit_of_work",
    "unlocked": "optimistic",
    "writing": "writer",
}


def words_of(text):
    """The words of a text or identifier, in lower case: `LockQueue` has two, `lock_queue` as well."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    return re.findall(r"[a-z]+", parted.lower())


def identifiers(tree):
    """The names that a module defines, and its docstrings."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            # Docstrings of modules, classes, functions and attributes alike.
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                yield statement.lineno, str(statement.value.value)


def texts():
    """All texts with their places."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        place = path.relative_to(ROOT)
        yield f"{place}", " ".join(place.with_suffix("").parts)
        for line, text in identifiers(ast.parse(path.read_text("utf-8"))):
            yield f"{place}:{line}", text
    for path in sorted((ROOT / "docs").rglob("*.md")):
        if path != GLOSSARY:
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                yield f"{path.relative_to(ROOT)}:{number}", line


def retired(text):
    """The retired words of a text."""
    return {word for word in words_of(text) if word in RETIRED or word.removesuffix("s") in RETIRED}


def test_no_retired_word_is_used():
    found = [f"{place}: `{word}`" for place, text in texts() for word in retired(text)]
    assert found == [], RETIRED


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_prose_of_a_page_uses_the_terms_of_the_glossary(page):
    # Code, generated tables and the settings, which the code describes, are not prose.
    prose = re.sub(
        r"(?ms)^ *```.*?^ *```$|^<!-- ([\w ]+) -->$.*?^<!-- /\1 -->$|`[^`]*`|^\| `FLOWS_.*?$",
        "",
        page.read_text("utf-8"),
    )
    words = {word.removesuffix("s") for word in words_of(prose)} | {*words_of(prose)}
    assert words & RETIRED_IN_PROSE.keys() == set(), RETIRED_IN_PROSE


def test_no_retired_module_is_back():
    paths = [path.relative_to(ROOT) for path in (ROOT / "app").rglob("*") if path.suffix == ".py" or path.is_dir()]
    assert [str(path) for path in paths if path.stem in RETIRED_MODULES] == [], RETIRED_MODULES
    assert {path.stem for path in paths} >= {*RETIRED_MODULES.values()}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('"""The ambient clock."""', {"ambient"}),
        ("def mend_it(): ...", {"mend"}),
        ("class AmbientClock:\n    pass", {"ambient"}),
        ("def f(*, ambient=1): ...", {"ambient"}),
        ("self.ambient = 1", {"ambient"}),
        ('A = 1\n"""Strangers."""', {"strangers"}),
        ("mended = recommended = amend = 1", set()),
        ("# The ambient clock.", set()),
    ],
)
def test_retired_words_are_found_in_names_and_docstrings(code, found):
    assert set().union(*(retired(text) for _, text in identifiers(ast.parse(code)))) == found


def test_the_glossary_is_in_order_and_has_each_term_once():
    terms = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", GLOSSARY.read_text("utf-8"), re.MULTILINE)[1:]
    assert len(terms) > 50
    assert [term.lower() for term in terms] == sorted({term.lower() for term in terms})
