"""Mermaid flowcharts of flows, with the text of authentik's."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from app.domain import Model
from app.store.collections.flow_tree import BoundStage, Structure
from app.store.queries.binding_views import PolicyBindingRow


class Shape(Enum):
    """The outline of a node, as the brackets of Mermaid."""

    POINT = "[[", "]]"
    STAGE = "([", "])"
    POLICY = "{{", "}}"
    BOX = "[", "]"


class Node(NamedTuple):
    """A node of a flowchart. A later one with the same name replaces it.

    :param text: its lines
    """

    name: str
    shape: Shape
    text: str

    def __str__(self) -> str:
        before, after = self.shape.value
        return f'{self.name}{before}"{self.text.replace(chr(34), "#quot;")}"{after}'


class Edge(NamedTuple):
    """An edge of a flowchart.

    :param source: the name of a node; empty for the last node of the line before
    """

    source: str
    label: str
    target: Node

    def __str__(self) -> str:
        arrow = f"--{self.label}-->" if self.label else "-->"
        return f"{self.source} {arrow} {self.target}" if self.source else f"{arrow} {self.target}"


Line = Node | Edge

# No requirement is drawn for flows that everyone may enter.
_OPEN = "none"


def flowchart(structure: Structure, models: Mapping[str, Model]) -> list[Line]:
    """The flowchart of a flow, line by line.

    :param structure: the flow, limited to the visible parts
    :param models: the models, for the names of stages and policies
    """
    return [*_entrance(structure), *_start(structure, models), *_stages(structure, models)]


def mermaid(lines: Sequence[Line]) -> str:
    """The text of a flowchart for Mermaid."""
    return "\n".join(["graph TD", *map(str, lines)])


def name_of(model: str, models: Mapping[str, Model]) -> str:
    """The display name of a model; its technical name if the contract no longer has it."""
    return models[model].verbose_name if model in models else model


def _entrance(structure: Structure) -> list[Line]:
    """The requirement to enter the flow."""
    required = structure.flow.authentication
    if required == _OPEN:
        return []
    return [
        Node("flow_auth_requirement", Shape.BOX, f"Flow authentication requirement\n{required}"),
        Edge("flow_auth_requirement", "Requirement not fulfilled", _end()),
        # authentik draws the start twice; the next element with its name replaces this text.
        Edge("flow_auth_requirement", "Requirement fulfilled", Node("flow_start", Shape.BOX, "placeholder")),
    ]


def _start(structure: Structure, models: Mapping[str, Model]) -> list[Line]:
    """The flow itself, after its policies."""
    start = Node("flow_start", Shape.POINT, f"Flow\n{structure.flow.name}")
    bindings = structure.policies
    if not bindings:
        return [start]
    return [
        Node("flow_pre", Shape.POINT, "Pre-flow policies"),
        *(
            Edge("flow_pre", f"Binding {binding.order}", _policy(f"flow_policy_{index}", binding, models))
            for index, binding in enumerate(bindings)
        ),
        *(Edge(f"flow_policy_{index}", "Policy denied", _end()) for index in range(len(bindings))),
        *(Edge(f"flow_policy_{index}", "", start) for index in range(len(bindings))),
    ]


def _stages(structure: Structure, models: Mapping[str, Model]) -> list[Line]:
    """The stages one after the other, and the end."""
    lines: list[Line] = []
    drawn = [_stage(index, stage, models) for index, stage in enumerate(structure.stages)]
    for index, stage in enumerate(structure.stages):
        lines += _each(_guards(index, stage), "Policy passed" if stage.policies else "", drawn[index])
    before = "flow_start"
    guards_before: list[str] = []
    for index, stage in enumerate(structure.stages):
        for guard, binding in zip(_guards(index, stage), stage.policies, strict=True):
            lines.append(Edge(before, "", _policy(guard, binding, models)))
        lines += [Edge(guard, "Policy denied", drawn[index]) for guard in guards_before]
        before, guards_before = f"stage_{index}", _guards(index, stage)
    return [*lines, Edge(before, "", _end())]


def _guards(index: int, stage: BoundStage) -> list[str]:
    return [f"stage_{index}_policy_{number}" for number in range(len(stage.policies))]


def _stage(index: int, stage: BoundStage, models: Mapping[str, Model]) -> Node:
    binding = stage.binding
    kind = name_of(binding.stage_model, models)
    return Node(f"stage_{index}", Shape.STAGE, f"Stage ({kind})\n{binding.stage_name}")


def _policy(name: str, binding: PolicyBindingRow, models: Mapping[str, Model]) -> Node:
    kind = name_of(binding.policy_model, models)
    return Node(name, Shape.POLICY, f"Policy ({kind})\n{binding.policy_name}")


def _end() -> Node:
    return Node("done", Shape.POINT, "End of the flow")


def _each(sources: Sequence[str], label: str, target: Node) -> list[Line]:
    """An edge from each source, or from the node before if there is none."""
    return [Edge(source, label, target) for source in sources or ("",)]
