"""Blueprints that are made to run code, to read what is not theirs, or to keep the server busy, sent as an upload."""

import contextlib
import itertools
import json
import time

import pytest

from app.blueprints.document import parse
from app.blueprints.findings import BlueprintError
from app.cli.importing import apply, read
from tests.asgi import FLOWS
from tests.attacks.noticing import noticed
from tests.attacks.watching import stored
from tests.forms import form
from tests.growth import seconds

STAGE = "authentik_stages_dummy.dummystage"
# Seconds of the processor that no blueprint takes, however it is made. What is fought here took minutes.
LONG = 10


def upload(client, text, name="blueprint.yaml"):
    """Import a blueprint. :returns: the answer"""
    body, headers = form(file=(name, "application/yaml", text if isinstance(text, bytes) else text.encode()))
    response = client.post(f"{FLOWS}import/", body=body, headers=headers)
    assert response.status == 200
    return response.json()


def rejected(client, text):
    """Import a blueprint that is wrong. :returns: what the answer says of it"""
    before = stored(client.store)
    response = upload(client, text)
    assert response["success"] is False
    assert stored(client.store) == before
    return json.dumps(response)


@pytest.fixture
def secret(tmp_path, monkeypatch):
    """A text that is in the environment, and in a file of the folder that the server runs in."""
    text = "the eggs are in the shed"
    monkeypatch.setenv("PLANTED", text)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planted").write_text(text)
    return text


FORBIDDEN = [
    "!Env PLANTED",
    "!Env [PLANTED, x]",
    "!e!nv PLANTED",
    "!<!Env> PLANTED",
    "!%45nv PLANTED",
    "!File planted",
    "!File [planted, x]",
    "!!python/object/apply:os.system [touch ran]",
    "!!python/object/apply:subprocess.check_output [[cat, planted]]",
    "!!python/object/new:subprocess.Popen [[touch, ran]]",
    "!!python/object:builtins.open {name: planted}",
    "!!python/name:os.system x",
    "!!python/module:os x",
    "!!python/tuple [a]",
    "!p!object/apply:os.system [touch ran]",
    "!<tag:yaml.org,2002:python/object/apply:os.system> [touch ran]",
    "!ruby/object:Gem::Installer {i: x}",
    "!!javax.script.ScriptEngineManager [x]",
]
DIRECTIVES = "%TAG !e! !E\n%TAG !p! tag:yaml.org,2002:python/\n---\n"
ENTRY = f"model: {STAGE}, identifiers: {{name: made}}"
PLACES = [
    "entries: §",
    "entries: [§]",
    "version: §",
    "metadata: {labels: {x: §}}",
    "nobody: {reads: §}",
    f"context: {{x: §}}\nentries: [{{{ENTRY}}}]",
    "entries: [{model: §, identifiers: {name: made}}]",
    f"entries: [{{model: {STAGE}, identifiers: §}}]",
    f"entries: [{{model: {STAGE}, identifiers: {{name: §}}}}]",
    f"entries: [{{model: {STAGE}, identifiers: {{§ : made}}}}]",
    *(
        f"entries: [{{{ENTRY}, {part}: §}}]"
        for part in ("id", "state", "attrs", "conditions", "permissions", "nothing")
    ),
    f"entries: [{{{ENTRY}, attrs: {{throw_error: §}}}}]",
    *(
        f"entries: [{{{ENTRY}, attrs: {{nothing: {tag}}}}}]"
        for tag in (
            "!Format ['%s', §]",
            "!Context [x, §]",
            "!If [false, §, 1]",
            "!Condition [OR, true, §]",
            f"!Find [{STAGE}, [name, §]]",
            "!Enumerate [[1], SEQ, §]",
            "!Enumerate [§, MAP, x]",
            "{<<: §}",
            "[&x §, *x]",
        )
    ),
]


@pytest.mark.parametrize("tag", FORBIDDEN)
def test_nothing_runs_or_is_read(watched, secret, tmp_path, tag):
    # What is loaded once, is loaded.
    rejected(watched, f"entries: [{{{ENTRY}, state: gone}}, {{model: nobody.nothing, identifiers: {{a: b}}}}]")
    for place in PLACES:
        with noticed() as heard:
            said = rejected(watched, DIRECTIVES + place.replace("§", tag))
        assert "is refused" in said or "is not known" in said, place
        assert secret not in said, place
        assert [one for one in heard if not one.endswith(".py")] == [], place
    assert [path.name for path in tmp_path.iterdir() if "sqlite" not in path.name] == ["planted"]


@pytest.mark.parametrize(
    "text",
    [
        "{0.__class__}",
        "{0.__class__.__init__.__globals__}",
        "{PLANTED}",
        "${PLANTED}",
        "$(cat planted)",
        "{{ 7 * 191 }}",
        "`id`",
    ],
)
def test_a_format_is_no_more_than_a_format(watched, secret, text):
    outcome = upload(
        watched, f"entries: [{{model: {STAGE}, identifiers: {{name: !Format [{json.dumps(text + '%s')}, x]}}}}]"
    )
    assert outcome["success"], outcome
    (stage,) = watched.get("/api/v3/stages/dummy/").json()["results"]
    assert stage["name"] == f"{text}x"


@pytest.mark.parametrize("text", ["%(__class__)s", "%(x)s", "%*d", "%n", "%99999d", "%.99999f", "%", "%hs%s%s%"])
def test_what_is_no_format_is_refused(watched, text):
    rejected(watched, f"entries: [{{model: {STAGE}, identifiers: {{name: !Format ['{text}', x, y, z]}}}}]")


@pytest.mark.parametrize("key", ["__class__", "__globals__", "PLANTED", "self"])
def test_nothing_but_the_context_is_looked_up(watched, secret, key):
    text = f"entries: [{{model: {STAGE}, identifiers: {{name: !Context [{key}, nothing]}}}}]"
    assert upload(watched, text)["success"]
    assert watched.get("/api/v3/stages/dummy/", query="name=nothing").json()["pagination"]["count"] == 1


ORDER = "\\e]0;planted\\a\\e[2J\\x9b31m"


@pytest.mark.parametrize(
    "entry",
    [
        f'model: {STAGE}, identifiers: {{"{ORDER}": made}}',
        f'model: {STAGE}, identifiers: {{name: made}}, attrs: {{throw_error: "{ORDER}"}}',
        f'model: authentik_flows.flow, identifiers: {{slug: "{ORDER}"}}',
        f'model: authentik_flows.flow, identifiers: {{slug: made}}, attrs: {{designation: "{ORDER}"}}',
        f'model: "{ORDER}", identifiers: {{name: made}}',
        f'model: {STAGE}, state: "{ORDER}", identifiers: {{name: made}}',
        f'model: {STAGE}, id: a, identifiers: {{name: !KeyOf "{ORDER}"}}',
    ],
    ids=["member", "type", "slug", "choice", "model", "state", "id"],
)
def test_no_blueprint_gives_orders_to_the_terminal(watched, tmp_path, capsys, entry):
    path = tmp_path / "blueprint.yaml"
    path.write_text(f"entries: [{{{entry}}}]")
    assert not apply(watched.store, read([path]))
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(line.isprintable() for line in lines)


def many(number, form, joint=","):
    return joint.join(form.replace("#", str(one)) for one in range(number))


def within(text):
    """A blueprint with a value that nobody asks for."""
    return f"context: {{x: {text}}}\nentries: [{{{ENTRY}, state: gone}}]"


def chained(number, link):
    """A blueprint that asks for the first of many values, each of which asks for the next one."""
    links = ", ".join(f"k{one}: {link.replace('#', str(one + 1))}" for one in range(number))
    return f"context: {{{links}}}\nentries: [{{model: {STAGE}, identifiers: {{name: !Context k0}}}}]"


BOMBS = {
    "laughs": "a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 60)),
    "merged laughs": "a0: &a0 {x: 1}\n"
    + "\n".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 60)),
    "itself": "a: &a [*a]",
    "merged into itself": "a: &a {<<: *a}",
    "lists": "[" * 1_000_000,
    "mappings": "{a: " * 300_000,
    "dashes": "- " * 1_000_000,
    "keys of keys": "? " * 1_000_000,
    "one list merged": within("{<<: [" + many(20_000, "{k#: 1}") + "]}"),
    "many merged": within("{" + many(20_000, "<<: {k#: 1}") + "}"),
    "one key many times": within("{" + "k: 1," * 30_000 + "}"),
    "number to the base 60": within("1" + ":1" * 500_000),
    "float to the base 60": within("1" + ":1" * 500 + ".5"),
    "a float of many digits": within("1" * 1_000_000 + ".5"),
    "a number of many digits": within("1" * 1_000_000),
    "a number to the base 16": within("0x" + "f" * 1_000_000),
    "an exponent": within("1e+999999999"),
    "anchors": within("[" + many(30_000, "&a# x") + "]"),
    "directives": many(200_000, "%TAG !a#! x", "\n") + "\n---\n",
    "documents": "--- a\n" * 500_000,
    "tags of a text": within("!" + "x" * 1_000_000 + " a"),
    "a text": within("'" + "x" * 4_000_000 + "'"),
    "blanks": within("'" + " \n" * 1_500_000 + "'"),
    "escapes": within('"' + "\\U0001f600" * 350_000 + '"'),
    "comments": within("x") + "#\n" * 1_900_000,
    "too much": "#" * 4_200_000,
    "context": chained(5_000, "!Context k#"),
    "defaults": chained(5_000, "!Context [k#, !Context [k#, x]]"),
    "twice each": chained(5_000, "[!Context k#, !Context k#]"),
    "grown texts": chained(60, "!Format ['%s%s', !Context k#, !Context k#]"),
    "look-ups": f"entries: [{{{ENTRY}, conditions: ["
    + many(20_000, "!Condition [NOR, !Find [authentik_flows.flow, [title, nothing#]]]")
    + "]}]",
    "enumerated look-ups": f"context: {{x: [{many(60_000, '#')}]}}\n"
    f"entries: [{{{ENTRY}, attrs: {{x: !Enumerate [!Context x, SEQ, !Find [{STAGE}, [throw_error, true]]]}}}}]",
    "unknown properties": f"entries: [&x {{{ENTRY}, attrs: {{{many(1_000, 'throw_errorr#: 1')}}}}}"
    + ", *x" * 150
    + ", {}]",
    "unknown identifiers": f"entries: [{{model: {STAGE}, identifiers: {{{many(60_000, 'throw_errorr#: 1')}}}}}]",
    "one unknown property in many entries": f"entries: [{{}}, &x {{{ENTRY}, attrs: {{throw_eror: 1}}}}"
    + ",      *x" * 15_000
    + "]",
    "unknown models": "entries: ["
    + many(15_000, "{model: authentik_stages_dummy.dummystag#, identifiers: {a: b}}")
    + "]",
    "unknown tags": within("[" + many(60_000, "!x# x") + "]"),
    "long unknown tags": "%TAG !e! !" + "x" * 1_000_000 + "\n---\n" + within("[" + many(60_000, "!e!a x") + "]"),
    "deep json": f"entries: [{{{ENTRY}, conditions: [!ParseJSON '{'[' * 2_000_000}']}}]",
    "much json": f"context: {{x: !ParseJSON '[{many(60_000, '#')}]'}}\n"
    f"entries: [{{{ENTRY}, conditions: [{many(10_000, '!Context x')}]}}]",
    "parts of the context": f"context: {{a: &x {{a: b}}}}\n"
    f"entries: [{{{ENTRY}, state: gone, conditions: [true, !Context [{'a.' * 1_500_000}, x]]}}]",
    "indices": chained(5_000, "!AtIndex [[!Context k#], 0]"),
    "no entries": "entries: [" + "1," * 190_000 + "]",
    "one wrong entry many times": "entries: [&x {identifiers: {name: a}}" + ", *x" * 19_000 + "]",
    "too many entries": f"entries: [&x {{{ENTRY}}}" + ", *x" * 30_000 + "]",
    "a long name in many entries": "entries: [{model: &x "
    + "x" * 1_000_000
    + "}, {model: a}"
    + ", {model: *x}" * 19_000
    + "]",
    "enumerated": within("x").replace(
        "state: gone", "attrs: !Enumerate [!Context x, SEQ, !Enumerate [!Value 0, SEQ, !Value 1]]"
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_blueprint_keeps_the_server_busy(watched, name):
    started = time.process_time()
    said = rejected(watched, BOMBS[name])
    assert time.process_time() - started < LONG
    assert len(said) < 3 * len(BOMBS[name]) + 1_000


@pytest.mark.parametrize("text", ["1:", "1", "1_", "0x1", "+1.", "1e"])
def test_a_long_text_is_no_sooner_taken_for_a_number_than_a_short_one(text):
    """What YAML 1.1 has for numbers is found by expressions that nobody else gets a turn beside."""

    def parsed(length):
        with contextlib.suppress(BlueprintError):
            parse(f"x: {text * length}".encode(), lambda _tag: None)

    def plain(length):
        parse(f"x: {'x' * len(text) * length}".encode(), lambda _tag: None)

    length = 3_000_000 // len(text)
    assert seconds(parsed, length) < 4 * seconds(plain, length)


def test_lookups_leave_no_more_behind_than_so_much(watched):
    """A statement is made for each set of members that something is looked up by."""
    model = "authentik_stages_identification.identificationstage"
    flags = ("case_insensitive_matching", "show_matched_user", "show_source_labels", "pretend_user_exists")
    leading = ("password_stage", "enrollment_flow", "recovery_flow", "passwordless_flow")
    properties = {"name": "x", **dict.fromkeys(flags, True), **dict.fromkeys(leading)}
    sets = [
        chosen for size in range(1, len(properties)) for chosen in itertools.combinations(properties.items(), size)
    ][:300]
    finds = [f"!Find [{model}, {', '.join(json.dumps(list(pair)) for pair in chosen)}]" for chosen in sets]
    assert upload(watched, f"entries: [{{{ENTRY}, conditions: [{', '.join(finds)}]}}]")["success"]
    assert 0 < watched.store.repository(model)._query.cache_info().currsize <= 256
