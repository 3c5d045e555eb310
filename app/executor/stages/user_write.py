"""User write stages, which create a user from the values of prompts, or change one."""

from typing import Any

from app import errors, passwords
from app.executor.people import Person
from app.executor.plan import PENDING_USER, PROMPT_DATA, without_secrets
from app.executor.stages.kind import Act
from app.executor.steps import Step
from app.store.queries.people import USERS

_NO_DATA = "No Pending data."
_NO_USER = "No user found and can't create new user."
_FAILED = "Failed to update user. Please try again later."
_ATTRIBUTES = "attributes"
_PASSWORD = "password"  # noqa: S105  # a key


class Stage(Act):
    """See `Act`."""

    def act(self) -> Step:
        """Write the user."""
        run = self.run
        data = dict(run.context.get(PROMPT_DATA) or {})
        if not data:
            return run.deny(_NO_DATA)
        # A mode has the name of the method that follows it.
        may_create, user = getattr(self, f"_{self.stage.user_creation_mode}")(run.pending, run.caller)
        if user is None and not may_create:
            return run.deny(_NO_USER)
        data.pop("component", None)
        data["created"] = user is None
        properties = self._properties(data, user)
        model = self._model
        name = properties.get(model.named_by, user.username if user is not None else "")
        if not name:
            return run.deny()
        try:
            written = self._written(user, properties, data.get(_PASSWORD))
        except (errors.Invalid, errors.NotUnique, errors.DanglingReference):
            return run.deny(_FAILED)
        data.pop(_PASSWORD, None)
        run.context.update({PROMPT_DATA: data, PENDING_USER: written.in_context})
        # They would stay in the store for as long as the flow.
        run.context[PROMPT_DATA] = without_secrets(run.context)
        return run.done()

    def _never_create(self, pending: Person | None, caller: Person | None) -> tuple[bool, Person | None]:
        return False, _stored(pending, caller)

    def _create_when_required(self, pending: Person | None, caller: Person | None) -> tuple[bool, Person | None]:
        return True, _stored(pending, caller)

    def _always_create(self, _pending: Person | None, _caller: Person | None) -> tuple[bool, None]:
        return True, None

    @property
    def _model(self) -> Any:
        """The model of users."""
        return self.run.store.model_of(USERS)

    def _properties(self, data: dict[str, Any], user: Person | None) -> dict[str, Any]:
        """The properties of the user in the data of prompts. Unknown properties, and those that no client may set, are dropped."""
        model = self._model
        writable = model.properties.keys() - model.references.keys()
        found = {name: value for name, value in data.items() if name in writable and name != _ATTRIBUTES}
        attributes = dict(user.values.get(_ATTRIBUTES, {})) if user is not None else {}
        before = dict(attributes)
        for name, value in data.items():
            if name == _ATTRIBUTES and isinstance(value, dict):
                _merge(attributes, value)
            elif name.startswith(f"{_ATTRIBUTES}_"):
                tree = value
                for key in reversed(name.split("_")[1:]):
                    tree = {key: tree}
                _merge(attributes, tree)
        return {**found, _ATTRIBUTES: attributes} if attributes != before else found

    def _written(self, user: Person | None, properties: dict[str, Any], password: Any) -> Person:
        """Store the user. :raises Invalid: :raises NotUnique: :raises DanglingReference:"""
        store, model, stage = self.run.store, self._model, self.stage
        hashed = None
        if isinstance(password, str) and password:
            hashed = self.run.exchange.compute(f"new password of {self.run.stage.binding}", passwords.hashed, password)
        if user is None:
            new = {
                "name": "",
                "path": stage.user_path_template or model.defaults["path"],
                "type": stage.user_type,
                "is_active": not stage.create_users_as_inactive,
                "groups": [stage.create_users_group] if stage.create_users_group else [],
            }
            made = model.read_new({**new, **properties})
            row = store.objects.add(model.name, {**model.defaults, **made})
        else:
            row = store.objects.change(model.name, user.pk, model.read_change(properties))
        if hashed is not None:
            store.passwords.set(row.pk, hashed)
        written = Person(row)
        if hashed is not None or not written.is_active:
            own = self.run.session.stored
            store.sessions.remove_others(row.pk, own.digest if own is not None else "")
        return written


def _stored(*people: Person | None) -> Person | None:
    """The first user who is stored."""
    return next((one for one in people if one is not None and one.pk), None)


def _merge(target: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            target[key] = dict(target[key])
            _merge(target[key], value)
        else:
            target[key] = value
