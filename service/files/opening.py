"""Which storage the settings mean."""

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from streetsight.models.language import SpokenError
from streetsight.service.files.blobs import Blobs
from streetsight.service.settings import Settings

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store  # the first exists for type checkers only


class FilesError(SpokenError):
    """The storage cannot be opened as the settings say."""


def open_blobs(settings: Settings) -> Blobs:
    """The storage of photos.

    Raises:
        FilesError: when the URL is of no storage that we speak.
        Unavailable: when the local folder cannot be made.
    """
    if settings.files_url is None:
        from streetsight.service.files.local import LocalBlobs

        return LocalBlobs(settings.data_folder / "files", settings.min_free_bytes)
    from streetsight.service.files.objects import ObjectBlobs

    return ObjectBlobs(open_bucket(settings))


def open_bucket(settings: Settings, below: str = "") -> "S3Store":
    """The bucket of the settings' URL.

    Args:
        below: a folder inside of the URL's prefix.

    Raises:
        FilesError: when the URL is of no storage that we speak.
    """
    from obstore.store import S3Store

    parts = urlsplit(settings.files_url or "")
    if parts.scheme != "s3" or not parts.netloc:
        raise FilesError(
            "{url} is no storage that we speak; expected s3://bucket/prefix", url=settings.files_url
        )
    prefix = "/".join(filter(None, (parts.path.strip("/"), below)))
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    seconds = timedelta(seconds=settings.s3_timeout_seconds)
    options: S3Config = {"region": settings.s3_region}
    if settings.s3_endpoint_url:
        options["endpoint"] = settings.s3_endpoint_url
    if key and secret:
        options |= {"access_key_id": key, "secret_access_key": secret.get_secret_value()}
    return S3Store(
        parts.netloc,
        prefix=prefix or None,
        client_options={
            "allow_http": (settings.s3_endpoint_url or "").startswith("http://"),
            "timeout": seconds, "connect_timeout": seconds,
        },
        retry_config={"max_retries": 2, "retry_timeout": seconds},
        virtual_hosted_style_request=False,
        config=options,
    )  # fmt: skip
