"""Recorded requests, carried out by two versions: what is refused, gone or new, with what the overlays say of it."""

import json

import orjson
import pytest
from click.testing import CliRunner

from app.application import create_app, open_store
from app.cli.upgrade import command
from app.recording.har import archive
from app.recording.recorder import Recorder
from app.review.traffic import read_traffic
from app.settings import Settings
from app.upgrade.carrying_out import carry_out
from app.upgrade.effects import Kind
from app.upgrade.formats import as_json, as_markdown, as_text
from tests.asgi import FLOWS, Client
from tests.contract_files import contract_of

OLD, SAFE, NEW = "2024.8", "2024.10", "2025.12"
API = "/api/v3"
STAGES = f"{API}/stages/identification/"
BINDINGS = f"{API}/flows/bindings/"
FLOW = {"name": "Welcome", "slug": "welcome", "title": "Welcome!", "designation": "authentication"}


class Recording(Client):
    """A client of a server that records, with a file of what it did since its last file."""

    def __init__(self, contract, folder):
        settings = Settings(database_url=f"sqlite:///{folder}/flows.sqlite3", token_cache=0.0)
        store = open_store(settings, contract)
        store.migrate()
        store.tokens.add("root", superuser=True, secret="root")
        self.recorder = Recorder(contract)
        super().__init__(create_app(settings, contract=contract, store=store, recorder=self.recorder), "root")
        self._folder = folder

    def file(self):
        path = self._folder / "traffic.har"
        path.write_bytes(orjson.dumps(archive(self.recorder.exchanges())))
        self.recorder.forget()
        return path

    def made(self, path, body):
        response = self.post(path, body)
        assert response.status == 201, response.body
        return response.json()


@pytest.fixture
def client(contract, tmp_path):
    return Recording(contract, tmp_path)


def upgraded(path, new=NEW, old=OLD):
    left_out = []
    return carry_out(Settings(), old, new, read_traffic(path, left_out), contract_of, left_out)


def effects(result, *kinds):
    return {(effect.operation, effect.property) for effect in result.effects if effect.kind in kinds}


def flow_with_a_stage(client):
    """Make a flow with a stage. :returns: the binding"""
    flow, stage = client.made(FLOWS, FLOW), client.made(STAGES, {"name": "who", "user_fields": ["email"]})
    return client.made(BINDINGS, {"target": flow["pk"], "stage": stage["pk"], "order": 0})


def test_an_operation_that_is_gone_is_refused_with_what_the_overlay_says(client):
    client.made(FLOWS, FLOW)
    client.post(f"{FLOWS}welcome/set_background_url/", {"url": "https://example.com/a.png"})
    client.get(f"{FLOWS}welcome/")
    result = upgraded(client.file())
    (refused,) = result.broken
    assert (refused.kind, refused.operation) == (Kind.REFUSED, "flows_instances_set_background_url_create")
    (cause,) = refused.causes
    assert (cause.version, cause.location.file.endswith("versions/2025.12.yaml")) == (NEW, True)
    # What the refused request does is there for the one that follows.
    assert not [one for one in result.effects if one.property == "background" and one.kind is Kind.CHANGED]
    assert (result.compared, result.left_out) == (3, ())


def test_a_release_that_breaks_nothing_breaks_nothing(client):
    binding = flow_with_a_stage(client)
    client.patch(f"{BINDINGS}{binding['pk']}/", {"order": 3})
    client.get(BINDINGS, query=f"target={binding['target']}")
    client.get(f"{FLOWS}welcome/export/")
    client.delete(f"{FLOWS}welcome/")
    result = upgraded(client.file(), SAFE)
    assert (result.broken, result.compared, result.left_out) == ([], 7, ())
    assert effects(result, Kind.NEW) == {("stages_identification_create", "captcha_stage")}


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_version_does_not_differ_from_itself(client, version):
    binding = flow_with_a_stage(client)
    user = client.made(f"{API}/core/users/", {"username": "jane", "name": "Jane"})
    client.made(f"{API}/core/tokens/", {"identifier": "a", "user": user["pk"]})
    client.post(f"{API}/core/users/service_account/", {"name": "robot", "create_group": True})
    for path in ("core/users/", f"core/users/{user['pk']}/", "core/tokens/", f"flows/bindings/{binding['pk']}/"):
        client.get(f"{API}/{path}")
    result = upgraded(client.file(), version, version)
    assert (result.effects, result.compared, result.left_out) == ((), 10, ())


def test_the_same_recording_has_the_same_result(client):
    flow_with_a_stage(client)
    path = client.file()
    assert as_json(upgraded(path)) == as_json(upgraded(path))


def test_what_the_recording_shows_of_earlier_objects_is_there(client):
    binding = flow_with_a_stage(client)
    captcha = client.made(f"{API}/stages/captcha/", {"name": "robot?", "public_key": "a", "private_key": "b"})
    client.recorder.forget()
    client.get(f"{FLOWS}welcome/")
    client.get(f"{API}/stages/captcha/{captcha['pk']}/")
    client.get(BINDINGS)
    client.get(STAGES)
    client.patch(f"{BINDINGS}{binding['pk']}/", {"order": 7})
    client.put(f"{FLOWS}welcome/", {**FLOW, "slug": "hello"})
    client.delete(f"{FLOWS}hello/")
    result = upgraded(client.file(), SAFE)
    assert (result.broken, result.compared, result.left_out) == ([], 7, ())
    assert ("stages_identification_list", "results[].captcha_stage") in effects(result, Kind.NEW)


def test_a_request_for_what_the_recording_does_not_show_is_told_and_no_break(client):
    binding = flow_with_a_stage(client)
    client.recorder.forget()
    client.delete(f"{BINDINGS}{binding['pk']}/")
    client.get(f"{FLOWS}nothing/")
    result = upgraded(client.file())
    assert (result.broken, result.compared) == ([], 0)
    assert sorted(result.left_out) == [
        "1 request for objects or secrets that the recording does not show",
        "1 request rejected already when recorded",
    ]
    assert "nothing was compared" in as_markdown(result)
    assert "Nothing was compared" in as_text(result)


def test_the_exit_code_of_a_recording_of_which_nothing_can_be_compared_is_that_of_wrong_use(client, monkeypatch):
    monkeypatch.setattr("app.cli.start.load_version", lambda _settings: contract_of)
    client.get(f"{FLOWS}nothing/")
    assert run(OLD, SAFE, "--traffic", client.file()).exit_code == 2


def test_a_value_that_the_older_version_never_has_breaks(client):
    client.made(f"{API}/stages/email/", {"name": "mail", "token_expiry": 30})
    (effect,) = upgraded(client.file()).broken
    assert (effect.operation, effect.property) == ("stages_email_create", "token_expiry")
    assert {cause.version for cause in effect.causes} == {"2025.4"}


def test_odd_entries_are_told_and_the_others_are_compared(tmp_path):
    url = f"https://example.com{FLOWS}"

    def entry(method="GET", url=url, sent=None, shown=""):
        posted = {"mimeType": "application/json", "text": sent} if sent else None
        response = {"status": 200, "content": {"mimeType": "application/json", "text": shown}}
        return {"request": {"method": method, "url": url, "postData": posted}, "response": response}

    path = tmp_path / "odd.har"
    entries = [
        entry(url=f"{url}?name={'a' * 100_000}"),
        entry("POST", sent=f'{{"name": {"[" * 600}{"]" * 600}}}'),
        entry(shown='{"results": 5}'),
        entry(shown='{"results": [{"pk": 1e999}]}'),
        entry(shown='{"results": [{"pk": "\\ud800"}]}'),
        entry(shown=f'{{"results": [{{"pk": {"[" * 600}{"]" * 600}}}]}}'),
    ]
    path.write_text(json.dumps({"log": {"entries": entries}}), "utf-8")
    result = upgraded(path, SAFE)
    assert (result.broken, result.compared, result.left_out) == ([], 4, ("2 requests that can't be sent",))


def test_formats(client):
    client.made(FLOWS, FLOW)
    client.post(f"{FLOWS}welcome/set_background_url/", {"url": "https://example.com/a.png"})
    result = upgraded(client.file())
    said = "2025.12: The background of a flow has no operations of its own any more."
    text = as_text(result)
    assert "versions/2025.12.yaml:" in text.partition(": breaking: refused: there is no such operation\n")[0]
    assert f"    {said}\n" in text
    assert text.endswith(
        "From 2024.8 to 2025.12, 1 operation and 1 request break: 2 requests to 2 operations carried out by both versions.\n"
    )
    assert "## From 2024.8 to 2025.12: something breaks\n" in as_markdown(result)
    whole = json.loads(as_json(result))
    (refused,) = (effect for effect in whole["effects"] if effect["breaks"])
    assert (whole["breaks"], refused["effect"], refused["causes"][0]["version"]) == (True, "refused", NEW)


def run(*arguments):
    return CliRunner().invoke(command, [*map(str, arguments)], obj=Settings())


def test_the_exit_code_says_whether_anything_breaks(client, monkeypatch):
    monkeypatch.setattr("app.cli.start.load_version", lambda _settings: contract_of)
    client.made(FLOWS, FLOW)
    client.post(f"{FLOWS}welcome/set_background_url/", {"url": "https://example.com/a.png"})
    path = client.file()
    codes = [run(OLD, version, "--traffic", path).exit_code for version in (f"{SAFE}.1", NEW, "2031.1")]
    assert codes == [0, 1, 2]
    client.made(STAGES, {"name": "who", "user_fields": ["email"]})
    assert run(OLD, SAFE, "--strict", "--traffic", client.file()).exit_code == 1
    path.write_text("{}")
    assert run(OLD, SAFE, "--traffic", path).exit_code == 2
