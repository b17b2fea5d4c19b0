"""Tables of devices."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.base import Base, Row
from streetsight.service.store.types import Json


class Device(Row):
    """A patrol camera, or anything else that uploads.

    Attributes:
        last_seen_at: its latest request, to the minute.
        heartbeat: what it last said of itself.
        area_path: where it works; what it asks about lies there. None is everywhere.
    """

    __tablename__ = "devices"

    name: Mapped[str] = mapped_column(String(100), unique=True)
    last_seen_at: Mapped[datetime | None]
    heartbeat: Mapped[dict[str, Any] | None] = mapped_column(Json)
    area_path: Mapped[str | None] = mapped_column(AreaPath)


class DeviceToken(Row):
    """A secret that a device shows. Kept as a hash, never deleted: a revoked one stays as evidence."""

    __tablename__ = "device_tokens"

    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(Text)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    device: Mapped[Device] = relationship(lazy="joined", innerjoin=True)


class Enrolment(Row):
    """A code that lets a vehicle in, once. Kept as a hash, and afterwards as evidence.

    Attributes:
        scopes: of the token that it is exchanged for.
        claim_sha256: of the secret of whoever exchanged it: the same one may ask again, where the answer was
            lost on the way.
        token_id: what it was exchanged for last.
    """

    __tablename__ = "enrolments"

    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"), index=True)
    code_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    claim_sha256: Mapped[str | None] = mapped_column(String(64))
    token_id: Mapped[str | None] = mapped_column(ForeignKey("device_tokens.id"))


class SigningKey(Row):
    """The server's Ed25519 key, by which vehicles know its settings; one for all of its processes.

    Attributes:
        name: of the only one there is, so that two processes cannot make two.
        public_key: raw, hex.
        private_key_sealed: raw, hex, encrypted.
    """

    __tablename__ = "signing_keys"

    name: Mapped[str] = mapped_column(String(20), unique=True)
    public_key: Mapped[str] = mapped_column(String(64))
    private_key_sealed: Mapped[str] = mapped_column(Text)


class DeviceSettings(Base):
    """Settings for a vehicle, as they were signed.

    Attributes:
        payload: JSON text that the signature is of, to the byte: device_id, version, made_at, settings.
        signature: Ed25519, hex.
    """

    __tablename__ = "device_settings"

    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    version: Mapped[int]
    payload: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(String(128))


class DeviceDay(Base):
    """What a device uploaded on one day, UTC."""

    __tablename__ = "device_days"

    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    frames: Mapped[int] = mapped_column(default=0)
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
