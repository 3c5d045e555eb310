"""The kinds of stages that can be run: one module per kind, named after the kind's app in authentik.

A module has a class `Stage`: a `Question` sends a challenge, an `Act` acts without one.
"""

import importlib
from functools import cache

from app.executor.stages.kind import Kind

_APPS = "authentik_stages_"


@cache
def kind_of(model: str) -> type[Kind] | None:
    """The kind of a stage; None if it can't be run. :param model: the model of the stage"""
    app = model.partition(".")[0]
    try:
        module = importlib.import_module(f"{__name__}.{app.removeprefix(_APPS)}")
    except ModuleNotFoundError:
        return None
    kind: type[Kind] | None = getattr(module, "Stage", None)
    return kind
