"""Settings: typed, bounded, documented, and no name is ignored."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from streetsight.service.settings import Settings, SettingsError, read_settings

NOBODY = 65534


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA_FOLDER", "DATABASE_URL"):
        monkeypatch.delenv(f"STREETSIGHT_{name}", raising=False)


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREETSIGHT_MAX_PHOTO_BYTES", "8MiB")
    monkeypatch.setenv("STREETSIGHT_WORKERS", "3")
    settings = read_settings()
    assert (settings.max_photo_bytes, settings.workers) == (8 << 20, 3)
    assert settings.database.startswith("sqlite:///")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("STREETSIGHT_WORKER", "3", "did you mean STREETSIGHT_WORKERS"),
        ("STREETSIGHT_WORKERS", "-1", "STREETSIGHT_WORKERS: Input should be greater than or equal to 0"),
        ("STREETSIGHT_MAX_PHOTO_BYTES", "many", "STREETSIGHT_MAX_PHOTO_BYTES: could not parse"),
        ("STREETSIGHT_LOG_LEVEL", "loud", "STREETSIGHT_LOG_LEVEL: Input should be 'debug'"),
        ("STREETSIGHT_LANG", "fr", "STREETSIGHT_LANG: language 'fr' is not available; choose zh-CN or en"),
        ("STREETSIGHT_S3_ENDPOINT_URL", "127.0.0.1:9000", "S3_ENDPOINT_URL: Value error, expected https://"),
        ("STREETSIGHT_S3_ENDPOINT_URL", "http://[::1", "S3_ENDPOINT_URL: Value error, expected https://"),
        ("STREETSIGHT_S3_ENDPOINT_URL", "http://s3:many", "S3_ENDPOINT_URL: Value error, expected https://"),
    ],
)
def test_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=re.escape(message)):
        read_settings()


def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "streetsight_database_url").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="streetsight_database_url cannot be read by user"):
        read_settings(secrets=tmp_path)


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder of another user's, mode 700; pytest's own are closed themselves when we are root."""
    with tempfile.TemporaryDirectory() as parent:
        folder, root = Path(parent) / "secrets", os.geteuid() == 0
        folder.mkdir(mode=0o700 if root else 0)
        Path(parent).chmod(0o755)
        if root:
            os.seteuid(NOBODY)
        yield folder
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


def test_secrets_that_cannot_be_listed_are_said_in_words(closed_folder: Path) -> None:
    with pytest.raises(
        SettingsError, match=rf"secrets cannot be listed by user {os.geteuid()} \(Perm"
    ) as said:
        read_settings(secrets=closed_folder)
    assert f"chown {os.geteuid()}" in said.value.say("zh")


def test_secrets_come_from_files_and_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "streetsight_database_url").write_text("postgresql://me:hunter2@db/streetsight\n")
    settings = read_settings(secrets=tmp_path)
    assert settings.database == "postgresql://me:hunter2@db/streetsight"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()


def test_a_wrong_secret_is_not_repeated_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREETSIGHT_PORT", "hunter2")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_has_a_description(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description
    assert field.description.endswith(".") or field.description.endswith(")")


def test_the_page_lists_them_all(docs_script: Callable[[str], ModuleType]) -> None:
    script = docs_script("settings")
    assert script.PAGE.read_text(encoding="utf-8") == script.with_table(), "run `make figures`"
