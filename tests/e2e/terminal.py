"""The picture of the README: a terminal session with `flows dev` and curl, as its commands print it.

`make picture` draws it anew.
"""

import html
import os
import re
import subprocess
import tempfile
from pathlib import Path

from tests.commands import FLOWS_COMMAND, ROOT
from tests.contract_files import copied
from tests.serving import wait_for

PICTURE = ROOT / "docs" / "images" / "terminal.svg"

LABEL = "Terminal: flows dev reports a typo in the contract with its line; curl gets a 400 that names a line of the contract."
REQUEST = """\
curl -si http://127.0.0.1:8000/api/v3/flows/instances/ -H "Authorization: Bearer $TOKEN" \\
    -H "Content-Type: application/json" \\
    -d '{"name": "Welcome", "slug": "welcome", "title": "Welcome!", "designation": "holiday"}' \\
    | grep -E 'HTTP|rule|{'"""
TOKEN = "token"
KEYWORD, TYPO = "x-searches: [name, slug, designation", "x-serches: [name, slug, designation"

# Pixels: of a character, of a line, around the text.
_CHARACTER, _LINE, _MARGIN = 7.8, 20, 20

_STYLE = """
    rect { fill: #f6f8fa; stroke: #d1d9e0; }
    text { fill: #1f2328; font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre; }
    .comment { fill: #59636e; }
    .command { font-weight: 600; }
    .place { fill: #0550ae; }
    .mark { fill: #b3261e; }
    @media (prefers-color-scheme: dark) {
      rect { fill: #151b23; stroke: #3d444d; }
      text { fill: #f0f6fc; }
      .comment { fill: #9198a1; }
      .place { fill: #79c0ff; }
      .mark { fill: #ff8e85; }
    }
"""


def session():
    """The lines of the session, from a server that is started for it."""
    with tempfile.TemporaryDirectory() as folder:
        contract = copied(Path(folder) / "openapi")
        text = contract.read_text("utf-8")
        output = Path(folder) / "output"
        environment = {
            "FLOWS_CONTRACT": str(contract),
            "FLOWS_DATABASE_URL": f"sqlite:///{folder}/flows.sqlite3",
            "FLOWS_BOOTSTRAP_TOKEN": TOKEN,
            "FLOWS_PORT": "0",
        }
        with output.open("wb") as file:
            server = subprocess.Popen(
                [FLOWS_COMMAND, "dev"], env=environment, cwd=folder, stdout=file, stderr=subprocess.STDOUT
            )
        try:
            return list(_lines(server, output, contract, text))
        finally:
            server.terminate()
            server.wait(30)


def _lines(server, output, contract, text):
    def printed(pattern):
        assert server.poll() is None, output.read_text("utf-8")
        return re.search(pattern, output.read_text("utf-8"), re.DOTALL | re.MULTILINE)

    url = wait_for(lambda: printed(r"^URL: +(\S+)$"), "the URL of the server")[1]
    wait_for(lambda: _bash(f"curl -s {url}schema/"), "the first response")
    contract.write_text(text.replace(KEYWORD, TYPO), "utf-8")
    finding = wait_for(lambda: printed(r"^openapi/\S+ The extension.*?to end that\.$"), "the finding")[0]
    contract.write_text(text, "utf-8")
    served = wait_for(lambda: printed(r"^\S+ is served, after \d+ ms\.$"), "the correction")[0]
    response = _bash(REQUEST.replace("http://127.0.0.1:8000/api/v3/", url))
    yield "$ make dev"
    yield "URL:   http://127.0.0.1:8000/api/v3/"
    yield "# Save a typo in the contract ..."
    yield from finding.splitlines()
    yield "# ... and correct it:"
    yield served
    yield ""
    yield from f"$ {REQUEST}".splitlines()
    yield from response.splitlines()


def _bash(command):
    environment = {"PATH": os.environ["PATH"], "TOKEN": TOKEN}
    return subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=30, check=False
    ).stdout


def drawn():
    """The session as SVG, readable on light and dark pages."""
    lines = session()
    width = round(max(map(len, lines)) * _CHARACTER + 2 * _MARGIN)
    height = len(lines) * _LINE + 2 * _MARGIN
    texts = "\n".join(
        f'  <text x="{_MARGIN}" y="{_MARGIN + 14 + number * _LINE}"{_class(line)}>{_marked(line)}</text>'
        for number, line in enumerate(lines)
        if line
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img">\n  <title>{LABEL}</title>\n  <style>{_STYLE}  </style>\n'
        f'  <rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>\n{texts}\n</svg>\n'
    )


def _class(line):
    for name, pattern in (("comment", "#"), ("command", r"\$|    [-|]"), ("mark", r"> +\d+ \||.*\| +\^$")):
        if re.match(pattern, line):
            return f' class="{name}"'
    return ""


def _marked(line):
    return re.sub(r"(\S+:\d+:\d+)", r'<tspan class="place">\1</tspan>', html.escape(line, quote=False))


if __name__ == "__main__":
    PICTURE.write_text(drawn(), "utf-8")
