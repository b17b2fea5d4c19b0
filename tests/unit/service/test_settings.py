"""Settings: typed, bounded, documented, and no name is ignored."""

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from streetsight.service.settings import Settings, SettingsError, read_settings


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
