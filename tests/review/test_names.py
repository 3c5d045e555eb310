"""Names of findings: each tells its change in full, so that a waiver never lets another one through."""

import itertools

import pytest

from app.review.reviewing import review
from tests.review.changes import both

LONG = "a value of a hundred letters or so, which is cut off where people read it, before it says what differs: "
NOTE = "          default: ''\n"
SHAPE = "          x-ignored: true\n        shape:\n          oneOf:\n"
SEARCH = "        - name: search\n"

PAIRS = {
    "values that are long": [(NOTE, f"{NOTE}          x-any: '{LONG}{letter}'\n") for letter in "ab"],
    "other values of an object": [
        (NOTE, f"{NOTE}          xml: {{name: {'a' * 90}, {key}: true}}\n") for key in ("attribute", "wrapped")
    ],
    "values that are listed": [(NOTE, f"{NOTE}          enum: ['', {value}]\n") for value in "ab"],
    "rules that are new": [(NOTE, f"{NOTE}          not: {{maxLength: {number}}}\n") for number in (1, 2)],
    "alternatives that are new": [(SHAPE, f"{SHAPE}            - type: {kind}\n") for kind in ("string", "boolean")],
    "parameters that are new": [
        (SEARCH, f"        - {{name: a, in: query, required: true, schema: {{type: {kind}}}}}\n{SEARCH}")
        for kind in ("string", "integer")
    ],
    "parameters of one name": [
        (SEARCH, f"        - {{name: {name}, in: header, schema: {{type: {kind}}}}}\n{SEARCH}")
        for name, kind in (("search", "string"), ("find", "string"))
    ],
    "callbacks": [
        (
            "      operationId: things_create\n",
            (
                "      operationId: things_create\n"
                f"      callbacks: {{a: {{'{{$url}}': {{post: {{responses: {{'{code}': {{description: It.}}}}}}}}}}}}\n"
            ),
        )
        for code in ("200", "204")
    ],
    "bodies": [
        (
            "      deprecated: true\n",
            f"      deprecated: true\n      requestBody: {{required: true, content: {{text/plain: {{x-{kind}: 1}}}}}}\n",
        )
        for kind in "ab"
    ],
    "words": [("description: A thing.", f"description: {words}.") for words in ("It", "That")],
    "examples": [("                name: ball\n", f"                name: {name}\n") for name in ("box", "cube")],
    "further members": [
        ("additionalProperties: true", f"additionalProperties: {{type: {kind}}}") for kind in ("string", "integer")
    ],
    "members of an object that had no others": [
        (
            "        radius:\n          type: number\n",
            f"        radius:\n          type: number\n        a: {{type: {kind}}}\n",
        )
        for kind in ("string", "integer")
    ],
    "links": [
        (
            "        '200': &thing\n          description: The thing.\n",
            f"        '200': &thing\n          description: The thing.\n          links: {{a: {{operationId: {name}}}}}\n",
        )
        for name in ("things_destroy", "things_list")
    ],
    "credentials": [("      scheme: bearer\n", f"      scheme: {scheme}\n") for scheme in ("basic", "digest")],
}


def names(edit, folder, base=()):
    return {finding.name for finding in review(*both({"edit": [edit], "base": [*base]}, folder / "new"))}


@pytest.mark.parametrize("kind", PAIRS)
def test_two_changes_of_a_kind_have_different_names(kind, tmp_path):
    first, second = (names(edit, tmp_path / str(index)) for index, edit in enumerate(PAIRS[kind]))
    assert first
    assert second
    assert not first & second


PLACES = {
    "alternatives without a name": (
        [
            [
                "        rank:\n          type: integer\n",
                "        rank:\n          oneOf:\n            - {type: string}\n            - {type: integer}\n",
            ]
        ],
        [
            ("{type: string}\n            - {type: integer}", f"{one}\n            - {other}")
            for one, other in (
                ("{type: string, x-a: 1}", "{type: integer}"),
                ("{type: string}", "{type: integer, x-a: 1}"),
            )
        ],
    ),
    "parameters of one name": (
        [[SEARCH, f"        - {{name: search, in: header, schema: {{type: string}}}}\n{SEARCH}"]],
        [
            ("in: header, schema: {type: string}", "in: header, schema: {type: string, x-a: 1}"),
            (
                "            type: string\n          example: red\n",
                "            type: string\n            x-a: 1\n          example: red\n",
            ),
        ],
    ),
    "media types": (
        [
            [
                "        required: true\n        content:\n          application/json:",
                (
                    "        required: true\n        content:\n"
                    "          text/csv: {schema: {type: string}}\n          application/json:"
                ),
            ]
        ],
        [
            ("text/csv: {schema: {type: string}}", "text/csv: {x-a: 1, schema: {type: string}}"),
            (
                "text/csv: {schema: {type: string}}\n          application/json:\n",
                "text/csv: {schema: {type: string}}\n          application/json:\n            x-a: 1\n",
            ),
        ],
    ),
    "tags": (
        [["  - name: things\n", "  - name: trees\n    description: All about trees.\n  - name: things\n"]],
        [("All about trees.", "It."), ("All about things.", "It.")],
    ),
    "a schema and an answer of one name": (
        [
            ["    Round:\n", "    Refused: {type: object}\n    Round:\n"],
            [
                "            - $ref: '#/components/schemas/Square'\n      required:\n",
                "            - $ref: '#/components/schemas/Square'\n      required:\n",
            ],
        ],
        [
            ("    Refused: {type: object}", "    Refused: {type: object, x-a: 1}"),
            (
                "    Refused:\n      description: Why not.\n",
                "    Refused:\n      x-a: 1\n      description: Why not.\n",
            ),
        ],
    ),
    "a rule and its opposite": (
        [[NOTE, f"{NOTE}          not: {{pattern: x}}\n"]],
        [("not: {pattern: x}", "not: {pattern: x, x-a: 1}"), (NOTE, f"{NOTE}          x-a: 1\n")],
    ),
}


@pytest.mark.parametrize("kind", PLACES)
def test_one_change_at_two_places_has_different_names(kind, tmp_path):
    base, edits = PLACES[kind]
    found = [names(edit, tmp_path / str(index), base) for index, edit in enumerate(edits)]
    assert all(found)
    for one, other in itertools.combinations(found, 2):
        assert not one & other
