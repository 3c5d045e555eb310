"""The five operations that are timed: what is sent, and what a right answer is."""

from dataclasses import dataclass

BASE = "/api/v3/flows/instances/"

# Where a request carries its number, which makes it one of its kind: 7 digits, so that all are of one length.
NUMBER = "{number}"

# Where a path carries the number of a flow that is there, by turns of 16 whose answers are of one length.
FLOW = "{flow}"
FLOWS = 100


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of request.

    :param name: what tables call it
    :param method: in capital letters
    :param path: path and query, `FLOW` in it replaced by the number of a flow
    :param status: of a right answer
    :param body: JSON text, `NUMBER` in it replaced by the number of the request; empty for none
    """

    name: str
    method: str
    path: str
    status: int
    body: str = ""

    @property
    def constant(self) -> bool:
        """Whether each right answer is the same, byte by byte; otherwise only its length is."""
        return NUMBER not in self.body

    def target(self, number: int) -> str:
        """The path and query of the request of a number."""
        return self.path.replace(FLOW, f"{number % 16 * 6:07}")

    def content(self, number: int) -> str:
        """The body of the request of a number."""
        return self.body.replace(NUMBER, f"{number:07}")


LIST = Operation("list 20", "GET", f"{BASE}?page_size=20", 200)
SEARCH = Operation("search", "GET", f"{BASE}?page_size=20&search=journey", 200)
RETRIEVE = Operation("retrieve", "GET", f"{BASE}flow-0000042/", 200)
CREATE = Operation(
    "create",
    "POST",
    BASE,
    201,
    '{"name": "Created NUMBER", "slug": "created-NUMBER", "title": "A journey", "designation": "enrollment"}'.replace(
        "NUMBER", NUMBER
    ),
)
# One flow after the other, and a new title each time: some frameworks leave out a change that changes nothing.
PATCH = Operation("patch", "PATCH", f"{BASE}flow-{FLOW}/", 200, f'{{"title": "A changed journey {NUMBER}"}}')

OPERATIONS: tuple[Operation, ...] = (LIST, SEARCH, RETRIEVE, CREATE, PATCH)

CREATED_PREFIX = "created-"
"""How the slugs of flows begin that a run created."""
