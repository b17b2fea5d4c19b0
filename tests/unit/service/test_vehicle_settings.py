"""The form of a vehicle's settings: a field for each, which comes back as it was told."""

import json
from typing import Any

import pytest

from streetsight.service.agent.settings import AgentSettings
from streetsight.service.devices.tables import DeviceSettings
from streetsight.service.pages.vehicle_settings import Field, settings_fields


def told(**settings: Any) -> dict[str, Field]:
    said = DeviceSettings(payload=json.dumps({"settings": settings}))
    return {each.name: each for each in settings_fields(said)}


def test_every_setting_has_a_field_with_its_default() -> None:
    fields = {each.name: each for each in settings_fields(None)}
    wanted = AgentSettings().model_dump()
    names = {
        f"{name}.{below}" if isinstance(value, dict) else name
        for name, value in wanted.items()
        for below in (value if isinstance(value, dict) else [""])
    }
    assert set(fields) == names
    assert {each.value for each in fields.values()} == {""}
    assert fields["spool.max_bytes"].default == "8.0GiB"
    assert (fields["every_m"].kind, fields["every_m"].default) == ("number", "4.0")


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        ({"every_m": 6.5}, "every_m", "6.5"),
        ({"look": {"redact": False}}, "look.redact", "false"),
        ({"upload": {"hours": ["19:00-06:00", "12:00-13:00"]}}, "upload.hours", "19:00-06:00, 12:00-13:00"),
        ({"upload": {"max_bytes_per_s": "300KiB"}}, "upload.max_bytes_per_s", "300KiB"),
        ({"upload": {"max_bytes_per_s": None}}, "upload.max_bytes_per_s", ""),
    ],
)
def test_what_was_told_is_shown(settings: dict[str, Any], name: str, value: str) -> None:
    assert told(**settings)[name].value == value
