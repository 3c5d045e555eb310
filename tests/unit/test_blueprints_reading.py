"""Blueprints as text: what is read, what is refused, and where."""

import contextlib
from functools import partial

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.blueprints import document
from app.blueprints.findings import BlueprintError
from app.blueprints.host_access import HostAccess
from app.blueprints.reading import read
from app.blueprints.tags import Resolver, objection

NOTHING = HostAccess()


def refusing(host=NOTHING):
    return partial(objection, host=host)


def plain(text, context=b"{}", host=NOTHING):
    """The plain data that a text stands for."""
    values = document.parse(context, refusing(host)).content
    objects = {("m", "n", 1): "found"}

    class References:
        def key_of(self, name, _place):
            return f"pk of {name}"

        def find(self, model, properties, _place):
            return objects.get((model, *properties.keys(), *properties.values()))

        def read(self, model, properties, place):
            return self.find(model, properties, place) and {"pk": "found", "list": [1, {"a": "b"}]}

    return Resolver(values, References(), host, lambda *_: None).resolve(document.parse(text, refusing(host)))


def findings(function, *arguments):
    """What a function finds wrong, as lines."""
    with pytest.raises(BlueprintError) as caught:
        function(*arguments)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"[yes, No, on, OFF, true, y]", [True, False, True, False, True, "y"]),
        (b"[010, 1:30, 1_000, 0x1f, 1.5, 1e3, -7]", [8, 90, 1000, 31, 1.5, "1e3", -7]),
        (b"[~, null, '', \"1\", 'no', ! 5]", [None, None, "", "1", "no", 5]),
        (b"[2024-08-01, 2024-08-01 10:00:00, =]", ["2024-08-01", "2024-08-01 10:00:00", "="]),
        (b"[!!str 1, !!int '2', !!float 3, !!bool 'yes', !!null '']", ["1", 2, 3.0, True, None]),
        (b"{on: 1, 2: 3, ~: 4}", {"on": 1, "2": 3, "~": 4}),
        (b"{a: &x {b: 1, c: 2}, d: {<<: *x, c: 3}}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        (b"[&x {a: 1}, &y {a: 2, b: 2}, {<<: [*x, *y]}]", [{"a": 1}, {"a": 2, "b": 2}, {"a": 1, "b": 2}]),
        (b"a: |\n  x\n  y\nb: >-\n  x\n  y\n", {"a": "x\ny\n", "b": "x y"}),
        ("\ufeffa: é😀".encode(), {"a": "é😀"}),
    ],
)
def test_plain_yaml_as_authentik_reads_it(text, data):
    assert plain(text) == data


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"foo: [bar\n", "2:1: This is not valid YAML: while parsing a flow sequence did not find expected ',' or ']'."),
        (b"a: b: c", "1:5: This is not valid YAML: mapping values are not allowed in this context."),
        (b"a: *b", "1:4: The alias *b names no anchor that is complete above it."),
        (b"a: &a [1, *a]", "1:11: The alias *a names no anchor that is complete above it."),
        (b"a: 1\nb:\n  c: 1\n  c: 2", "4:3: The key 'c' is a duplicate."),
        (b"'a': 1\na: 2", "2:1: The key 'a' is a duplicate."),
        (b"? [a]\n: b", "1:3: A key must be plain text."),
        (b"!KeyOf a: b", "1:1: A key must be plain text."),
        (b"a: {<<: [1]}", "1:10: Only mappings can be merged."),
        (b"a: 1\n---\nb: 2", "2:1: A second document begins here: give each a file of its own."),
        (b"a: !Nope b", "1:4: The tag !Nope is not known."),
        (b"a: [b, !Nope {c: d}]", "1:8: The tag !Nope is not known."),
        (b"a: !!python/object/apply:os.system [ls]", "1:4: The tag tag:yaml.org,2002:python/object/apply:os.system is not known."),
        (b"a: !!binary aGk=", "1:4: The tag tag:yaml.org,2002:binary is not known."),
        (b"a: !!set {b}", "1:4: The tag tag:yaml.org,2002:set is not known."),
        (b"a: !!int x", "1:4: 'x' is not of the type of its tag."),
        (b"a: " + b"9" * 5000, f"1:4: '{'9' * 50}' is not of the type of its tag."),
        (b"a: 9223372036854775808", "1:4: A number must be finite, and an integer must fit into 64 bits."),
        (b"a: .inf", "1:4: A number must be finite, and an integer must fit into 64 bits."),
        (b"a:\n  \xc3\xa9 \xff", "2:5: The file is not UTF-8 text."),
        (b"a:\n  b\x00", "2:4: The character U+0000 is not allowed in YAML."),
        (b"a: '\xed\xa0\x80'", "1:5: The file is not UTF-8 text."),
        (b'"\\ud800"', "1:4: This is not valid YAML: while parsing a quoted scalar found invalid Unicode character escape code."),
    ],
)  # fmt: skip
def test_yaml_that_is_refused(text, said):
    assert findings(document.parse, text, refusing()) == [said]


@pytest.mark.parametrize("tag", ["!Env", "!File"])
@pytest.mark.parametrize("form", ["x", "[x, y]"])
def test_the_machine_is_not_read_unless_that_is_allowed(tag, form):
    (line,) = findings(document.parse, f"a: {tag} {form}".encode(), refusing())
    assert line.startswith(f"1:4: {tag} is refused: this server reads no ")
    assert f"--allow-{tag[1:].lower()}" in line


def laughs(levels, times=10):
    """A list, ten of which are a list, ten of which ..."""
    lines = [b"a0: &a0 [1]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * times)) for n in range(1, levels)]
    return b"\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (laughs(40), "There are more than 200000 values, with aliases written out."),
        (b"[" + b"1, " * 200_001 + b"]", "There are more than 200000 values, with aliases written out."),
        (b"[" * 500_000, "Values are nested more than 64 levels deep."),
        (b"a: [" + b"{a: " * 100, "Values are nested more than 64 levels deep."),
        (b"- " * 100 + b"a", "Values are nested more than 64 levels deep."),
        (laughs(99, 1), "Values are nested more than 64 levels deep."),
        (b"#" * (4 * 1024 * 1024 + 1), "The file is larger than 4194304 bytes."),
    ],
    ids=["laughs", "many", "brackets", "braces", "dashes", "aliases", "bytes"],
)  # fmt: skip
def test_bombs(text, said):
    (line,) = findings(document.parse, text, refusing())
    assert line.partition(": ")[2] == said


MISFIT = "1:1: The values do not fit the format:"
CONTEXT = b"""
foo: bar
sequence: [foo, bar]
mapping: {key1: value, key2: 2}
nested: !Context foo
deep: {a: [!Context foo]}
loop: !Context loop
a: {b: part}
a.b: whole
"""


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"!KeyOf flow", "pk of flow"),
        (b"!Find [m, [n, 1]]", "found"),
        (b"!Find [!Format ['%s', m], [!Context [nope, n], 1]]", "found"),
        (b"!Find [m, [n, 2]]", None),
        (b"[!Context foo, !Context nope, !Context [nope, 7], !Context [foo, 7]]", ["bar", None, 7, "bar"]),
        (b"[!Context nested, !Context deep]", ["bar", {"a": ["bar"]}]),
        (b"!Format [a]", "a"),
        (b"!Format ['foo-%s-%s-%s', !Context foo, !Context nope, 1]", "foo-bar-None-1"),
        (b"!Format ['%05d|%-3s|%.2f|%x|%%', 7, a, 1.5, 255]", "00007|a  |1.50|ff|%"),
        (b"[!Condition [AND, 1, x], !Condition [and, 1, null], !Condition [NAND, 1, '']]", [True, False, True]),
        (b"[!Condition [OR, 0, x], !Condition [OR, 0], !Condition [NOR, 0, []]]", [True, False, True]),
        (b"[!Condition [XOR, 1, 1], !Condition [XOR, 1, 1, 1], !Condition [XNOR, 1]]", [False, True, False]),
        (b"!Condition [XNOR, !Condition [AND, !Context no], !Condition [NOR, a], !Condition [XOR, null]]", True),
        (b"!If [true, {a: !Context foo}, [b]]", {"a": "bar"}),
        (b"!If [!Condition [AND, false], null, [list, !Format ['foo-%s', !Context foo]]]", ["list", "foo-bar"]),
        (b"[!If [!Context foo], !If [null], !If [null, !Context loop, 2]]", [True, False, 2]),
        (b"!Enumerate [!Context sequence, SEQ, !Format ['%s-%s', !Index 0, !Value 0]]", ["0-foo", "1-bar"]),
        (b"!Enumerate [!Context mapping, seq, [!Index 0, !Value 0]]", [["key1", "value"], ["key2", 2]]),
        (b"!Enumerate [!Context sequence, MAP, [!Format ['n%d', !Index 0], !Value 0]]", {"n0": "foo", "n1": "bar"}),
        (b"!Enumerate [!Context mapping, MAP, {a: !Value 0}]", {"a": 2}),
        (b"!Enumerate [ab, SEQ, !Enumerate [[x], SEQ, [!Value 1, !Value 0, !Index 1]]]", [[["a", "x", 0]], [["b", "x", 1]]]),
        (b"!Enumerate [[[1, 2], [3]], SEQ, !Enumerate [!Value 1, SEQ, !Value 0]]", [[1, 2], [3]]),
        (b"[!Context mapping.key1, !Context sequence.1, !Context deep.a.0, !Context nested]", ["value", "bar", "bar", "bar"]),
        (b"[!Context a.b, !Context [a.c, 7], !Context [sequence.2, 8], !Context foo.0]", ["whole", 7, 8, None]),
        (b"[!AtIndex [!Context sequence, 1], !AtIndex [!Context mapping, key1], !AtIndex [{1: a}, 1]]", ["bar", "value", "a"]),
        (b"[!AtIndex [[], 0, x], !AtIndex [{}, a, null], !AtIndex [null, 0, x], !AtIndex [[a, b], -1]]", ["x", None, "x", "b"]),
        (b"!AtIndex [!FindObject [m, [n, 1]], list]", [1, {"a": "b"}]),
        (b"[!FindObject [m, [n, 2]], !AtIndex [!FindObject [m, [n, 2]], list, x]]", [None, "x"]),
        (b"!ParseJSON '{\"a\": [1, 1.5, null, true, \"\\u00e9\"]}'", {"a": [1, 1.5, None, True, "é"]}),
        (b"!AtIndex [!ParseJSON '[1, 2]', 1]", 2),
        (b"[!Condition [EQ, a, a], !Condition [eq, a, a, b], !Condition [NEQ, a, b]]", [True, False, True]),
        (b"!If [!Condition [EQ, !Context foo, bar], yes, no]", True),
    ],
)  # fmt: skip
def test_tags(text, data):
    assert plain(text, CONTEXT) == data


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"!KeyOf [a]", "1:1: !KeyOf takes the id of an entry."),
        (b"!Find [m]", "1:1: !Find takes [model, [property, value], ...]."),
        (b"!Find m", "1:1: !Find takes [model, [property, value], ...]."),
        (b"!Find [m, [n]]", "1:11: !Find takes [model, [property, value], ...]."),
        (b"!Find [1, [n, 1]]", "1:8: A model is text."),
        (b"!Find [m, [1, 1]]", "1:12: A property is text."),
        (b"!Context [a]", "1:1: !Context takes key or [key, default]."),
        (b"!Context {a: b}", "1:1: !Context takes key or [key, default]."),
        (b"!Format []", "1:1: !Format takes [format, value, ...]."),
        (b"!Format ['%s']", f"{MISFIT} not enough arguments for format string."),
        (b"!Format ['%d', a]", f"{MISFIT} %d format: a real number is required, not str."),
        (b"!Format ['%c', 99999999]", f"{MISFIT} %c arg not in range(0x110000)."),
        (
            b"!Format ['%c', 0xd800]",
            f"{MISFIT} 'utf-8' codec can't encode character '\\ud800' in position 0: surrogates not allowed.",
        ),
        (b"!Format ['%(a)s', 1]", "1:10: This is not a format: there are %s, %d and the like, of 999 characters at most."),
        (b"!Format ['%*d', 1, 1]", "1:10: This is not a format: there are %s, %d and the like, of 999 characters at most."),
        (b"!Format ['%9999d', 1]", "1:10: This is not a format: there are %s, %d and the like, of 999 characters at most."),
        (b"!Format ['" + b"%s" * 101 + b"']", "1:10: A format may have at most 100 conversions."),
        (b"!Format [1]", "1:10: A format is text."),
        (b"!Condition [AND]", "1:1: !Condition takes [mode, value, ...]."),
        (b"!Condition [MAYBE, 1]", "1:13: 'MAYBE' is not a mode: there are AND, NAND, OR, NOR, XOR, XNOR, EQ, NEQ."),
        (b"!If [1, 2]", "1:1: !If takes [condition] or [condition, value, other value]."),
        (b"!If []", "1:1: !If takes [condition] or [condition, value, other value]."),
        (b"!Enumerate [a, SEQ]", "1:1: !Enumerate takes [values, SEQ or MAP, value]."),
        (b"!Enumerate [1, SEQ, a]", "1:13: !Enumerate takes a list or a mapping."),
        (b"!Enumerate [[], SET, a]", "1:17: 'SET' is not SEQ or MAP."),
        (b"!Enumerate [[1], MAP, a]", "1:23: The value of !Enumerate with MAP must be [key, value] or a mapping."),
        (b"!Enumerate [!Value 0, SEQ, a]", "1:13: There is no !Enumerate around this one that !Value 0 could mean."),
        (b"[!Index 0]", "1:2: There is no !Enumerate around this one that !Index 0 could mean."),
        (b"[!Value a]", "1:2: !Value takes a number: 0 for the innermost !Enumerate around it."),
        (b"!AtIndex [[1]]", "1:1: !AtIndex takes [values, index] or [values, index, default]."),
        (b"!AtIndex [[1], 1]", "1:16: There is nothing at 1. Give a default, or another index."),
        (b"!AtIndex [[1], a]", "1:16: There is nothing at 'a'. Give a default, or another index."),
        (b"!AtIndex [{a: b}, [a]]", "1:19: An index must be a number or text."),
        (b"!AtIndex [text, 0]", "1:11: !AtIndex takes a list or a mapping."),
        (b"!ParseJSON [a]", "1:1: !ParseJSON takes text."),
        (b"!ParseJSON '{'", "1:1: This is not JSON: unexpected end of data: line 1 column 2 (char 1)."),
        (b"!ParseJSON '[9223372036854775808]'", "1:1: An integer must fit into 64 bits."),
        (b"!ParseJSON '" + b"[" * 65 + b"]" * 65 + b"'", "1:1: Values are nested more than 64 levels deep."),
        (b"!FindObject [m]", "1:1: !FindObject takes [model, [property, value], ...]."),
        (b"!FindObject [m, n]", "1:17: !FindObject takes [model, [property, value], ...]."),
        (b"!Context loop", "7:7: Values are nested more than 128 levels deep."),
    ],
)  # fmt: skip
def test_tags_that_are_used_wrongly(text, said):
    assert findings(plain, text, CONTEXT) == [said]


def doubling(tag):
    """A context in which each key asks for the one before twice."""
    return b"k0: xxxxxxxxxxxxxxxx\n" + b"".join(b"k%d: %s\n" % (n, tag % (n - 1, n - 1)) for n in range(1, 40))


@pytest.mark.parametrize(
    ("text", "context"),
    [
        (b"!Context k39", doubling(b"[!Context k%d, !Context k%d]")),
        (b"!Context k39", doubling(b"!Format ['%%s%%s', !Context k%d, !Context k%d]")),
        (b"[" + b"!Context a," * 10_000 + b"]", b"a: " + b"x" * 1_000_000),
        (b"!Enumerate [!Context a, SEQ, !Enumerate [!Context a, SEQ, !Value 0]]", b"a: [" + b"1," * 1_000 + b"]"),
        (b"!Enumerate [!Context a, SEQ, !Enumerate [[!Context a], SEQ, !Value 0]]", b"a: [" + b"1," * 1_000 + b"]"),
        (b"!Enumerate [!Context a, SEQ, !ParseJSON '[" + b"1," * 999 + b"1]']", b"a: [" + b"1," * 1_000 + b"]"),
        (b"!Enumerate [!Context a, SEQ, !ParseJSON '" + b" " * 100_000 + b"1']", b"a: [" + b"1," * 1_000 + b"]"),
        (b"!Enumerate [!Context a, SEQ, !AtIndex [!Context a, 0]]", b"a: [" + b"1," * 1_000 + b"]"),
        (b"!Enumerate [!Context a, SEQ, !Condition [EQ, !Context a, 0]]", b"a: [" + b"1," * 1_000 + b"]"),
        (b"[" + b"!Context a.0," * 1_000 + b"]", b"a: [" + b"1," * 1_000 + b"]"),
    ],
    ids=["lists", "formats", "text", "enumerations", "items", "json", "blank json", "indices", "conditions", "parts"],
)
def test_bombs_of_tags(text, context):
    (line,) = findings(plain, text, context)
    assert line.endswith(": Tags produce more than 200000 values.")


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_what_pyyaml_writes_is_read_as_it_was(data):
    if data is not None:
        assert plain(yaml.safe_dump(data).encode()) == data


@given(st.binary(max_size=200) | st.text(alphabet="!&*[]{}<>:,-?|'\"% \nab0~", max_size=200).map(str.encode))
def test_no_text_makes_reading_fail_otherwise(text):
    with contextlib.suppress(BlueprintError):
        read(text, refusing())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "1:1: The file is empty."),
        (b"# nothing\n---\n", "1:1: The file is empty."),
        (b"metadata: {}\nversion: 2\nentries: nope", "2:10: Invalid blueprint version"),
        (b"version: '1'", "1:10: Invalid blueprint version"),
        (b"version: true", "1:10: Invalid blueprint version"),
        (b"entries: {a: {}}", "1:14: The entries must be a list, or a mapping of lists."),
        (b"entries: 1", "1:10: The entries must be a list, or a mapping of lists."),
        (b"context: []", "1:10: The context must be a mapping."),
    ],
)
def test_no_blueprint(text, said):
    assert findings(read, text, refusing()) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"entries: [{model: a}, 1]", ["1:23: An entry must be a mapping."]),
        (b"entries: [{model: a, id: [1]}]", ["1:26: The id must be text."]),
        (
            b"entries:\n- identifiers: {slug: a}\n- model: m\n- nope\n",
            ["2:3: The entry has no model.", "4:3: An entry must be a mapping."],
        ),
        (
            b"entries:\n- {model: !Nope m}\nmetadata: !Nope\n",
            ["2:11: The tag !Nope is not known.", "3:11: The tag !Nope is not known."],
        ),
    ],
)
def test_what_is_wrong_with_some_entries_is_kept_beside_the_others(text, said):
    blueprint = read(text, refusing())
    assert [str(finding) for finding in blueprint.findings] == said
    assert len(blueprint.entries) == sum(entry in text for entry in (b"{model: a}", b"- model: m", b"!Nope m"))


@pytest.mark.parametrize("text", [b"hello", b"- a\n- b\n", b"1", b"{}", b"version: 1", b"foo: bar\nmetadata: [1]"])
def test_yaml_that_asks_for_nothing(text):
    assert read(text, refusing()).entries == ()


def test_an_entry_knows_its_places():
    blueprint = read(
        b"version: 1\nentries:\n- model: m\n  attrs:\n    name: A\n    list: [1,\n      !KeyOf x]\n  id: a\n",
        refusing(),
    )
    (entry,) = blueprint.entries
    assert (entry.number, str(entry.place), str(entry.model.place), entry.id) == (1, "3:3", "3:10", "a")
    assert {name: str(value.place) for name, value in entry.attrs.content.items()} == {"name": "5:11", "list": "6:11"}
    assert [str(value.place) for value in entry.attrs.content["list"].content] == ["6:12", "7:7"]
