"""A store of a few models in memory, as blueprints need one."""

import contextlib
import copy
import uuid
from dataclasses import dataclass, field
from types import SimpleNamespace

from app import errors
from app.contract.compile.models import collections
from tests.contract_files import shipped

REQUIRED = object()
FLOW, STAGE_BINDING, POLICY_BINDING = (
    "authentik_flows.flow",
    "authentik_flows.flowstagebinding",
    "authentik_policies.policybinding",
)
DUMMY, PROMPT_STAGE, IDENTIFICATION = (
    "authentik_stages_dummy.dummystage",
    "authentik_stages_prompt.promptstage",
    "authentik_stages_identification.identificationstage",
)
PROMPT, DUMMY_POLICY, EXPRESSION = (
    "authentik_stages_prompt.prompt",
    "authentik_policies_dummy.dummypolicy",
    "authentik_policies_expression.expressionpolicy",
)

# Of each model: its collection; each member's type, or the values that it may have, and its default; and where members lead to.
MODELS = {
    FLOW: (
        "flows",
        {
            "name": (str, REQUIRED),
            "slug": (str, REQUIRED),
            "title": (str, REQUIRED),
            "designation": (("authentication", "recovery", "stage_configuration"), REQUIRED),
            "compatibility_mode": (bool, False),
            "layout": (("stacked", "sidebar_right"), "stacked"),
        },
        {},
    ),
    PROMPT: (
        "prompts",
        {
            "name": (str, REQUIRED),
            "label": (str, REQUIRED),
            "required": (bool, True),
            "order": (int, 0),
            "placeholder": (str, ""),
        },
        {},
    ),
    DUMMY: ("stages", {"name": (str, REQUIRED), "throw_error": (bool, False)}, {}),
    PROMPT_STAGE: (
        "stages",
        {"name": (str, REQUIRED), "fields": (list, REQUIRED), "validation_policies": (list, [])},
        {"fields": ("prompts",), "validation_policies": ("policies",)},
    ),
    IDENTIFICATION: (
        "stages",
        {
            "name": (str, REQUIRED),
            "user_fields": (list, []),
            "show_matched_user": (bool, True),
            "password_stage": (str, None),
            "recovery_flow": (str, None),
            "sources": (list, []),
        },
        {"password_stage": ("stages",), "recovery_flow": ("flows",), "sources": ()},
    ),
    DUMMY_POLICY: (
        "policies",
        {"name": (str, REQUIRED), "execution_logging": (bool, False), "result": (bool, False), "wait_max": (int, 5)},
        {},
    ),
    EXPRESSION: (
        "policies",
        {"name": (str, REQUIRED), "execution_logging": (bool, False), "expression": (str, REQUIRED)},
        {},
    ),
    STAGE_BINDING: (
        "stage_bindings",
        {
            "target": (str, REQUIRED),
            "stage": (str, REQUIRED),
            "order": (int, REQUIRED),
            "evaluate_on_plan": (bool, False),
            "re_evaluate_policies": (bool, True),
        },
        {"target": ("flows",), "stage": ("stages",)},
    ),
    POLICY_BINDING: (
        "policy_bindings",
        {
            "policy": (str, None),
            "target": (str, REQUIRED),
            "order": (int, REQUIRED),
            "negate": (bool, False),
            "enabled": (bool, True),
            "timeout": (int, 30),
        },
        {"policy": ("policies",), "target": ("flows", "stage_bindings")},
    ),
}
UNIQUE = {
    "flows": [("slug",)],
    "prompts": [("name",)],
    "stages": [("name",)],
    "policies": [("name",)],
    "stage_bindings": [("target", "stage", "order")],
    "policy_bindings": [("policy", "target", "order")],
}


@dataclass(frozen=True)
class Model:
    name: str
    collection: str
    properties: dict
    references: dict
    unique: list
    seen_by: tuple = ()
    deleted_by: tuple = ()
    preset: tuple = ()
    set_with: dict = field(default_factory=dict)
    created_by: tuple = ()
    changed_by: tuple = ()
    words: tuple = ()
    leave_out: None = None
    owned_by: str = ""
    numbered: bool = False
    read_only: bool = False
    exported_whole: bool = False

    @property
    def in_responses(self):
        return self.properties

    @property
    def defaults(self):
        return {name: default for name, (_, default) in self.properties.items() if default is not REQUIRED}

    def read_new(self, properties):
        missing = {
            name: ["This field is required."]
            for name, (_, default) in self.properties.items()
            if name not in properties and default is REQUIRED
        }
        read = self._read(properties, missing)
        return copy.deepcopy(self.defaults) | read

    def read_change(self, properties):
        return self._read(properties, {})

    def messages_of(self, error):
        if isinstance(error, errors.NotUnique):
            taken = error.property_name if isinstance(error.property_name, tuple) else (error.property_name,)
            return {taken[0]: [f"{' and '.join(taken)} must be unique."]}
        return {name: [f'Invalid pk "{value}" - object does not exist.'] for name, value in error.values.items()}

    def _read(self, properties, messages):
        read = {name: properties[name] for name in self.properties if name in properties}
        for name, value in read.items():
            kind, default = self.properties[name]
            if value is None and default is not None:
                messages[name] = ["This field may not be null."]
            elif isinstance(kind, tuple) and value not in kind:
                messages[name] = [f'"{value}" is not a valid choice.']
            elif isinstance(kind, type) and value is not None and type(value) is not kind:
                messages[name] = [f"Not a valid {kind.__name__}."]
        if read.get("re_evaluate_policies", True) is False and read.get("evaluate_on_plan") is not True:
            messages = messages or {"non_field_errors": ["Either evaluation must be enabled"]}
        if messages:
            raise errors.Invalid(messages)
        return read


@dataclass
class MemoryStore:
    """Objects by pk: their model and their members."""

    objects: dict = field(default_factory=dict)
    available: bool = True

    def __post_init__(self):
        self.models = {
            name: Model(
                name,
                collection,
                properties,
                {
                    property_name: SimpleNamespace(to=to, many=properties[property_name][0] is list)
                    for property_name, to in references.items()
                },
                [frozenset(unique) for unique in UNIQUE[collection]],
            )
            for name, (collection, properties, references) in MODELS.items()
        }
        self.collections = collections(shipped())
        self.database = self.graph = self

    @contextlib.contextmanager
    def serializable(self):
        if not self.available:
            raise errors.Unavailable
        session = copy.deepcopy(self.objects)
        yield session
        self.objects = session

    write = serializable

    def snapshot(self):
        return contextlib.nullcontext(self.objects)

    def models_of(self, session, pks):
        return {pk: session[pk][0] for pk in pks if pk in session}

    def bound_to(self, session, pks):
        return {
            pk: [
                (kind, key)
                for kind in (STAGE_BINDING, POLICY_BINDING)
                for _, key in sorted(
                    (properties["order"], key)
                    for key, (model, properties) in session.items()
                    if model == kind and properties["target"] == pk
                )
            ]
            for pk in pks
        }

    def repository(self, model):
        return Repository(self, self.models[model])


@dataclass(frozen=True)
class Repository:
    store: MemoryStore
    model: Model

    def find(self, session, identifiers):
        assert not any(isinstance(value, list | dict) for value in identifiers.values())
        return next((pk for pk in session if self._has(session, pk, identifiers)), None)

    def _has(self, session, pk, identifiers):
        model, properties = session[pk]
        return model == self.model.name and all(
            {**properties, "pk": pk}[name] == identifiers[name] for name in identifiers
        )

    def read(self, session, pk, *, lock=False):
        return {"pk": pk, **copy.deepcopy(session[pk][1])}

    def read_many(self, session, pks):
        return {pk: self.read(session, pk) for pk in pks if pk in session}

    def as_stored(self, properties):
        return dict(properties)

    def changes(self, session, pk, properties):
        stored = self.read(session, pk, lock=True)
        return {name: value for name, value in properties.items() if stored[name] != value}

    def add(self, session, properties, pk=None):
        assert properties.keys() == self.model.properties.keys()
        return self._keep(session, pk or str(uuid.uuid4()), dict(properties))

    def change(self, session, pk, properties):
        self._keep(session, pk, session[pk][1] | properties)

    def remove(self, session, pk):
        del session[pk]
        for other, (model, properties) in list(session.items()):
            if model in (STAGE_BINDING, POLICY_BINDING) and other in session and pk in properties.values():
                self.remove(session, other)

    def _keep(self, session, pk, properties):
        missing = {}
        for name, reference in self.model.references.items():
            for value in properties[name] if reference.many else filter(None, [properties[name]]):
                if value not in session or self.store.models[session[value][0]].collection not in reference.to:
                    missing.setdefault(name, value)
        if missing:
            raise errors.DanglingReference(missing)
        for unique in UNIQUE[self.model.collection]:
            for other, (model, its) in session.items():
                same = self.store.models[model].collection == self.model.collection
                if same and other != pk and all(its[name] == properties[name] for name in unique):
                    raise errors.NotUnique(unique[0] if len(unique) == 1 else unique)
        session[pk] = (self.model.name, properties)
        return pk


def stage(name, **properties):
    """An entry of a dummy stage, on a line."""
    parts = {"model": DUMMY, "identifiers": f"{{name: {name}}}"} | properties
    return f"- {{{', '.join(f'{key}: {value}' for key, value in parts.items())}}}\n"


def blueprint(*entries, head="version: 1\n"):
    return (head + "entries:\n" + "".join(entries)).encode()


def actions(outcome):
    """What became of the entries; notes are left aside."""
    return [log["attributes"]["action"] for log in outcome.logs if log["log_level"] != "warning"]


def noted(outcome):
    """What is ignored, as lines; each is a log of its own as well."""
    lines = [str(note) for note in outcome.notes]
    assert sorted(log["event"] for log in outcome.logs if log["log_level"] == "warning") == sorted(lines)
    return lines


def said(outcome):
    """What is wrong, as lines; nothing was applied."""
    assert not outcome.success
    assert outcome.findings
    return [str(finding) for finding in outcome.findings]
