"""What is wrong in a device's profile, in words of who wrote it."""

from pathlib import Path

import pytest

from streetsight.inference.positions.profile import ProfileError
from streetsight.service.agent.settings import read_device_file


@pytest.mark.parametrize(
    ("section", "english", "chinese"),
    [
        (
            'upload: {hours: "19:00-06:00"}',
            "agent.upload.hours: expected a list such as [\"19:00-06:00\"], got '19:00-06:00'",
            "agent.upload.hours: 应为列表,如 [\"19:00-06:00\"],实为 '19:00-06:00'",
        ),
        ("upload: {networks: wlan0}", 'networks: expected a list such as ["wlan0"]', "应为列表"),
        ("uplaod: {senders: 1}", "agent.uplaod: no such setting; did you mean upload?", "您是想写 upload 吗"),
        ("upload: {sender: 1}", "agent.upload.sender: no such setting; did you mean senders?", "senders"),
        ("5", "agent: expected names with their values, got 5", "agent: 应为"),
        ("[]", "agent: expected names with their values, got []", "agent: 应为"),
        ("{upload: 5}", "agent.upload: expected names with their values, got 5", "agent.upload: 应为"),
        (
            "spool: {max_bytes: -5MiB}",
            "agent.spool.max_bytes: expected a size such as 500KiB or 8GiB, got '-5MiB'",
            "应为 500KiB、8GiB 这样的大小",
        ),
        ("every_m: 0", "agent.every_m: Input should be greater than 0 (got 0)", "应大于 0.0(实为 0)"),
    ],
)
def test_what_is_wrong_is_said_in_both_languages(
    tmp_path: Path, section: str, english: str, chinese: str
) -> None:
    file = tmp_path / "device.yaml"
    file.write_text(f"agent:\n  {section}\n")
    with pytest.raises(ProfileError) as caught:
        read_device_file(file)
    assert english in str(caught.value)
    assert chinese in caught.value.say("zh")


def test_a_section_without_anything_is_none(tmp_path: Path) -> None:
    (tmp_path / "device.yaml").write_text("device: car-7\nagent:\n")
    assert read_device_file(tmp_path / "device.yaml")[1] == {}
