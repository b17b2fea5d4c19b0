"""What the settings page says: every setting in both languages, and no secret."""

from pathlib import Path

from streetsight.models.language import chinese
from streetsight.service.pages.administration import MARK, settings_shown
from streetsight.service.settings import Settings

SECRET = "whoever reads this has failed"


def test_every_setting_is_described_in_chinese() -> None:
    missing = [name for name, field in Settings.model_fields.items() if field.description not in chinese()]
    assert missing == []


def test_secrets_are_marked_and_never_shown() -> None:
    settings = Settings(
        data_folder=Path("data"), database_url=SECRET, oidc_client_secret=SECRET, secret_keys=SECRET,  # type: ignore[arg-type]
        s3_secret_access_key=SECRET, labelstudio_token=SECRET, port=8123,  # type: ignore[arg-type]
    )  # fmt: skip
    shown = {each.name: each for each in settings_shown(settings, "zh")}
    assert SECRET not in repr(shown)
    marked = {name for name, each in shown.items() if each.value == MARK}
    secrets = "DATABASE_URL", "OIDC_CLIENT_SECRET", "SECRET_KEYS", "S3_SECRET_ACCESS_KEY", "LABELSTUDIO_TOKEN"
    assert marked == {f"STREETSIGHT_{name}" for name in secrets}
    assert (shown["STREETSIGHT_PORT"].value, shown["STREETSIGHT_PORT"].chosen) == ("8123", True)
    assert shown["STREETSIGHT_HOST"].chosen is False
    assert shown["STREETSIGHT_S3_REGION"].description == "存储桶所在区域。"
