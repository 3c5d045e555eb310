"""Names and paths that lead elsewhere: no file is opened for them, and none is served."""

import json
import re
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

import app
from tests.asgi import FLOWS
from tests.attacks.noticing import noticed
from tests.attacks.payloads import FOLDERS, LINES, MARKUP
from tests.attacks.test_yaml import STAGE, upload
from tests.attacks.watching import stored
from tests.forms import form

URL = re.compile(r"/media/public/(flow-backgrounds/[0-9a-f]{16}-[-\w.%~]+)", re.ASCII)
# What is below each of these is a name, or a path within a folder of the server.
BASES = (
    "/",
    "/-/static/",
    "/docs/",
    "/media/public/",
    "/media/public/flow-backgrounds/",
    "/contract/files/",
    "/contract/files/stages/",
    "/contract/raw/",
    "/contract/operations/",
    "/contract/schemas/",
    "/api/v3/",
    "/api/v3/schema/",
    "/api/v3/stages/",
    FLOWS,
)
STATIC = Path(app.__file__).parent / "pages" / "static"


def elsewhere(heard):
    """Files that were opened, without code and its data, files of pages, and the store.

    Each thread has a connection to the store of its own.
    """
    known = (".py", ".pyc", ".html", "/app/blueprints/releases.json", "/flows.sqlite3")
    return [one for one in heard if not one.endswith(known) and STATIC not in Path(one).parents]


@pytest.mark.parametrize("base", BASES)
def test_no_path_leads_out_of_its_folder(watched, base):
    before = stored(watched.store)
    with noticed() as heard:
        for payload in FOLDERS:
            for path in (quote(payload, safe="/%"), quote(payload, safe="/"), quote(payload, safe="")):
                response = watched.get(f"{base}{path}", token="")
                assert response.status in (308, 403, 404) or response.headers["content-type"].startswith("text/html"), (
                    path
                )
                assert b"root:" not in response.body, path
    assert elsewhere(heard) == []
    assert stored(watched.store) == before


def test_what_is_opened_is_noticed(watched, tmp_path):
    with noticed() as heard:
        assert watched.get("/-/static/style.css").status == 200
        (tmp_path / "elsewhere").write_bytes(b"")
    assert str(STATIC / "style.css") in heard
    assert elsewhere(heard)[-1:] == [str(tmp_path / "elsewhere")]


def test_an_upload_goes_to_no_folder(watched, make_flow, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flow = FLOWS + watched.post(FLOWS, make_flow()).json()["slug"] + "/"
    kept = 0
    for name in (*FOLDERS, *LINES, *MARKUP):
        body, headers = form(file=(name, "image/png", b"picture"))
        with noticed() as heard:
            response = watched.post(f"{flow}set_background/", body=body, headers=headers)
            url = watched.get(flow).json()["background"]
        assert elsewhere(heard) == [], name
        if response.status == 200:
            kept += 1
            path = unquote(URL.fullmatch(url)[1])
            assert re.fullmatch(r"flow-backgrounds/[0-9a-f]{16}-[-\w][-\w.]{0,99}", path), name
            assert watched.get(url, token="").body.endswith(b"picture")
        else:
            # It has no name, or is none.
            assert response.status == 400, name
    assert kept > len(FOLDERS)


def test_a_background_by_name_is_a_path_of_this_site(watched, make_flow):
    """Which one is recorded; nothing looks for such a file."""
    flow = FLOWS + watched.post(FLOWS, make_flow()).json()["slug"] + "/"
    for name in (*FOLDERS, *LINES, *MARKUP):
        with noticed() as heard:
            response = watched.post(f"{flow}set_background_url/", {"url": name})
        assert response.status == (400 if "\0" in name or len(name) > 500 else 200), name
        assert elsewhere(heard) == [], name
        assert re.fullmatch(r"/(?!/)[-\w./%~!*()']*", watched.get(flow).json()["background"], re.ASCII), name


def test_a_blueprint_is_read_from_nowhere_but_its_upload(watched, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in FOLDERS:
        path = json.dumps(name)
        for entry in (
            f"model: {STAGE}, identifiers: {{name: {path}}}",
            f"model: {STAGE}, identifiers: {{name: made}}, attrs: {{file: {path}}}",
            f"model: authentik_blueprints.metaapplyblueprint, identifiers: {{name: {path}, path: {path}}}",
            f"model: authentik_blueprints.blueprintinstance, identifiers: {{name: {path}}}, attrs: {{path: {path}}}",
            f"model: {path}, identifiers: {{name: made}}",
        ):
            with noticed() as heard:
                response = upload(watched, f"entries: [{{{entry}}}]", name if name.strip("./~") else "x")
            assert response["success"] or response["logs"], entry
            assert elsewhere(heard) == [], entry
    assert not any(path.suffix in (".yaml", ".png") for path in tmp_path.iterdir())
