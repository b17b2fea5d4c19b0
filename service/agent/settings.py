"""What can be chosen: the section `agent` of the device's profile, and the same from the server.

agent:
  every_m: 4
  spool: {max_bytes: 16GiB, min_free_bytes: 1GiB}
  upload: {max_bytes_per_s: 500KiB, networks: [wlan0, "ssid:Depot", 10.8.0.0/16], hours: ["19:00-06:00"]}
  look: {detect: true, redact: true}
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ByteSize, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from streetsight.inference.positions.profile import DeviceProfile, ProfileError, check_profile
from streetsight.models.language import SpokenError
from streetsight.models.validation import Faults
from streetsight.service.agent.windows import parse_hours

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SpoolSettings(_Strict):
    """Attributes: max_bytes: of all photos kept; min_free_bytes: left to others on the disk."""

    max_bytes: Annotated[ByteSize, Field(gt=0)] = ByteSize(8 * GIB)
    min_free_bytes: Annotated[ByteSize, Field(ge=0)] = ByteSize(256 * MIB)


class UploadSettings(_Strict):
    """How and when frames are sent.

    Attributes:
        max_bytes_per_s: of all senders together; None is as fast as it goes.
        networks: send only over these: an interface (`wlan0`), a name of a wireless network
            (`ssid:Depot`), or a range that the vehicle's address lies in. Any when empty.
        hours: send only then, local time, as "19:00-06:00". Always when empty.
        senders: connections at the same time.
        batch_photos, batch_bytes: most in one request; it shrinks by itself on a bad link.
        resumable_from_bytes: photos from here on go in pieces that need not be sent twice.
        piece_bytes: of such a piece.
        timeout_s: a request without any progress for so long is given up.
        retry_max_s: longest wait between two tries, unless the server asks for more.
    """

    max_bytes_per_s: Annotated[ByteSize, Field(ge=KIB)] | None = None
    networks: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ()
    hours: tuple[str, ...] = ()
    senders: Annotated[int, Field(ge=1, le=8)] = 2
    batch_photos: Annotated[int, Field(ge=1, le=100)] = 16
    batch_bytes: Annotated[ByteSize, Field(gt=0)] = ByteSize(4 * MIB)
    resumable_from_bytes: Annotated[ByteSize, Field(gt=0)] = ByteSize(4 * MIB)
    piece_bytes: Annotated[ByteSize, Field(ge=4 * KIB)] = ByteSize(512 * KIB)
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    retry_max_s: Annotated[float, Field(ge=1, le=3600)] = 30.0

    @field_validator("networks")
    @classmethod
    def _are_networks(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if "/" in value and not value.startswith("ssid:"):
                ip_network(value)
        return values

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            parse_hours(value)
        return values


class LookSettings(_Strict):
    """What is done with a frame before it may leave.

    Attributes:
        detect: look at it, send those with detections first and thin the others.
        redact: nothing leaves before faces and plates were covered.
        context_every_m, context_every_s: spacing of the frames without a detection that are sent; time
            where the way is unknown.
        release: name or folder; None is the one in force.
        provider: what runs it: cpu, onnx, openvino, cuda or tensorrt.
    """

    detect: bool = False
    redact: bool = False
    context_every_m: Annotated[float, Field(gt=0, le=10_000)] = 15.0
    context_every_s: Annotated[float, Field(gt=0, le=3600)] = 10.0
    release: str | None = None
    provider: Annotated[str, Field(pattern="^(cpu|onnx|openvino|cuda|tensorrt)$")] = "onnx"


class AgentSettings(_Strict):
    """All of it.

    Attributes:
        every_m: metres from one frame to the next; a standing vehicle takes none.
        every_s: seconds from one to the next, where nobody knows how far it has come.
        settled_s: a file that did not change for so long is whole.
        remove_taken: files are deleted from a camera's folder once they are safe in the spool.
        patrol_gap_minutes: an outing without a frame for so long is over.
        heartbeat_s: how often the server is told how the vehicle is.
        jpeg_quality: of pictures taken from a stream.
    """

    every_m: Annotated[float, Field(gt=0, le=1000)] = 4.0
    every_s: Annotated[float, Field(gt=0, le=600)] = 1.0
    settled_s: Annotated[float, Field(ge=0, le=600)] = 2.0
    remove_taken: bool = False
    patrol_gap_minutes: Annotated[float, Field(gt=0, le=1440)] = 30.0
    heartbeat_s: Annotated[float, Field(ge=1, le=3600)] = 60.0
    jpeg_quality: Annotated[int, Field(ge=50, le=100)] = 90
    spool: SpoolSettings = SpoolSettings()
    upload: UploadSettings = UploadSettings()
    look: LookSettings = LookSettings()


def read_device_file(path: Path | None) -> tuple[DeviceProfile, dict[str, Any]]:
    """A device's profile, and its section `agent` as written; both empty without a file.

    Raises:
        ProfileError: naming the file, the field, what was expected and what it is.
    """
    if path is None:
        return DeviceProfile(), {}
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProfileError("{path}: not a readable YAML file ({reason})", path=path, reason=error) from error
    section = values.pop("agent", None) if isinstance(values, dict) else None
    profile = check_profile(path, values)
    section = {} if section is None else section
    check_settings(path, section)
    return profile, section


def check_settings(path: Path | str, section: Any) -> AgentSettings:
    """Settings of values that were read already; `path` names them in messages. Raises ProfileError."""
    try:
        return AgentSettings.model_validate(section)
    except ValidationError as error:
        faults = Faults(
            [
                {**each, "loc": ("agent", *each["loc"]), "ctx": {"error": _explained(each)}}
                for each in error.errors()
            ]
        )
        raise ProfileError("{path}: {reason}", path=path, reason=faults) from error


def _explained(fault: ErrorDetails) -> SpokenError:
    """What pydantic says in words of Python, in those of who writes the file."""
    sent = fault["input"]
    match fault["type"]:
        case "tuple_type":
            return SpokenError(
                "expected a list such as {example}, got {sent}", example=json.dumps([str(sent)]),
                sent=repr(sent),
            )  # fmt: skip
        case "model_type":
            return SpokenError("expected names with their values, got {sent}", sent=repr(sent))
        case "byte_size":
            return SpokenError("expected a size such as 500KiB or 8GiB, got {sent}", sent=repr(sent))
        case "extra_forbidden":
            *above, name = fault["loc"]
            known = _names_below(above)
            close = difflib.get_close_matches(str(name), known, 1, cutoff=0)
            return SpokenError("no such setting; did you mean {close}?", close=close[0])
    return SpokenError("{fault} (got {sent})", fault=Faults([{**fault, "loc": ()}]), sent=repr(sent))


def _names_below(above: Sequence[int | str]) -> list[str]:
    model: BaseModel = AgentSettings()
    for each in above:
        model = getattr(model, str(each))
    return list(type(model).model_fields)


def combine(local: Mapping[str, Any], remote: Mapping[str, Any]) -> AgentSettings:
    """The vehicle's own settings with the server's over them; redaction may be asked for, never called off.

    Raises:
        ProfileError: when they do not fit together.
    """
    both = _over(local, remote)
    if (local.get("look") or {}).get("redact"):
        both = _over(both, {"look": {"redact": True}})
    return check_settings("settings", both)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        merged[name] = _over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged
