"""What devices send and get."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from streetsight.service.auth.scope import PATH
from streetsight.service.dependencies import Text
from streetsight.service.devices.service import SCOPES, Scope
from streetsight.service.devices.tables import Device, DeviceToken
from streetsight.service.moments import Moment

Scopes = Annotated[list[Scope], Field(min_length=1, max_length=len(SCOPES))]
AreaPathText = Annotated[str, StringConstraints(pattern=f"^{PATH.pattern}$", max_length=200)]


class Heartbeat(BaseModel):
    """How a device is. All optional; what is not known is left out.

    Attributes:
        clock: the device's own time, so that the difference to ours can be seen.
        queued_frames, queued_bytes: not uploaded yet.
        free_bytes: room on its disk.
        clock_offset_s, clock_uncertainty_s: its clock minus ours as it measured over several heartbeats, and
            within what the truth lies.
        settings_version: of our settings that it goes by; 0 for its own alone.
        problems: what is wrong with it, in words ("the camera gives no picture").
    """

    model_config = ConfigDict(extra="forbid")

    clock: Moment | None = None
    queued_frames: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    queued_bytes: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    free_bytes: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    temperature_celsius: Annotated[float, Field(ge=-100, le=200)] | None = None
    clock_offset_s: Annotated[float, Field(ge=-1e10, le=1e10)] | None = None
    clock_uncertainty_s: Annotated[float, Field(ge=0, le=1e6)] | None = None
    software: Annotated[Text, Field(max_length=100)] | None = None
    settings_version: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    problems: Annotated[list[Annotated[Text, Field(max_length=300)]], Field(max_length=20)] = []


class HeartbeatAnswer(BaseModel):
    """What we say to it.

    Attributes:
        server_time: ours, UTC.
        clock_offset_seconds: device's minus ours, transport included.
        settings_version: of the settings that wait for it; 0 for none.
    """

    device_id: str
    server_time: datetime
    clock_offset_seconds: float | None
    settings_version: int = 0


class DeviceNew(BaseModel):
    """Attributes: area_path: where it works; null is everywhere. scopes: of its first token."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1, max_length=100)]
    area_path: AreaPathText | None = None
    scopes: Scopes = [*SCOPES]


class DeviceChange(BaseModel):
    """Attributes: area_path: where it works; null is everywhere."""

    model_config = ConfigDict(extra="forbid")

    area_path: AreaPathText | None


class DeviceShown(BaseModel):
    """A device.

    Attributes:
        tokens: how many are good.
        heartbeat: what it last said of itself.
    """

    id: str
    name: str
    area_path: str | None
    tokens: int
    created_at: datetime
    last_seen_at: datetime | None
    heartbeat: dict[str, Any] | None

    @classmethod
    def of(cls, device: Device, tokens: int) -> "DeviceShown":
        shown = {name: getattr(device, name) for name in cls.model_fields if name != "tokens"}
        return cls.model_validate(shown | {"tokens": tokens})


class DeviceList(BaseModel):
    """All devices that who asks may see, by name."""

    items: list[DeviceShown]


class TokenNew(BaseModel):
    """What a token is to be good for."""

    model_config = ConfigDict(extra="forbid")

    scopes: Scopes = [*SCOPES]


class TokenShown(BaseModel):
    """A token of a device; revoked ones stay as evidence."""

    id: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, token: DeviceToken) -> "TokenShown":
        return cls(
            id=token.id, scopes=token.scopes.split(), created_at=token.created_at,
            last_used_at=token.last_used_at, revoked_at=token.revoked_at,
        )  # fmt: skip


class TokenList(BaseModel):
    """All tokens of a device, newest first."""

    items: list[TokenShown]


class TokenMade(TokenShown):
    """Attributes: token: the secret, shown this once."""

    token: str


class DeviceMade(DeviceShown):
    """Attributes: token: its first, shown this once."""

    token: str


class EnrolmentNew(BaseModel):
    """A code that is to be made. Attributes: scopes: of the token; hours: that the code is good for."""

    model_config = ConfigDict(extra="forbid")

    scopes: Scopes = ["upload"]
    hours: Annotated[float, Field(gt=0, le=168)] = 24


class EnrolmentMade(BaseModel):
    """Attributes: code: shown this once; good for one exchange."""

    code: str
    device_id: str
    expires_at: datetime


class EnrolmentAsked(BaseModel):
    """What a vehicle shows.

    Attributes:
        code: as an admin was shown it; case, spaces and hyphens do not matter.
        claim: a secret of the vehicle's own, by which it may ask again when the answer was lost.
    """

    model_config = ConfigDict(extra="forbid")

    code: Annotated[Text, Field(min_length=1, max_length=60)]
    claim: Annotated[Text, Field(min_length=32, max_length=100)]


class Enrolled(BaseModel):
    """Attributes: token: shown this once; public_key: Ed25519, hex, that settings are signed with."""

    device_id: str
    device: str
    token: str
    scopes: list[str]
    public_key: str


class SignedSettings(BaseModel):
    """Settings of a vehicle. Attributes: payload: JSON text that the signature (Ed25519, hex) is of."""

    version: int
    payload: str
    signature: str
