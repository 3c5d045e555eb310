"""The pages of a server, as a browser takes them apart."""

from collections import Counter
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

_ADDRESSES = ("href", "src", "action", "formaction", "data-contract", "xlink:href", "poster", "srcdoc", "style")

# The pages that may run scripts of this server.
WITH_SCRIPTS = ("/docs/", "/flows/", "/outbox/")


class Page(HTMLParser):
    """A page: what elements it has, what attributes these have, where it leads, and its text.

    :param body: the HTML
    """

    def __init__(self, body):
        super().__init__()
        self.elements = set()
        self.addresses = []
        self.text = ""
        self.feed(body)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.add((tag, *(name for name, _ in attrs)))
        self.addresses += [value for name, value in attrs if name in _ADDRESSES]

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.elements.add(("a comment", data))

    def handle_decl(self, decl):
        self.elements.add(("a declaration", decl))

    def unknown_decl(self, data):
        self.elements.add(("a section", data))

    def handle_pi(self, data):
        self.elements.add(("an instruction", data))


def crawled(client, most=1000):
    """The pages that can be reached from the first one, by their path.

    Fails if one leads to another site, or may run scripts that it should not.

    :param most: how many pages of a kind to look at
    """
    pages, waiting, kinds = {}, ["/"], Counter()
    while waiting:
        path = waiting.pop()
        kind = tuple(path.split("/")[:3])
        if path in pages or kinds[kind] >= most:
            continue
        kinds[kind] += 1
        response = client.get(path, token="")
        assert response.status == 200, path
        pages[path] = None
        if not response.headers["content-type"].startswith("text/html"):
            continue
        policy = dict(
            part.strip().partition(" ")[::2] for part in response.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy.get("script-src", "'none'") == ("'self'" if path in WITH_SCRIPTS else "'none'"), path
        page = pages[path] = Page(response.body.decode())
        for address in page.addresses:
            parts = urlsplit(address)
            assert (parts.scheme, parts.netloc) == ("", ""), (path, address)
            waiting.append(urldefrag(urljoin(path, address)).url)
    return {path: page for path, page in pages.items() if page is not None}
