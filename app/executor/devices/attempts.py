"""Verification of codes. After each wrong code a device rejects all codes, for twice as long as before."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from app import determinism
from app.executor.devices import static, totp
from app.store import Store
from app.store.collections.devices import StoredDevice

_FAILURES, _FAILED_AT = "failures", "failed_at"

# From the data of a device and a code to the data afterwards; None if the code is wrong.
_DATA_AFTER: Mapping[str, Callable[[Mapping[str, Any], str], dict[str, Any] | None]] = {
    module.__name__.rpartition(".")[2]: module.data_after for module in (static, totp)
}

KINDS = frozenset(_DATA_AFTER)
"""The kinds of devices with codes."""


def attempt(kind: str, data: Mapping[str, Any], code: str) -> tuple[bool, dict[str, Any]]:
    """Try a code. :returns: whether it is right, and the data of the device afterwards"""
    failures = data.get(_FAILURES, 0)
    # 1, 2, 4 ... seconds.
    if failures and determinism.now() - data[_FAILED_AT] < 2 ** (failures - 1):
        return False, dict(data)
    accepted = _DATA_AFTER[kind](data, code)
    if accepted is None:
        return False, {**data, _FAILURES: failures + 1, _FAILED_AT: determinism.now()}
    return True, {**accepted, _FAILURES: 0}


def device_of(store: Store, user: str, code: str, kinds: Collection[str]) -> StoredDevice | None:
    """The device of a user that a code belongs to; None if there is none.

    Every device is tried, as a response does not name its device. A code of one device does not count as a failure of the others.

    :param user: the key of the user
    :param kinds: of the devices to try
    :raises SerializationFailure: another request has used a device
    """
    failed: list[tuple[StoredDevice, dict[str, Any]]] = []
    for device in store.devices.of(user):
        if device.kind in KINDS.intersection(kinds):
            right, after = attempt(device.kind, device.data, code)
            if right:
                store.devices.change(device, after)
                return device
            failed.append((device, after))
    for device, after in failed:
        if after != device.data:
            store.devices.change(device, after)
    return None
