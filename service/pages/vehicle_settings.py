"""The form of what a vehicle is told to do: a field for each of `AgentSettings`, so that none is lost."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ByteSize

from streetsight.service.agent.settings import AgentSettings
from streetsight.service.devices.tables import DeviceSettings

Kind = Literal["number", "boolean", "list", "text"]


@dataclass(frozen=True, slots=True)
class Field:
    """One of a form.

    Attributes:
        name: dotted, as the API nests it.
        value: what the vehicle was told; empty where its own stands.
        default: what holds where its own profile says nothing either.
    """

    name: str
    kind: Kind
    value: str
    default: str


def settings_fields(told: DeviceSettings | None) -> list[Field]:
    """All fields, in the order of `AgentSettings`, with what the vehicle was last told."""
    said = json.loads(told.payload)["settings"] if told else {}
    return [
        Field(name, _kind(default), _text(_found(said, name)), _text(default))
        for name, default in _leaves(AgentSettings())
    ]


def _leaves(model: BaseModel, above: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            found += _leaves(value, f"{above}{name}.")
        else:
            found.append((above + name, value))
    return found


def _kind(default: object) -> Kind:
    if isinstance(default, bool):
        return "boolean"
    if isinstance(default, tuple):
        return "list"
    return "number" if isinstance(default, (int, float)) and not isinstance(default, ByteSize) else "text"


def _found(said: Mapping[str, Any], name: str) -> object:
    first, _, rest = name.partition(".")
    value = said.get(first)
    return _found(value or {}, rest) if rest else value


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case ByteSize():
            return value.human_readable()
        case list() | tuple():
            return ", ".join(map(str, value))
    return str(value)
