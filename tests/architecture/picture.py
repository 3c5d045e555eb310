"""The pictures of `docs/architecture.md`: the packages, from their imports, and the path of a request, from a request.

`make picture` draws them anew.
"""

import json
import re
import socket
import tempfile
import threading
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import grimp

import app
from app import logs
from app.application import create_app, load_contract, open_store
from app.settings import Settings
from tests.serving import served

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
PACKAGE = Path(app.__file__).parent

CONTAINERS = ("app", "app.contract", "app.store")

# What a request makes one package ask of another, in order.
STEPS = {
    ("server", "contract.serve"): "request",
    ("contract.serve", "contract.compile"): "find the plan of the path and method",
    ("contract.serve", "server"): "take the body",
    ("contract.serve", "contract.request"): "check credentials, read query and body",
    ("contract.request", "store"): "look up the token",
    ("contract.serve", "store"): "begin a unit of work",
    ("contract.serve", "handlers"): "call the handler",
    ("handlers", "store"): "write the row",
    ("contract.serve", "contract.response"): "validate and encode the result",
    ("contract.response", "representations"): "shape the row",
    ("store", "store"): "commit, together with other requests",
}


def imports(container):
    """The children of a package, each with those of them that it imports."""
    graph = grimp.build_graph("app", cache_dir=None)
    found = {}
    for child in sorted(graph.find_children(container)):
        modules = {child} | graph.find_descendants(child)
        imported = set().union(*map(graph.find_modules_directly_imported_by, modules))
        below = {module.removeprefix(f"{container}.") for module in imported if module.startswith(f"{container}.")}
        name = child.removeprefix(f"{container}.")
        found[name] = {module.partition(".")[0] for module in below} - {name}
    return found


def reachable(graph, start):
    """All nodes that some nodes of a graph lead to, without those that start is."""
    found, waiting = set(), list(start)
    while waiting:
        for node in graph[waiting.pop()] - found:
            found.add(node)
            waiting.append(node)
    return found


def rooms(container):
    """The diagram of what is in a package. An import that others imply is left out."""
    graph = imports(container)
    if container == "app":
        shown = graph.keys() - basic_modules(graph) - {"__main__"}
        graph = {name: graph[name] & shown for name in sorted(shown)}
    lines = ["flowchart TD"]
    for name, imported in graph.items():
        needed = imported - reachable(graph, imported)
        lines += [f"    {name} --> {other}" for other in sorted(needed)]
        if not needed and not any(name in others for others in graph.values()):
            lines.append(f"    {name}")
    return lines


def basic_modules(graph):
    """The modules of `app`, not packages, that import nothing but one another."""
    modules = {name for name in graph if (PACKAGE / f"{name}.py").exists()}
    found = set()
    while more := {name for name in modules - found if graph[name] <= found}:
        found |= more
    return found


@cache
def path_of_a_request():
    """The packages that call one another to create a flow on SQLite, each pair once, in order."""
    calls = {}

    def watch(frame, event, _):
        if event == "call" and (room := _room(frame)) is not None:
            caller = frame.f_back
            while caller is not None and _room(caller) is None:
                caller = caller.f_back
            if (origin := "" if caller is None else _room(caller)) != room:
                calls.setdefault((origin, room))

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/flows.sqlite3")
        contract = load_contract(settings)
        store = open_store(settings, contract)
        store.migrate()
        token = store.tokens.add("token", superuser=True)
        threading.setprofile(watch)
        try:
            with served(create_app(settings, contract=contract, store=store)) as url:
                # The first request for a path compiles it.
                _send(url, token, "first")
                calls.clear()
                _send(url, token, "second")
                found = list(calls)
        finally:
            threading.setprofile(None)
    # The event loop calls the server, the rest of a request that has waited, and the commit.
    found = [("store", "store") if pair == ("", "store") else pair for pair in found]
    return [(caller, called) for caller, called in found if caller]


def _send(url, token, slug):
    """Create a flow. Head and body are sent as one segment, so that all calls come in the same order each time."""
    body = json.dumps({"name": "A", "slug": slug, "title": "A", "designation": "recovery"})
    address = urlsplit(url)
    head = (
        f"POST /api/v3/flows/instances/ HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall((head + body).encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 201 ")


def _room(frame):
    """The package that a frame belongs to; None for a module on its own and for other code."""
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(PACKAGE):
        return None
    first, *rest = path.relative_to(PACKAGE).with_suffix("").parts
    if not rest:
        return None
    return f"{first}.{rest[0]}" if first == "contract" else first


def request():
    """The diagram of the path of a request."""
    steps = path_of_a_request()
    lines = ["sequenceDiagram", "    participant client"]
    lines += [f"    participant {name}" for name in dict.fromkeys(name for step in steps for name in step)]
    lines.append("    client ->> server: POST /api/v3/flows/instances/")
    lines += [f"    {caller} ->> {called}: {STEPS[caller, called]}" for caller, called in steps]
    return [*lines, "    contract.serve -->> server: response", "    server -->> client: 201"]


def drawn(text):
    """A page with the pictures drawn anew."""
    pictures = {f"rooms of {container}": rooms(container) for container in CONTAINERS} | {"request": request()}
    for name, lines in pictures.items():
        block = "\n".join(["```mermaid", *lines, "```", ""])
        text, count = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda found, block=block: found[1] + block + found[2],
            text,
            flags=re.DOTALL,
        )
        assert count == 1, name
    return text


if __name__ == "__main__":
    logs.configure("error", "json")
    PAGE.write_text(drawn(PAGE.read_text("utf-8")), "utf-8")
