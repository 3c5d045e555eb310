"""`flows dev`: the contract, edited while it is served."""

import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import psutil
import pytest

from app.pages.adapter import THREADS as PAGE_THREADS
from tests.asgi import FLOWS
from tests.commands import ROOT
from tests.contract_files import copied
from tests.proposals import with_proposal
from tests.serving import wait_for

FLOW = {"name": "A", "slug": "a", "title": "A", "designation": "recovery"}
LAYOUT = "        - sidebar_right\n"
# How many random saves: 200 take more than a minute.
SAVES = int(os.environ.get("TEST_SAVES", "20"))


class Connection:
    """One connection to a server, kept open."""

    def __init__(self, port):
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._http.connect()
        self.socket = self._http.sock

    def __call__(self, method, path, body=None, **headers):
        sent = {"Authorization": "Bearer root", "Content-Type": "application/json"} | headers
        self._http.request(method, path, body and json.dumps(body), sent)
        response = self._http.getresponse()
        content = response.read()
        assert self._http.sock is self.socket, "the connection was closed"
        return response.status, response.headers, content

    def get(self, path, **headers):
        return self("GET", path, **headers)

    def stale(self):
        return self.get(FLOWS)[1]["X-Contract-State"] == "stale"

    def close(self):
        self._http.close()


class Session:
    """A contract that is edited, and the server that follows it."""

    def __init__(self, contract, port, process):
        self.contract = contract
        self.text = contract.read_text()
        self.port = port
        self.process = process
        self.connection = Connection(port)

    def said(self):
        return self.process.output.read_text()

    def save(self, old="", new=""):
        """Save the root with a text replaced, as it was at first if there is none."""
        assert old in self.text
        self.contract.write_text(self.text.replace(old, new))

    def server(self):
        """The process that serves."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child for child in children if "spawn_main" in " ".join(child.cmdline()))


@pytest.fixture
def follow(start, tmp_path):
    """Starts `flows dev` on a contract of the test's own."""
    sessions = []

    def begin(contract=None):
        contract = contract or copied(tmp_path / "contract")
        variables = {"FLOWS_CONTRACT": str(contract), "FLOWS_BOOTSTRAP_TOKEN": "root"}
        _, _, process = start("dev", **variables)
        port = urlsplit(process.url).port

        sessions.append(Session(contract, port, process))
        # A client that connects as soon as the URL is printed is served.
        assert sessions[-1].connection.get(FLOWS)[0] == 200
        return sessions[-1]

    yield begin
    for session in sessions:
        session.connection.close()


def test_a_contract_is_broken_and_mended_while_it_is_served(follow):
    session = follow()
    connection, server = session.connection, session.server().pid
    assert connection("POST", FLOWS, FLOW)[0] == 201
    wanted = FLOW | {"slug": "b", "layout": "floating"}
    status, headers, _ = connection("POST", FLOWS, wanted)
    assert (status, headers["X-Contract-State"]) == (400, None)
    line = int(re.fullmatch(rf"{re.escape(session.contract.name)}:(\d+):\d+", headers["X-Contract-Rule"])[1])
    assert session.text.splitlines()[line - 1].strip().startswith("enum:")

    session.save("x-searches:", "x-serches:")
    wait_for(connection.stale, "the stale state")
    finding = (
        r"authentik-flows\.yaml:\d+:\d+: The extension 'x-serches' is not known here\. Did you mean `x-searches`\?"
    )
    assert re.search(finding, session.said())
    assert re.search(r"> +\d+ \|       x-serches: \[.+\n +\| {7}\^\n", session.said())
    assert "The last good contract is still served" in session.said()
    # Everywhere: on pages and refusals too, and the contract is the one that is served.
    for path, status in (("/", 200), ("/api/v3/schema/", 200), (FLOWS + "a/", 200), (FLOWS + "none/", 404)):
        assert (connection.get(path)[0], connection.get(path)[1]["X-Contract-State"]) == (status, "stale")
    home = connection.get("/")[2].decode()
    assert "can&#39;t be served" in home or "can't be served" in home
    assert "x-serches" in home
    assert b"x-serches" not in connection.get("/api/v3/schema/?format=json")[2]
    assert connection("POST", FLOWS, wanted)[0] == 400

    session.save(LAYOUT, LAYOUT + "        - floating\n")
    wait_for(lambda: not connection.stale(), "the end of the stale state")
    assert connection("POST", FLOWS, wanted)[0] == 201
    assert json.loads(connection.get(FLOWS + "b/")[2])["layout"] == "floating"
    assert json.loads(connection.get(FLOWS + "a/")[2])["slug"] == "a"
    assert b"floating" in connection.get("/api/v3/schema/?format=json")[2]
    assert b"x-serches" not in connection.get("/")[2]
    assert session.server().pid == server


def test_however_an_editor_saves(follow, tmp_path):
    session = follow()
    connection, folder = session.connection, session.contract.parent
    stages = folder / "stages" / "deny.yaml"

    def shows(text):
        return text.encode() in connection.get("/api/v3/schema/?format=json")[2]

    # A file beside it takes its place.
    beside = folder / ".authentik-flows.yaml.swp"
    beside.write_text(session.text.replace(LAYOUT, LAYOUT + "        - renamed\n"))
    beside.rename(session.contract)
    wait_for(lambda: shows("renamed"), "the file that took the place")
    # The old one is moved away first.
    stages.rename(stages.with_suffix(".yaml~"))
    wait_for(connection.stale, "the stale state")
    assert "The file 'stages/deny.yaml' can't be read" in session.said()
    stages.write_text(stages.with_suffix(".yaml~").read_text().replace("description: ", "description: Moved. ", 1))
    wait_for(lambda: shows("Moved. ") and not connection.stale(), "the file that came back")
    # A new file in a new folder, referred to before it is there.
    name = "        - $ref: '#/components/parameters/NameFilter'\n"
    session.save(name, f"        - $ref: 'more/titles.yaml#/parameters/Title'\n{name}")
    wait_for(connection.stale, "the stale state")
    titles = folder / "more" / "titles.yaml"
    titles.parent.mkdir()
    parameter = "name: title, in: query, schema: {type: string}, x-filters"
    titles.write_text(f"parameters:\n  Title: {{{parameter}: titel}}\n")
    wait_for(lambda: f"{titles}:2:59: The store has no property 'titel'." in session.said(), "what is wrong there")
    titles.write_text(f"parameters:\n  Title: {{{parameter}: title}}\n")
    wait_for(lambda: not connection.stale(), "the end of the stale state")
    assert json.loads(connection.get(FLOWS + "?title=other")[2])["results"] == []
    # The whole folder is another one, as after a switch of branches.
    shutil.move(folder, tmp_path / "old")
    wait_for(connection.stale, "the stale state")
    copied(folder)
    session.save(LAYOUT, LAYOUT + "        - switched\n")
    wait_for(lambda: shows("switched") and not connection.stale(), "the other folder")


def swap(link, target):
    """Let a link lead to something else, at once."""
    other = link.with_name(f"{link.name}.new")
    other.symlink_to(target)
    other.rename(link)


def test_links_are_followed_wherever_they_lead(follow, tmp_path):
    text = {}
    for version in ("first", "second", "third", "fourth"):
        contract = copied(tmp_path / version)
        text[version] = contract.read_text().replace("  title: authentik flows API", f"  title: {version}")
        contract.write_text(text[version])
    # As Kubernetes mounts a ConfigMap: a link to a file in a folder that is a link.
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "..data").symlink_to("../first")
    (mounted / "contract.yaml").symlink_to("..data/authentik-flows.yaml")
    (tmp_path / "etc").symlink_to(mounted)
    session = follow(tmp_path / "etc" / "contract.yaml")

    def shows(version):
        return f'"title":"{version}"'.encode() in session.connection.get("/api/v3/schema/?format=json")[2].replace(
            b" ", b""
        )

    assert shows("first")
    swap(mounted / "..data", "../second")
    wait_for(lambda: shows("second"), "the folder's link")
    swap(mounted / "contract.yaml", tmp_path / "third" / "authentik-flows.yaml")
    wait_for(lambda: shows("third"), "the file's link")
    (tmp_path / "third" / "authentik-flows.yaml").write_text(text["third"].replace("third", "third again"))
    wait_for(lambda: shows("thirdagain"), "the file that it leads to")
    swap(tmp_path / "etc", tmp_path / "fourth")
    wait_for(session.connection.stale, "the stale state")
    (tmp_path / "fourth" / "authentik-flows.yaml").rename(tmp_path / "fourth" / "contract.yaml")
    # Other files of the contract refer to the first one by its name.
    (tmp_path / "fourth" / "authentik-flows.yaml").symlink_to("contract.yaml")
    wait_for(lambda: shows("fourth") and not session.connection.stale(), "the link of a folder around")


def test_an_operation_without_a_handler_answers_its_examples(follow, run):
    session = follow()
    connection = session.connection
    with_proposal(session.contract)
    path = f"{FLOWS}a/rating/"
    wait_for(lambda: connection.get(path)[0] == 200, "the new operation")
    status, headers, body = connection.get(path)
    assert (status, headers["X-Contract-Example"], json.loads(body)) == (200, "true", {"stars": 4})
    status, headers, body = connection.get(path, Prefer="example=best")
    assert (headers["Preference-Applied"], json.loads(body)) == ("example=best", {"stars": 5})
    status, headers, body = connection.get(path, Prefer="code=404")
    assert (status, headers["X-Contract-Example"], json.loads(body)) == (404, "true", {"detail": "Not found."})
    # What the contract says of the request holds already.
    assert connection.get(path + "?least=many")[0] == 400
    assert connection.get(path, Authorization="Bearer none")[0] == 403
    rejected = run("serve", FLOWS_CONTRACT=str(session.contract))
    assert rejected.returncode == 1
    found = re.search(r":(\d+):(\d+): No handler is named 'flows_instances_rating_retrieve'\. Write", rejected.stderr)
    line = session.contract.read_text().splitlines()[int(found[1]) - 1]
    assert line[int(found[2]) - 1 :] == "operationId: flows_instances_rating_retrieve"


def test_a_start_with_a_broken_contract_says_why(run, tmp_path):
    contract = copied(tmp_path / "contract")
    contract.write_text(contract.read_text().replace("x-searches:", "x-serches:"))
    result = run("dev", FLOWS_CONTRACT=str(contract))
    assert result.returncode == 1
    assert "The extension 'x-serches' is not known here." in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_waits_for_a_contract_can_be_stopped(environment, tmp_path, number):
    contract = copied(tmp_path / "contract")
    contract.write_text("nothing")
    command = "import uvicorn; uvicorn.run('app.cli.dev:create', factory=True, port=0)"
    said = tmp_path / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", command],
            env=environment | {"FLOWS_CONTRACT": str(contract)},
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: "Nothing is served until" in said.read_text(), "the word that nothing is served")
        process.send_signal(number)
        assert process.wait(20) == -number
    finally:
        process.kill()
        process.wait()


def test_random_saves_stop_nothing_and_leave_nothing_behind(follow):
    session = follow()
    connection, server = session.connection, session.server()
    assert connection("POST", FLOWS, FLOW)[0] == 201
    stages = session.contract.parent / "stages" / "deny.yaml"
    good = stages.read_text()
    version = re.search(r"^  version: (.+)$", session.text, re.MULTILINE)[0]
    chance = random.Random(6)
    stopped, answered = threading.Event(), []

    def ask():
        with_time = Connection(session.port)
        while not stopped.is_set():
            answered.append(with_time.get(FLOWS + "a/")[0])
        with_time.close()

    def valid(number):
        stages.write_text(good)
        session.save(version, f"  version: 2024.8.{number}")
        wait_for(lambda: f"<small>2024.8.{number}<" in connection.get("/")[2].decode(), "the valid save")
        assert not connection.stale()

    def valid_beside(number):
        valid(number)
        stages.write_text(good.replace("description: ", f"description: Number {number}. ", 1))
        schema = "/api/v3/schema/?format=json"
        wait_for(lambda: f"Number {number}. ".encode() in connection.get(schema)[2], "the valid save")

    def invalid(number):
        chance.choice(
            [
                lambda: session.save("x-searches:", f"x-searches-{number}:"),
                lambda: session.contract.write_text(session.text[: chance.randrange(len(session.text))] + "\n\t{"),
                lambda: session.contract.write_bytes(chance.randbytes(200)),
                lambda: session.contract.write_text(""),
                lambda: session.contract.unlink(missing_ok=True),
                lambda: stages.unlink(missing_ok=True),
                lambda: stages.write_text(f"schemas: [{number}]"),
                lambda: session.save("    - stages/deny.yaml\n", f"    - stages/no{number}.yaml\n"),
            ]
        )()
        # What is wrong already hides some of it.
        wait_for(connection.stale, "the invalid save")

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        # The first ones fill what is kept of the last few contracts.
        for number in range(1, 7):
            valid_beside(number)
        threads, handles, memory = server.num_threads(), server.num_fds(), server.memory_full_info().uss
        for number in range(10, 10 + SAVES):
            chance.choice([valid, valid_beside, invalid, invalid])(number)
        valid(9)
        more_memory = server.memory_full_info().uss - memory
        wait_for(lambda: server.num_fds() == handles, "the handles of before")
    finally:
        stopped.set()
        thread.join()
    assert set(answered) == {200}
    assert "Traceback" not in session.said()
    # One of those that answer pages runs already; whether another is begun is up to the scheduler.
    assert server.num_threads() < threads + PAGE_THREADS
    # A contract that is left behind has some 10 MiB.
    print(f"{SAVES} saves: {more_memory / 2**20:.1f} MiB more, {len(answered)} answers meanwhile")
    assert more_memory < 40 * 2**20
