"""The layout of flowcharts."""

import itertools
import re

import pytest

from app.diagrams.diagram import Edge, Node, Shape, mermaid
from app.diagrams.drawing import BOX_HEIGHT, BOX_WIDTH, draw


def node(name, text="Title\nName"):
    return Node(name, Shape.STAGE, text)


def chain(*names):
    return [node(names[0]), *(Edge("", "", node(name)) for name in names[1:])]


FLOWCHARTS = {
    "one node": [node("a")],
    "a chain of nodes": chain("a", "b", "c"),
    "an edge that passes rows": [*chain("a", "b", "c", "d"), Edge("a", "far", node("d"))],
    "edges that pass each other": [
        *chain("a", "b", "c", "d", "e"),
        Edge("a", "1", node("d")),
        Edge("b", "2", node("e")),
        Edge("a", "3", node("e")),
    ],
    "several ways to a node": [
        node("a"),
        *(Edge("a", f"Binding {number}", node(f"p{number}")) for number in range(5)),
        *(Edge(f"p{number}", "Policy passed", node("b")) for number in range(5)),
        *(Edge(f"p{number}", "Policy denied", node("c")) for number in range(5)),
        Edge("b", "", node("c")),
    ],
}


@pytest.mark.parametrize("lines", FLOWCHARTS.values(), ids=FLOWCHARTS)
def test_boxes_do_not_overlap_and_edges_lead_down_past_them(lines):
    drawing = draw(lines)
    edges = [line for line in lines if isinstance(line, Edge)]
    assert len(drawing.boxes) == len({line.target.name if isinstance(line, Edge) else line.name for line in lines})
    assert len(drawing.paths) == len(edges)
    for one, other in itertools.combinations(drawing.boxes, 2):
        assert abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
    edge_of_boxes = max(box.x for box in drawing.boxes) + BOX_WIDTH / 2
    for path in drawing.paths:
        points = [float(number) for number in re.findall(r"[\d.]+", path.points)]
        across, down = points[::2], points[1::2]
        assert down == sorted(down)
        assert (path.x, path.y) == (across[-1], down[-1])
        assert (path.x, path.y) in {(box.x, box.y) for box in drawing.boxes}
        assert max(across) < drawing.width
        assert max(down) < drawing.height
        if down[-1] - down[0] > BOX_HEIGHT:
            # It passes a row.
            assert max(across) > edge_of_boxes
    labels = [(path.label_x, path.label_y) for path in drawing.paths if path.label]
    assert len(labels) == len(set(labels))


def test_a_later_node_replaces_the_text_of_an_earlier_one():
    drawing = draw([node("a"), Edge("a", "", node("b", "placeholder")), node("b", "Flow\nLogin")])
    assert [box.lines for box in drawing.boxes] == [["Title", "Name"], ["Flow", "Login"]]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Only a title", ["Only a title"]),
        ("Stage\none two", ["Stage", "one two"]),
        ("Stage\n" + "word " * 20, ["Stage", "word word word word word", "word word word word word …"]),
        ("Stage\n" + "x" * 30, ["Stage", "x" * 28, "xx"]),
        ("Stage\n" + "\u540d" * 20, ["Stage", "\u540d" * 14, "\u540d" * 6]),
        ("Stage\n", ["Stage"]),
        ("Stage\n" + "ü" * 30, ["Stage", "ü" * 28, "üü"]),
        ("Stage (WebAuthn Authenticator Setup Stage)\nx", ["Stage (WebAuthn Authenticator …", "x"]),
    ],
)
def test_a_text_is_cut_to_what_fits(text, lines):
    (box,) = draw([node("a", text)]).boxes
    assert (box.lines, box.text) == (lines, text)


def test_a_chain_of_thousands_of_nodes_is_drawn():
    names = [str(number) for number in range(5_000)]
    assert len(draw(chain(*names)).boxes) == 5_000


def test_the_text_for_mermaid_has_a_line_for_each_node_and_edge():
    lines = [node("a", 'The "first"'), Edge("", "", node("b")), Edge("a", "again", node("b"))]
    assert mermaid(lines).split("\n") == [
        "graph TD",
        'a(["The #quot;first#quot;"])',
        '--> b(["Title',
        'Name"])',
        'a --again--> b(["Title',
        'Name"])',
    ]
