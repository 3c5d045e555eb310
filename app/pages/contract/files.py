"""`/contract/files/<path>`: the files of the contract, line by line and raw."""

from functools import lru_cache

from flask import Response, abort, render_template
from markupsafe import Markup

from app.contract.document.contract import Contract
from app.pages.contract.places import path_of


def file(contract: Contract, path: str) -> str:
    """The page of a file, with an anchor per line. :param path: from the folder of the contract"""
    name, text = _found(contract, path)
    return render_template("contract/file.html", name=contract.public(name), path=path, lines=_lines(text))


def raw_file(contract: Contract, path: str) -> Response:
    """A file, raw. :param path: from the folder of the contract"""
    return Response(_found(contract, path)[1], content_type="text/plain; charset=utf-8")


def _found(contract: Contract, path: str) -> tuple[str, bytes]:
    """Name and text of a file of the contract; no other file is ever read."""
    names = {path_of(contract, name): name for name in contract.texts}
    if path not in names:
        abort(404)
    return names[path], contract.texts[names[path]]


@lru_cache(maxsize=32)
def _lines(text: bytes) -> list[Markup]:
    """The lines of a YAML file as HTML, with a class for each kind of token."""
    # Many servers never show a file: the library is imported on first use.
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import YamlLexer

    lexer = YamlLexer(stripnl=False, ensurenl=True)
    html = highlight(text.decode("utf-8", "replace"), lexer, HtmlFormatter(nowrap=True))
    return [Markup(line) for line in html.removesuffix("\n").split("\n")]  # noqa: S704  # escaped by Pygments
