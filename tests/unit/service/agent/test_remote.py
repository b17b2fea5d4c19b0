"""Settings that were taken before, and do not count any more: told and left, and no reason to stand still."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from streetsight.service.agent.identity import Identity
from streetsight.service.agent.remote import SettingsInForce, Signed

KEY = Ed25519PrivateKey.generate()
OURS = KEY.public_key().public_bytes_raw().hex()
ME = Identity("https://city", "t", "me", "car", OURS)


def signed(version: int = 1, **settings: object) -> Signed:
    text = json.dumps({"device_id": "me", "version": version, "settings": settings})
    return Signed(text, KEY.sign(text.encode()).hex())


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        (Identity("https://city", "t", "other", "car-2", OURS), "another vehicle's"),
        (Identity("https://city", "t", "me", "car", "00" * 32), "not signed by the server"),
        (Identity("https://city", "t"), "was not enrolled"),
    ],
)
def test_an_agent_starts_with_settings_that_another_one_took(
    tmp_path: Path, identity: Identity, said: str
) -> None:
    SettingsInForce(tmp_path, ME, {}).take(signed(every_m=9))
    in_force = SettingsInForce(tmp_path, identity, {"every_m": 7})
    assert (in_force.version, in_force().every_m) == (0, 7)
    assert said in str(in_force.left)


@pytest.mark.parametrize("cut", ["", '{"payload": "{', "[1]", "5", '{"payload": "{}"}', "\x00" * 40])
def test_settings_that_were_cut_off_are_left_and_taken_anew(tmp_path: Path, cut: str) -> None:
    (tmp_path / "settings.json").write_text(cut)
    in_force = SettingsInForce(tmp_path, ME, {})
    assert "settings.json is damaged" in str(in_force.left)
    in_force.take(signed(every_m=9))
    assert in_force.left is None
    again = SettingsInForce(tmp_path, ME, {})
    assert (again.left, again().every_m) == (None, 9)
