"""Mermaid flowcharts of flows, with the text of authentik's."""

from collections.abc import Mapping, Sequence

from app.domain import Model
from app.store.collections.flow_tree import BoundStage, Structure
from app.store.queries.binding_views import PolicyBindingRow

_Shape = tuple[str, str]

_POINT: _Shape = ("[[", "]]")
_STAGE: _Shape = ("([", "])")
_POLICY: _Shape = ("{{", "}}")
_BOX: _Shape = ("[", "]")

# No requirement is drawn for flows that everyone may enter.
_OPEN = "none"


def diagram(structure: Structure, models: Mapping[str, Model]) -> str:
    """Draw the flowchart of a flow.

    :param structure: the flow, limited to the visible parts
    :param models: the models, for the names of stages and policies
    """
    return "\n".join(["graph TD", *_entrance(structure), *_start(structure, models), *_stages(structure, models)])


def _entrance(structure: Structure) -> list[str]:
    """The requirement to enter the flow."""
    required = structure.flow.authentication
    if required == _OPEN:
        return []
    return [
        _element("flow_auth_requirement", _BOX, f"Flow authentication requirement\n{required}"),
        _edge("flow_auth_requirement", "Requirement not fulfilled", _end()),
        # authentik draws the start twice; the next element with its name replaces this text.
        _edge("flow_auth_requirement", "Requirement fulfilled", _element("flow_start", _BOX, "placeholder")),
    ]


def _start(structure: Structure, models: Mapping[str, Model]) -> list[str]:
    """The flow itself, after its policies."""
    start = _element("flow_start", _POINT, f"Flow\n{structure.flow.name}")
    bindings = structure.policies
    if not bindings:
        return [start]
    return [
        _element("flow_pre", _POINT, "Pre-flow policies"),
        *(
            _edge("flow_pre", f"Binding {binding.order}", _policy(f"flow_policy_{index}", binding, models))
            for index, binding in enumerate(bindings)
        ),
        *(_edge(f"flow_policy_{index}", "Policy denied", _end()) for index in range(len(bindings))),
        *(_edge(f"flow_policy_{index}", "", start) for index in range(len(bindings))),
    ]


def _stages(structure: Structure, models: Mapping[str, Model]) -> list[str]:
    """The stages one after the other, and the end."""
    lines: list[str] = []
    drawn = [_stage(index, stage, models) for index, stage in enumerate(structure.stages)]
    for index, stage in enumerate(structure.stages):
        lines += _each(_guards(index, stage), "Policy passed" if stage.policies else "", drawn[index])
    before = "flow_start"
    guards_before: list[str] = []
    for index, stage in enumerate(structure.stages):
        for guard, binding in zip(_guards(index, stage), stage.policies, strict=True):
            lines.append(_edge(before, "", _policy(guard, binding, models)))
        lines += [_edge(guard, "Policy denied", drawn[index]) for guard in guards_before]
        before, guards_before = f"stage_{index}", _guards(index, stage)
    return [*lines, _edge(before, "", _end())]


def _guards(index: int, stage: BoundStage) -> list[str]:
    return [f"stage_{index}_policy_{number}" for number in range(len(stage.policies))]


def _stage(index: int, stage: BoundStage, models: Mapping[str, Model]) -> str:
    binding = stage.binding
    kind = _name_of(binding.stage_model, models)
    return _element(f"stage_{index}", _STAGE, f"Stage ({kind})\n{binding.stage_name}")


def _policy(name: str, binding: PolicyBindingRow, models: Mapping[str, Model]) -> str:
    kind = _name_of(binding.policy_model, models)
    return _element(name, _POLICY, f"Policy ({kind})\n{binding.policy_name}")


def _name_of(model: str, models: Mapping[str, Model]) -> str:
    """The display name of a model; its technical name if the contract no longer has it."""
    return models[model].verbose_name if model in models else model


def _end() -> str:
    return _element("done", _POINT, "End of the flow")


def _element(name: str, shape: _Shape, text: str) -> str:
    before, after = shape
    return f'{name}{before}"{text.replace(chr(34), "#quot;")}"{after}'


def _edge(source: str, label: str, element: str) -> str:
    return f"{source} {_arrow(label)} {element}"


def _each(sources: Sequence[str], label: str, element: str) -> list[str]:
    """An edge from each source, or an edge without a source if there is none."""
    return [_edge(source, label, element) for source in sources] or [f"{_arrow(label)} {element}"]


def _arrow(label: str) -> str:
    return f"--{label}-->" if label else "-->"
