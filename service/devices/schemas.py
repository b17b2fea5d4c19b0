"""What devices send and get."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from streetsight.service.dependencies import Text


class Heartbeat(BaseModel):
    """How a device is. All optional; what is not known is left out.

    Attributes:
        clock: the device's own time, so that the difference to ours can be seen.
        queued_frames, queued_bytes: not uploaded yet.
        free_bytes: room on its disk.
        problems: what is wrong with it, in words ("the camera gives no picture").
    """

    model_config = ConfigDict(extra="forbid")

    clock: AwareDatetime | None = None
    queued_frames: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    queued_bytes: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    free_bytes: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    temperature_celsius: Annotated[float, Field(ge=-100, le=200)] | None = None
    software: Annotated[Text, Field(max_length=100)] | None = None
    problems: Annotated[list[Annotated[Text, Field(max_length=300)]], Field(max_length=20)] = []


class HeartbeatAnswer(BaseModel):
    """Attributes: server_time: ours, UTC; clock_offset_seconds: device's minus ours, transport included."""

    device_id: str
    server_time: datetime
    clock_offset_seconds: float | None
