"""Forms with files."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app import errors
from app.contract.request.form import MAX_HEADERS, MAX_PARTS
from app.domain import Upload
from tests.contract.widgets import CONTRACT, ID, WIDGETS, serve

DRAWING = f"{WIDGETS}{ID}/drawing/"
FORM = "multipart/form-data; boundary=BOUND"
SEEN = []


@pytest.fixture
def seen():
    SEEN.clear()
    return SEEN


@pytest.fixture(scope="module")
def client():
    def widgets_drawing_create(store, pk, body):
        SEEN.append(body)
        return {}

    return serve(widgets_drawing_create=widgets_drawing_create)


def part(disposition, content=b"x", *headers):
    lines = [f"Content-Disposition: form-data; {disposition}".encode(), *headers, b"", content]
    return b"--BOUND\r\n" + b"\r\n".join(lines) + b"\r\n"


def form(*parts):
    return b"".join(parts) + b"--BOUND--\r\n"


def send(client, body, content_type=FORM):
    return client.post(DRAWING, body=body, headers={"content-type": content_type} if content_type else {})


def test_a_file_and_texts(client, seen):
    content = bytes(range(256)) + b"\r\n--BOUN\r\n"
    file = part('name="file"; filename="a b.png"', content, b"Content-Type: image/PNG; x=1")
    sent = form(file, part('name="clear"', b"True"), part('name="size"', b"7"), part('name="title"', " ü ".encode()))
    response = send(client, sent)
    assert (response.status, response.json()) == (200, {})
    assert seen == [{"file": Upload("a b.png", "image/png", content), "clear": True, "size": 7, "title": "ü"}]


def test_a_nullable_reference_that_is_blank_is_null(tmp_path, seen):
    text = CONTRACT.read_text("utf-8").replace(
        "                title:\n",
        "                by:\n"
        "                  type: integer\n"
        "                  nullable: true\n"
        "                  x-references: {to: owners, on_delete: set_null}\n"
        "                title:\n",
    )
    contract = tmp_path / "widgets.yaml"
    contract.write_text(text, "utf-8")
    client = serve(contract=contract, widgets_drawing_create=lambda store, pk, body: SEEN.append(body) or {})
    for value in (b"", b"7"):
        assert send(client, form(part('name="by"', value))).status == 200
    assert seen == [{"by": None}, {"by": 7}]


def test_a_form_in_chunks(client, seen):
    sent = form(part('name="file"; filename="a"'))
    assert send(client, [sent[:30], sent[30:31], sent[31:]]).status == 200
    assert seen == [{"file": Upload("a", "application/octet-stream", b"x")}]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", None),
        (b"", "text/plain"),
        (b"", "multipart/form-data"),
        (b"no form", FORM),
        (form(), FORM),
        (form(part('name="file"; filename="a"'))[:-12], FORM),
        (form(part('name="file"; filename="a"')), "multipart/form-data; boundary=OTHER"),
        (part('name="clear"', b"true"), FORM),
        (form(part('name="clear"; x="' + "y" * 10_000 + '"', b"true")), FORM),
        (form(part('name="clear"', b"true", *[b"A: b"] * 50)), FORM),
        (form(b"--BOUND\r\nContent-Disposition: attachment; name=clear\r\n\r\ntrue\r\n"), FORM),
        (form(b"--BOUND\r\n\r\ntrue\r\n"), FORM),
    ],
)
def test_a_body_without_members(client, seen, body, content_type):
    assert send(client, body, content_type).status == 200
    assert seen == [{}]


@pytest.mark.parametrize(
    "ignored",
    [
        part('name="file"'),
        part('name="file"; filename=""'),
        part('name="file"; filename=".."'),
        part('name="file"; filename="folder/"'),
        part('name="clear"; filename="clear.txt"', b"true"),
        part('name="other"; filename="a"'),
        part('name="other"'),
        part('name="FILE"; filename="a"'),
    ],
)
def test_a_part_that_is_not_declared_so_is_ignored(client, seen, ignored):
    assert send(client, form(ignored, part('name="clear"', b"false"))).status == 200
    assert seen == [{"clear": False}]


def test_of_parts_of_one_name_the_last_counts(client, seen):
    parts = [part(f'name="file"; filename="{name}"', name.encode()) for name in ("a", "b")]
    assert send(client, form(*parts, part('name="size"', b"1"), part('name="size"', b"2"))).status == 200
    assert seen == [{"file": Upload("b", "application/octet-stream", b"b"), "size": 2}]


@pytest.mark.parametrize(
    ("given", "filename"),
    [
        ("../../x.png", "x.png"),
        ("C:\\\\folder\\\\x.png", "x.png"),
        ("x\x07y\x7f.png", "xy.png"),
        ("ü.png", "ü.png"),
        ('a\\"b.png', 'a"b.png'),
    ],
)
def test_the_name_of_an_upload_has_no_folders(client, seen, given, filename):
    assert send(client, form(part(f'name="file"; filename="{given}"'))).status == 200
    assert seen[0]["file"].filename == filename


@pytest.mark.parametrize("kind", [b"", b"text", b"text/html\x00", b"a/b, c/d", b"text/h tml"])
def test_what_is_no_media_type_is_not_handed_on(client, seen, kind):
    assert send(client, form(part('name="file"; filename="a"', b"x", b"Content-Type: " + kind))).status == 200
    assert seen[0].get("file", Upload("a", "application/octet-stream", b"x")).media_type == "application/octet-stream"


def test_wrong_members_are_told_of_at_once(client):
    sent = form(part('name="title"', b"  "), part('name="size"', b"101"), part('name="clear"', b"yes"))
    assert send(client, sent).json() == {
        "clear": ["Must be a valid boolean."],
        "size": ["Ensure this value is less than or equal to 100."],
        "title": ["This field may not be blank."],
    }
    assert send(client, form(part('name="size"', b"1.5"))).json() == {"size": ["A valid integer is required."]}


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data", "None"),
        ("Multipart/Form-Data; charset=utf-8", "None"),
        ("multipart/form-data; boundary=", ""),
        (f"multipart/form-data; boundary={'x' * 300}", "x" * 300),
        ("multipart/form-data; boundary=\xfc", "\xfc"),
    ],
)
def test_a_boundary_that_is_none(client, content_type, boundary):
    response = send(client, b"x", content_type)
    message = f"Multipart form parse error - Invalid boundary in multipart: {boundary}"
    assert (response.status, response.json()) == (400, {"detail": message})


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "multipart/mixed; boundary=BOUND"]
)
def test_another_media_type(client, content_type):
    response = send(client, b"{}", content_type)
    message = f'Unsupported media type "{content_type}" in request.'
    assert (response.status, response.json()) == (415, {"detail": message})


def test_too_much():
    client = serve(body_limit=10_000)
    assert send(client, form(part('name="file"; filename="a"', b"x" * 9_000))).status == 200
    assert send(client, form(part('name="file"; filename="a"', b"x" * 10_000))).status == 413


def test_too_many_parts(client, seen):
    parts = [part('name="a"')] * MAX_PARTS
    assert send(client, form(*parts)).status == 200
    response = send(client, form(*parts, parts[0]))
    assert (response.status, response.json()) == (400, {"detail": f"There are more than {MAX_PARTS} parts."})


def test_too_many_headers(client, seen):
    """Each semicolon costs as much as many bytes of a file."""
    few = part('name="a"' + ";" * (MAX_HEADERS // 20))
    assert send(client, form(*[few] * 18)).status == 200
    response = send(client, form(*[few] * 20))
    message = f"The headers of the parts are larger than {MAX_HEADERS} bytes."
    assert (response.status, response.json()) == (400, {"detail": message})


def test_a_refusal_comes_after_permission_and_existence():
    def widgets_retrieve(store, pk):
        raise errors.NotFound

    client = serve(widgets_retrieve=widgets_retrieve)
    assert client.post(DRAWING, body=b"x", headers={"content-type": FORM}, token="widgets.view").status == 403
    assert client.post(WIDGETS + "nope/drawing/", body=b"x", headers={"content-type": "text/plain"}).status == 404


@given(
    body=st.binary(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                b"--BOUND",
                b"\r\n",
                b"--",
                b'Content-Disposition: form-data; name="file"; filename="a"',
                b":",
                b"x",
                b"\0",
            ]
        )
    ).map(b"".join),
    kind=st.sampled_from([FORM, "*/*; boundary=BOUND"])
    | st.text(st.characters(max_codepoint=255), max_size=20).map("multipart/form-data;".__add__),
)
@example(body=b"--BOUND\r\n", kind=FORM)
def test_no_form_is_the_servers_fault(client, body, kind):
    assert send(client, body, kind).status < 500
