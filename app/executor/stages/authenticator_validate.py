"""Authenticator validation stages, which verify a device of the user."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from app import errors
from app.executor.cookies import DEVICE, cookies_of, device_in, set_device
from app.executor.devices import attempts
from app.executor.durations import seconds_of
from app.executor.people import Person, person
from app.executor.plan import PENDING_USER, PlannedStage, Properties
from app.executor.planning import unbound_stage
from app.executor.run import Run
from app.executor.stages.kind import NON_FIELD_ERRORS, Question, wrong
from app.executor.steps import Step
from app.store.collections.devices import StoredDevice

_CONTEXT = "goauthentik.io/stages/authenticator_validate/"
_CHALLENGES = _CONTEXT + "device_challenges"
# The keys in the context of the way in which the user has logged in.
_METHOD, _METHOD_ARGUMENTS = "auth_method", "auth_method_args"

_NO_DEVICE = "No (allowed) MFA authenticator configured."
_NOT_ALLOWED = "No compatible device class allowed"
_WRONG_CODE = "Invalid Token. Please ensure the time on your device is accurate and try again."
_EMPTY = "Empty response"

_AUTHENTICATION = "authentication"
# The kind of devices that can identify the user.
_WEBAUTHN = "webauthn"


class Stage(Question):
    """See `Question`. Users without a device continue, are denied, or set one up, as the stage requires."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._proved: StoredDevice | None = None
        self._selected: PlannedStage | None = None

    def ask(self) -> Step:
        """See `Kind`. Without a user it is skipped, unless a device can identify one."""
        run, user = self.run, self._user
        devices = [] if user is None else self._devices(user)
        if user is not None and not self._is_recent(devices):
            challenges = list(self._challenges(devices))
        elif user is None and self._can_identify:
            challenges = [_challenge(_WEBAUTHN, -1, self._options())]
        else:
            return self._done()
        run.context[_CHALLENGES] = challenges
        return super().ask() if challenges else self._action()

    def properties(self) -> Mapping[str, Any]:
        """See `Question`."""
        return {
            **self.run.user_info(),
            "device_challenges": self._offered,
            "configuration_stages": [self._selectable(stage) for stage in self._set_up_stages],
        }

    def solve(self, answer: Properties) -> Step:
        """Continue with a verified device, or set one up. :raises Invalid: no device is verified"""
        messages: dict[str, Any] = {}
        for name, value in answer.items():
            # A property has the name of the method that takes it.
            take: Callable[[str, Any], None] | None = getattr(self, f"_take_{name}", None)
            try:
                if take is not None:
                    take(name, value)
            except errors.Invalid as error:
                messages.update(error.messages)
        if self._selected is not None:
            self.run.plan.stages.insert(1, self._selected)
            return self._done()
        if messages:
            raise errors.Invalid(messages)
        if self._proved is None:
            raise wrong(NON_FIELD_ERRORS, _EMPTY)
        return self._go_on(self._proved)

    @property
    def _action(self) -> Callable[[], Step]:
        """The action for users without a device. A method has the name of each `not_configured_action`."""
        found: Callable[[], Step] = getattr(self, f"_{self.stage.not_configured_action}", self._deny)
        return found

    def _skip(self) -> Step:
        return self._done()

    def _deny(self) -> Step:
        return self.run.deny(_NO_DEVICE)

    def _configure(self) -> Step:
        """Let the user set a device up: in the only stage for it, or in one that the user chooses."""
        stages = self._set_up_stages
        if not stages:
            return self.run.deny()
        if len(stages) == 1:
            self.run.plan.stages.insert(1, stages[0])
            return self._done()
        return super().ask()

    def _take_selected_challenge(self, name: str, selected: Mapping[str, Any]) -> None:
        chosen = (selected["device_class"], selected["device_uid"])
        if chosen not in [(offer["device_class"], offer["device_uid"]) for offer in self._offered]:
            raise wrong(name, "invalid challenge selected")

    def _take_selected_stage(self, name: str, key: str) -> None:
        self._selected = next((stage for stage in self._set_up_stages if stage.stage == key), None)
        if self._selected is None:
            raise wrong(name, "Selected stage is invalid")

    def _take_code(self, name: str, code: str) -> None:
        self._check_offer(name, attempts.KINDS)
        user, run = self._user, self.run
        if user is not None:
            self._proved = attempts.device_of(run.store, user.pk, code, self.stage.device_classes)
        if self._proved is None:
            raise wrong(name, _WRONG_CODE)

    def _take_webauthn(self, name: str, response: Mapping[str, Any]) -> None:
        from app.executor.devices import webauthn  # it takes long to import, and most servers never ask

        offer = self._check_offer(name, [_WEBAUTHN])
        devices = self.run.store.devices
        device = devices.with_credential(str(response.get("id", "")))
        if device is None or not self._may_prove(device):
            raise wrong(name, "Invalid device")
        verification = self.stage.webauthn_user_verification
        try:
            data = webauthn.verify_assertion(response, offer["challenge"], device.data, verification, self._origin)
        except webauthn.Rejected as error:
            raise wrong(name, "Assertion failed") from error
        devices.change(device, data)
        self._proved = device
        self.run.context[_CHALLENGES] = []  # they are signed once

    def _may_prove(self, device: StoredDevice) -> bool:
        """Whether a device belongs to the user or, without a user, identifies one."""
        if self._user is not None:
            return device.user == self._user.pk
        owner = person(self.run.store, device.user)
        return owner is not None and owner.is_active

    def _take_duo(self, name: str, _device: int) -> None:
        self._check_offer(name, ())

    def _check_offer(self, name: str, kinds: Collection[str]) -> Mapping[str, Any]:
        """The first challenge of some kinds of devices that the stage accepts. :raises Invalid: there is none"""
        for offer in self._offered:
            if offer["device_class"] in kinds and offer["device_class"] in self.stage.device_classes:
                return offer
        raise wrong(name, _NOT_ALLOWED)

    def _go_on(self, device: StoredDevice) -> Step:
        run, shown = self.run, _shown(device)
        arguments = dict(run.context.get(_METHOD_ARGUMENTS, {}))
        arguments["mfa_devices"] = [*arguments.get("mfa_devices", ()), shown]
        run.context.setdefault(_METHOD, "auth_mfa")
        if self._user is None and (owner := person(run.store, device.user)) is not None:
            run.context.update({PENDING_USER: owner.in_context, _METHOD: "auth_webauthn_pwl"})
            arguments["device"] = shown
        run.context[_METHOD_ARGUMENTS] = arguments
        if self._threshold > 0:
            key, secure = run.store.sessions.signing_key, self._origin.startswith("https:")
            run.headers.append(set_device(key, run.stage.stage, device.pk, self._threshold, secure=secure))
        return self._done()

    def _done(self) -> Step:
        """Complete the stage, and discard its challenges."""
        self.run.context.pop(_CHALLENGES, None)
        return self.run.done()

    def _devices(self, user: Person) -> list[StoredDevice]:
        """The devices of a user that the stage accepts."""
        return [device for device in self.run.store.devices.of(user.pk) if device.kind in self.stage.device_classes]

    def _challenges(self, devices: Iterable[StoredDevice]) -> Iterator[dict[str, Any]]:
        """One challenge for each kind: codes are tried with all devices, and options name all credentials."""
        credentials = [device.credential for device in devices if device.credential is not None]
        seen: set[str] = set()
        for device in devices:
            if device.kind not in seen:
                options = self._options(credentials) if device.kind == _WEBAUTHN else {}
                yield _challenge(device.kind, device.number, options)
            seen.add(device.kind)

    def _options(self, credentials: Iterable[str] = ()) -> dict[str, Any]:
        from app.executor.devices import webauthn  # see above

        return webauthn.authentication_options(credentials, self.stage.webauthn_user_verification, self._origin)

    def _is_recent(self, devices: Iterable[StoredDevice]) -> bool:
        """Whether one of the given devices was verified recently in this browser."""
        credentials, key = self.run.exchange.credentials, self.run.store.sessions.signing_key
        cookie = cookies_of(credentials.cookies).get(DEVICE, "")
        proved = device_in(key, self.run.stage.stage, cookie, self._threshold) if cookie else ""
        return proved in [device.pk for device in devices]

    @property
    def _threshold(self) -> int:
        """How long a device stays verified, in seconds."""
        return seconds_of(self.stage.last_auth_threshold)

    @property
    def _can_identify(self) -> bool:
        """Whether a device may identify the user."""
        return self.run.flow.designation == _AUTHENTICATION and _WEBAUTHN in self.stage.device_classes

    @property
    def _offered(self) -> list[dict[str, Any]]:
        """The challenges that were offered last."""
        return list(self.run.context.get(_CHALLENGES, ()))

    @property
    def _origin(self) -> str:
        return self.run.exchange.credentials.origin

    @cached_property
    def _user(self) -> Person | None:
        return self.run.pending or self.run.caller

    @cached_property
    def _set_up_stages(self) -> list[PlannedStage]:
        """The stages in which the user may set a device up now; none for a user who has one."""
        user = self._user
        if user is None or self._action != self._configure or self._devices(user):
            return []
        found = (unbound_stage(self.run.store, self.run.flow.pk, key) for key in self.stage.configuration_stages)
        return [stage for stage in found if stage is not None]

    def _selectable(self, stage: PlannedStage) -> dict[str, Any]:
        """A stage that the user may choose."""
        kind = self.run.store.models[stage.model].verbose_name
        return {
            "pk": stage.stage,
            "name": stage.values.get("friendly_name") or stage.values.name,
            "verbose_name": kind.replace("Setup Stage", "").strip(),
            "meta_model_name": stage.model,
        }


def _challenge(kind: str, number: int, options: Mapping[str, Any]) -> dict[str, Any]:
    return {"device_class": kind, "device_uid": str(number), "challenge": dict(options)}


def _shown(device: StoredDevice) -> dict[str, Any]:
    """A device as expressions and the inspector see it."""
    app = f"authentik_stages_authenticator_{device.kind}"
    return {"app": app, "model_name": f"{device.kind}device", "pk": device.number, "name": device.name}
