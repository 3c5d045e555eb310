"""The layout of a flowchart: rows of boxes from top to bottom, and lines between them."""

import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import count
from typing import NamedTuple

from app.diagrams.diagram import Edge, Line, Node

# Sizes in pixels: of a box, of the gaps between boxes and between rows, of a track, and of a line
# of labels.
BOX_WIDTH, BOX_HEIGHT = 216, 76
_GAP, _ROW_GAP, _TRACK, _LABEL = 24, 72, 20, 14

# The number of letters in a line of a box, and in its title; wide ones (Unicode, UAX #11) are twice as wide.
_LETTERS, _TITLE = 28, 36

_MARGIN = 8


class Box(NamedTuple):
    """A node at its place.

    :param x: of its centre
    :param y: of its upper edge
    :param shape: the name of its outline
    :param lines: its text, cut to what fits
    """

    x: float
    y: float
    shape: str
    lines: list[str]
    text: str


class Path(NamedTuple):
    """An edge at its place.

    :param points: the path as SVG has it, which ends at the top of a box
    :param x: of the end
    :param y: of the end
    :param label_x: of the middle of the label
    :param label_y: of the base line of the label
    """

    points: str
    x: float
    y: float
    label: str
    label_x: float
    label_y: float


class Drawing(NamedTuple):
    """A flowchart with the place of each part, in pixels."""

    width: float
    height: float
    boxes: list[Box]
    paths: list[Path]


def draw(lines: Sequence[Line]) -> Drawing:
    """Lay out a flowchart without cycles.

    Each node stands below all nodes that lead to it. An edge that passes a row runs in a track to the right of all boxes.
    """
    nodes, edges = _parts(lines)
    rows = _rows(nodes, edges)
    places, widest = _places(nodes, rows)
    tracks = _tracks(edges, rows)
    paths = []
    labels = Counter[str]()
    for source, label, target in edges:
        if (source, target) in tracks:
            labels[source] += 1
            track = widest + tracks[source, target] * _TRACK
            paths.append(_path_by_track(places[source], places[target], label, track, labels[source]))
        else:
            paths.append(_path(places[source], places[target], label))
    boxes = [Box(*places[name], node.shape.name.lower(), _fitted(node.text), node.text) for name, node in nodes.items()]
    right = widest + (max(tracks.values(), default=-1) + 1) * _TRACK + _MARGIN
    height = (max(rows.values()) + 1) * (BOX_HEIGHT + _ROW_GAP) - _ROW_GAP + 2 * _MARGIN
    return Drawing(right, height, boxes, paths)


def _parts(lines: Iterable[Line]) -> tuple[dict[str, Node], list[tuple[str, str, str]]]:
    """The nodes by name, and the edges: source, label and target."""
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str, str], None] = {}
    before = ""
    for line in lines:
        node = line.target if isinstance(line, Edge) else line
        nodes[node.name] = node
        if isinstance(line, Edge):
            edges[line.source or before, line.label, node.name] = None
        before = node.name
    return nodes, list(edges)


def _rows(nodes: Iterable[str], edges: Sequence[tuple[str, str, str]]) -> dict[str, int]:
    """The row of each node: the length of the longest way to it."""
    sources: dict[str, list[str]] = {name: [] for name in nodes}
    for source, _, target in edges:
        sources[target].append(source)
    rows: dict[str, int] = {}
    for name in TopologicalSorter(sources).static_order():
        rows[name] = 1 + max((rows[source] for source in sources[name]), default=-1)
    return rows


def _places(nodes: Iterable[str], rows: Mapping[str, int]) -> tuple[dict[str, tuple[float, float]], float]:
    """Centre and upper edge of each node, and the place of the first track. Rows are centred above each other."""
    members: dict[int, list[str]] = {}
    for name in nodes:
        members.setdefault(rows[name], []).append(name)
    width = max(len(names) for names in members.values()) * (BOX_WIDTH + _GAP) - _GAP
    places: dict[str, tuple[float, float]] = {}
    for row, names in members.items():
        left = _MARGIN + (width - len(names) * (BOX_WIDTH + _GAP) + _GAP) / 2
        for index, name in enumerate(names):
            x = left + index * (BOX_WIDTH + _GAP) + BOX_WIDTH / 2
            places[name] = x, row * (BOX_HEIGHT + _ROW_GAP) + _MARGIN
    return places, _MARGIN + width + _TRACK


def _tracks(edges: Iterable[tuple[str, str, str]], rows: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """The track of each edge that passes a row. Edges to one node share a track, and tracks side by side a number."""
    first: dict[str, int] = {}
    long = [(source, target) for source, _, target in edges if rows[target] - rows[source] > 1]
    for source, target in long:
        first[target] = min(first.get(target, rows[source]), rows[source])
    taken: dict[int, list[tuple[int, int]]] = {}
    tracks: dict[str, int] = {}
    for target, row in sorted(first.items(), key=lambda item: rows[item[0]] - item[1]):
        tracks[target] = next(
            track
            for track in count()
            if all(rows[target] <= begin or end <= row for begin, end in taken.get(track, ()))
        )
        taken.setdefault(tracks[target], []).append((row, rows[target]))
    return {(source, target): tracks[target] for source, target in long}


def _path(source: tuple[float, float], target: tuple[float, float], label: str) -> Path:
    """An edge from the bottom of a box to the top of a box in the next row."""
    (x, top), (end_x, end_y) = source, target
    y = top + BOX_HEIGHT
    middle = (y + end_y) / 2
    points = f"M{x:g} {y:g}C{x:g} {middle:g} {end_x:g} {middle:g} {end_x:g} {end_y:g}"
    return Path(points, end_x, end_y, label, (x + end_x) / 2, middle + 4)


def _path_by_track(
    source: tuple[float, float], target: tuple[float, float], label: str, track: float, number: int
) -> Path:
    """An edge that passes a row.

    :param track: the place of the track
    :param number: the line of its label, from 1
    """
    (x, top), (end_x, end_y) = source, target
    x, y, half = x + BOX_WIDTH / 4, top + BOX_HEIGHT, _ROW_GAP / 2
    points = (
        f"M{x:g} {y:g}C{x:g} {y + half:g} {track:g} {y + half:g} {track:g} {y + _ROW_GAP:g}"
        f"L{track:g} {end_y - _ROW_GAP:g}C{track:g} {end_y - half:g} {end_x:g} {end_y - half:g} {end_x:g} {end_y:g}"
    )
    return Path(points, end_x, end_y, label, x + BOX_WIDTH / 4, y + number * _LABEL)


def _fitted(text: str) -> list[str]:
    """The lines of a text in a box: a title, and at most two lines of a name."""
    title, _, name = text.partition("\n")
    is_wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in name)
    letters = _LETTERS // 2 if is_wide else _LETTERS
    return [
        textwrap.shorten(title, _TITLE, placeholder=" …"),
        *textwrap.wrap(name, letters, max_lines=2, placeholder=" …"),
    ]
