"""Authentication devices of users."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from app import errors
from app.store.collections.identity import new_uuid
from app.store.collections.rows import locking
from app.store.engine.database import Database
from app.store.schema.tables import devices, objects

_MOST_OF_A_KIND = 20


class TooManyDevices(errors.DomainError):
    """The user has as many devices of the kind as one may have."""


class StoredDevice(NamedTuple):
    """A device of a user.

    :param pk: its key
    :param user: the key of the user
    :param kind: such as `totp`
    :param number: counts the devices of this kind of the user
    :param name: for the user
    :param credential: the public identifier of the device itself, if its kind has one
    :param stored: the data that verify it, as JSON
    """

    pk: str
    user: str
    kind: str
    number: int
    name: str
    credential: str | None
    stored: str

    @property
    def data(self) -> dict[str, Any]:
        """The data that verify codes or signatures."""
        data: dict[str, Any] = orjson.loads(self.stored)
        return data


class Devices:
    """The devices of a database.

    :param database: the database
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        compiled = database.compile
        user, kind = devices.c.user == sa.bindparam("user_"), devices.c.kind == sa.bindparam("kind_")
        select = sa.select(*devices.c)
        unchanged = sa.and_(devices.c.pk == sa.bindparam("pk_"), devices.c.data == sa.bindparam("data_"))
        self._of = compiled(select.where(user).order_by(devices.c.kind, devices.c.number))
        self._with = compiled(select.where(devices.c.credential == sa.bindparam("credential_")))
        self._lock = compiled(locking(objects.c.pk))
        last = sa.func.coalesce(sa.func.max(devices.c.number), 0)
        self._numbers = compiled(sa.select(last, sa.func.count()).where(user, kind))
        self._insert = compiled(sa.insert(devices).values({c.name: sa.bindparam(c.name) for c in devices.c}))
        self._update = compiled(sa.update(devices).where(unchanged).values(data=sa.bindparam("new_data")))

    def of(self, user: str) -> list[StoredDevice]:
        """The devices of a user, sorted by kind. :param user: the key of the user"""
        with self._database.read() as session:
            return [StoredDevice._make(row) for row in session.rows(self._of, {"user_": user})]

    def with_credential(self, credential: str) -> StoredDevice | None:
        """The device with a public identifier, None if there is none."""
        if "\0" in credential:
            return None  # no database stores NUL
        with self._database.read() as session:
            row = session.row(self._with, {"credential_": credential})
        return None if row is None else StoredDevice._make(row)

    def add(
        self, user: str, kind: str, name: str, data: Mapping[str, Any], credential: str | None = None
    ) -> StoredDevice:
        """Store a new device.

        :raises NotFound: there is no such user
        :raises NotUnique: a device has the credential
        :raises TooManyDevices: the user has 20 of the kind
        """
        with self._database.write() as session:
            # One at a time, as the devices of a user are counted.
            if session.row(self._lock, {"key_": user}) is None:
                raise errors.NotFound
            if credential is not None and session.row(self._with, {"credential_": credential}) is not None:
                raise errors.NotUnique("credential")
            ((last, count),) = session.rows(self._numbers, {"user_": user, "kind_": kind})
            if count >= _MOST_OF_A_KIND:
                raise TooManyDevices
            device = StoredDevice(new_uuid(), user, kind, last + 1, name, credential, orjson.dumps(data).decode())
            session.run(self._insert, dict(zip(devices.c.keys(), device, strict=True)))
        return device

    def change(self, device: StoredDevice, data: Mapping[str, Any]) -> None:
        """Replace the data of a device.

        :param device: as it was read
        :raises SerializationFailure: another request has changed it
        """
        new = orjson.dumps(data).decode()
        with self._database.write() as session:
            if not session.run(self._update, {"pk_": device.pk, "data_": device.stored, "new_data": new}):
                raise errors.SerializationFailure("Another request has changed the device.")
