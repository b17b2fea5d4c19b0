"""All settings of the server: one typed object, read once from the environment and from secret files.

`STREETSIGHT_<NAME>` in the environment, or a file `streetsight_<name>` in `/run/secrets`. Secrets have no
default. A name that nobody reads is an error: it is a typing error, and would be ignored for years.
"""

import difflib
import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    ByteSize,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from streetsight.models.language import SpokenError, resolve_language
from streetsight.service.auth.actor import PERSON_ROLES

PREFIX = "STREETSIGHT_"
SECRETS_FOLDER = Path("/run/secrets")
# Read by other parts of the product, or by its tests.
LANGUAGE = "STREETSIGHT_LANG"
OTHERS = {"STREETSIGHT_RELEASES", LANGUAGE, "STREETSIGHT_DATA"}

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it when it is imported

MIB, GIB = 1 << 20, 1 << 30
Network = IPv4Network | IPv6Network


class SettingsError(SpokenError):
    """A setting cannot be used; the message names it."""


class Settings(BaseSettings):
    """What an operator can choose. Sizes take units (`32MiB`), durations say theirs in the name."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    # where things are
    data_folder: Path = Field(
        default=Path("streetsight-data"), description="Folder of the SQLite database and of the photos."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="`postgresql://user:password@host/name`; without it SQLite in the data folder.",
    )
    files_url: str | None = Field(
        default=None, description="`s3://bucket/prefix` for photos; without it the data folder."
    )
    s3_endpoint_url: str | None = Field(
        default=None, description="Of S3-compatible storage that is not Amazon's, `https://host:port`."
    )
    s3_region: str = Field(default="us-east-1", description="Region of the bucket.")
    s3_access_key_id: str | None = Field(
        default=None, description="Without it the credentials of the machine are used."
    )
    s3_secret_access_key: SecretStr | None = Field(default=None, description="Belongs to the key's id.")
    s3_timeout_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        default=20, description="How long one request to the storage may take, tries again included."
    )
    sqlite_busy_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        default=30, description="How long to wait for another process's write, or for a free connection."
    )
    partition_days: Annotated[int, Field(ge=1, le=366)] = Field(
        default=30,
        description="PostgreSQL: frames and what hangs on them are stored in parts of so many days; "
        "see docs/scale.md.",
    )

    # the web server
    host: str = Field(default="127.0.0.1", description="Address to listen on; `0.0.0.0` for every network.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(default=8000, description="Port to listen on.")
    forwarded_from: str = Field(
        default="127.0.0.1", description="Proxies whose X-Forwarded-* headers are believed, by comma."
    )
    public_url: str | None = Field(
        default=None,
        description="Address that people reach the server by, `https://host`, when it stands behind a proxy.",
    )
    stop_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=20, description="How long requests and jobs under way may take to end at SIGTERM."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level logged."
    )

    # people
    session_idle_minutes: Annotated[float, Field(gt=0, le=43200)] = Field(
        default=120, description="A session that was not used for so long is over."
    )
    session_hours: Annotated[float, Field(gt=0, le=8760)] = Field(
        default=12, description="A session ends after so long, however busy it is."
    )
    sign_in_tries: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5, description="So many sign-ins of a login may fail in a row; then it has to wait (429)."
    )
    sign_in_address_tries: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=50, description="The same, of all logins from one address."
    )
    sign_in_lock_seconds: Annotated[float, Field(gt=0, le=86400)] = Field(
        default=30, description="Wait after the last free try; doubled by each further one that fails."
    )
    sign_in_lock_max_seconds: Annotated[float, Field(gt=0, le=86400)] = Field(
        default=900, description="Longest such wait."
    )
    oidc_issuer: str | None = Field(
        default=None, description="`https://host/realm` of an OpenID provider that people may sign in with."
    )
    oidc_client_id: str | None = Field(default=None, description="What the provider calls this server.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Belongs to the client id; not needed by a public client."
    )
    oidc_scopes: str = Field(default="openid profile email", description="What the provider is asked for.")
    oidc_role_claim: str = Field(
        default="roles", description="Claim with the provider's roles, with dots into objects."
    )
    oidc_role_map: dict[str, str] = Field(
        default={},
        description='Our role by the provider\'s, as `{"cg-admin": "admin"}`; the first that fits counts.',
    )
    oidc_areas_claim: str | None = Field(
        default=None, description="Claim with a list of area paths; without it people see everywhere."
    )
    oidc_allowed_domains: str = Field(
        default="", description="Only verified e-mail addresses of these domains are let in, by comma."
    )

    # the city
    time_zone: str = Field(
        default="Asia/Shanghai",
        description="Of the city: the days of issues, and the times in exported files.",
    )
    max_export_rows: Annotated[int, Field(ge=1)] = Field(
        default=200_000, description="An export of more rows is refused, so that none is cut off unseen."
    )
    max_exports_at_once: Annotated[int, Field(ge=1, le=20)] = Field(
        default=4, description="More exports at the same moment are asked to come again (503)."
    )
    max_map_points: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=500, description="With more candidates on a map they are shown as clusters."
    )

    # reviewing
    review_lease_seconds: Annotated[float, Field(ge=5, le=3600)] = Field(
        default=300, description="A lead that somebody looks at is kept from others for so long."
    )
    review_policy: Path | None = Field(
        default=None,
        description="File of the order in which leads are reviewed, in the form of the shipped "
        "`reviewing/policy.toml`.",
    )

    tile_url: str | None = Field(
        default=None, description="Of map tiles, as `https://tiles.example/{z}/{x}/{y}.png`; none without it."
    )
    tile_crs: Literal["wgs84", "gcj02", "bd09"] = Field(
        default="wgs84", description="Coordinate system of the tiles: Amap's and Tencent's are gcj02."
    )
    tile_attribution: str = Field(default="", description="What the tiles' owner wants to read on the map.")

    # what is taken in
    max_photo_bytes: ByteSize = Field(default=ByteSize(32 * MIB), gt=0, description="Largest photo.")
    max_batch_bytes: ByteSize = Field(
        default=ByteSize(256 * MIB), gt=0, description="Largest upload of a batch."
    )
    max_batch_photos: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=100, description="Most photos in a batch."
    )
    max_json_bytes: ByteSize = Field(
        default=ByteSize(MIB), gt=0, description="Largest body that is no upload."
    )
    max_map_bytes: ByteSize = Field(
        default=ByteSize(64 * MIB), gt=0, description="Largest GeoJSON of areas or zones."
    )
    max_upload_bytes: ByteSize = Field(
        default=ByteSize(32 * GIB), gt=0, description="Largest resumable upload: a video, an archive."
    )
    max_open_uploads: Annotated[int, Field(ge=1, le=10000)] = Field(
        default=50, description="Most resumable uploads that a device may have begun and not finished (429)."
    )
    upload_expiry_hours: Annotated[float, Field(gt=0, le=8760)] = Field(
        default=48, description="A resumable upload that nobody goes on with for so long is thrown away."
    )
    upload_idle_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=60, description="A client that sends nothing for so long has hung up; what came, stays."
    )
    max_archive_files: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=20_000, description="Most files in an uploaded archive."
    )
    video_every_m: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=4, description="How far apart pictures are taken from a video, where a track tells."
    )
    video_every_s: Annotated[float, Field(gt=0, le=600)] = Field(
        default=0.5, description="The same by time, where no track tells."
    )
    max_uploads_at_once: Annotated[int, Field(ge=1, le=10000)] = Field(
        default=64, description="More uploads at the same moment are asked to come again (503)."
    )
    max_queued_frames: Annotated[int, Field(ge=1)] = Field(
        default=200_000,
        description="With more frames waiting for detection, uploads are asked to come again (503).",
    )
    device_daily_frames: Annotated[int, Field(ge=1)] = Field(
        default=100_000, description="Most frames that a device may upload a day, UTC (429)."
    )
    device_daily_bytes: ByteSize = Field(
        default=ByteSize(64 * GIB), gt=0, description="Most bytes that a device may upload a day, UTC (429)."
    )
    min_free_bytes: ByteSize = Field(
        default=ByteSize(GIB),
        ge=0,
        description="Room kept free on the photos' disk; below it uploads get 507.",
    )
    patrol_idle_minutes: Annotated[float, Field(gt=0)] = Field(
        default=60, description="A patrol without a new frame for so long is closed."
    )

    # sightings and candidates
    assemble_after_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=20,
        description="How long an open patrol waits for more frames before candidates are made of it; long "
        "patrols wait in proportion, up to ten minutes.",
    )
    rules_file: Path | None = Field(
        default=None, description="What the city's rules say differently (TOML; docs/rules.md)."
    )
    authorities_file: Path | None = Field(
        default=None,
        description="Who is in charge, by unit, for the national export (CSV; docs/outside-scoring.md).",
    )
    photo_far_m: Annotated[float, Field(gt=0, le=10_000)] = Field(
        default=100,
        description="A photo of an issue that was taken farther away than this from its place is kept with a "
        "warning.",
    )

    # privacy and retention
    redaction_missing_classes: Literal["veil", "refuse", "serve"] = Field(
        default="veil",
        description="What people get while the release in force has no class to find plates or people with: "
        "`veil` shows leads alone and covers the rest, `refuse` shows nothing, `serve` covers what it can.",
    )
    max_copies_at_once: Annotated[int, Field(ge=1, le=64)] = Field(
        default=2,
        description="Redacted copies made at the same moment; eight times as many wait, more are asked to "
        "come again (503).",
    )
    original_needs_reason: bool = Field(
        default=False, description="Who looks at an original photo must say why."
    )
    context_photo_days: Annotated[float, Field(gt=0)] = Field(
        default=30, description="Photos that no candidate rests on are kept for so long."
    )
    rejected_photo_days: Annotated[float, Field(gt=0)] = Field(
        default=90,
        description="Photos of candidates that were rejected, or are gone without having been confirmed, are "
        "kept for so long after that.",
    )
    retention_grace_hours: Annotated[float, Field(ge=0)] = Field(
        default=24, description="An expired photo is hidden at once and deleted so much later."
    )
    retention_every_hours: Annotated[float, Field(gt=0)] = Field(
        default=24, description="How often a worker runs retention and the sweep."
    )
    sweep_after_hours: Annotated[float, Field(ge=1)] = Field(
        default=24, description="Bytes of photos that no row names are deleted when they are so old."
    )

    # events, webhooks, reports of citizens
    secret_keys: SecretStr | None = Field(
        default=None,
        description="Keys that webhooks' secrets and citizens' contacts are encrypted with, by comma, newest "
        "first; without it one is made in the data folder.",
    )
    event_days: Annotated[float, Field(gt=0)] = Field(
        default=90, description="Events, and what was sent of them, are kept for so long."
    )
    webhook_private_networks: str = Field(
        default="",
        description="Networks that are not public and that webhooks may go to, also without TLS, by comma: "
        "`10.1.0.0/16`.",
    )
    webhook_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        default=10, description="How long one try may take, the answer included."
    )
    webhook_retry_minutes: tuple[Annotated[float, Field(gt=0, le=1440)], ...] = Field(
        default=(1, 5, 30, 120, 360, 720),
        min_length=1,
        description="Longest waits before the second try, the third, ...; the last one repeats. JSON: "
        "`[1, 5, 30]`.",
    )
    webhook_give_up_hours: Annotated[float, Field(gt=0, le=720)] = Field(
        default=72, description="What could not be delivered for so long is given up, and shown as dead."
    )
    webhook_pause_days: Annotated[float, Field(gt=0, le=365)] = Field(
        default=5, description="A webhook that has only failed for so long is paused."
    )
    webhook_overlap_hours: Annotated[float, Field(ge=0, le=720)] = Field(
        default=24, description="The secret before signs as well for so long after a new one was made."
    )
    public_reports: bool = Field(
        default=False, description="Everybody may report at `/report` and `POST /v1/reports`."
    )
    reports_per_address: Annotated[int, Field(ge=1)] = Field(
        default=10, description="Most public reports an hour from one address (429)."
    )
    reports_per_hour: Annotated[int, Field(ge=1)] = Field(
        default=300, description="Most public reports an hour altogether (429)."
    )
    report_contact_days: Annotated[float, Field(gt=0)] = Field(
        default=180, description="How long it is kept who reported something."
    )
    report_categories: Path | None = Field(
        default=None,
        description="File of what can be reported, in the form of the shipped `reports/categories.toml`.",
    )
    open311: bool = Field(default=False, description="Open311 GeoReport v2 is served at `/open311/v2`.")
    open311_per_key: Annotated[int, Field(ge=1)] = Field(
        default=600, description="Most reports an hour through Open311 with one key (429)."
    )
    open311_jurisdiction: str = Field(
        default="", description="Its `jurisdiction_id`, as `city.example.cn`; requests may leave it out."
    )

    # detection
    workers: Annotated[int, Field(ge=0, le=256)] = Field(
        default=1, description="Worker processes that `serve` starts; each uses its share of the cores."
    )
    worker_metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None,
        description="Port of `HOST` on which a worker started by `work` answers `/metrics`; none without it.",
    )
    provider: str = Field(
        default="cpu", description="What runs the model: cpu, onnx, openvino, cuda or tensorrt."
    )
    release_poll_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        default=1, description="How often every process looks whether another release is in force."
    )
    max_batch_size: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=32, description="Most jobs that a worker claims at once."
    )
    poll_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        default=0.25, description="How often an idle worker looks for jobs."
    )
    lease_seconds: Annotated[float, Field(gt=0, le=86400)] = Field(
        default=120, description="A claimed job that is not done after so long is given to another worker."
    )
    job_attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        default=5, description="A job that failed so often is given up, and shown as failed."
    )
    backoff_first_seconds: Annotated[float, Field(gt=0)] = Field(
        default=2, description="Wait before a failed job's second try; doubled for each further one."
    )
    backoff_max_seconds: Annotated[float, Field(gt=0)] = Field(default=600, description="Longest such wait.")
    engine: Literal["local", "ray"] = Field(
        default="local",
        description="What workers look at photos with: `local`, their own cores, or `ray`, the replicas of a "
        "Ray cluster (docs/cluster.md).",
    )
    ray_address: str = Field(
        default="127.0.0.1:6379",
        description="`host:port` of the cluster's head, as this machine's node was started with.",
    )
    ray_token: SecretStr | None = Field(
        default=None,
        description="Shared by all nodes of the cluster, and by whoever asks it; nothing starts without.",
    )
    ray_replicas: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1,
        description="Replicas of the detector on the cluster; `streetsight cluster deploy` applies it.",
    )
    ray_replica_cores: Annotated[int, Field(ge=1, le=256)] = Field(
        default=1, description="Cores of each, as many photos at a time; also by `cluster deploy`."
    )
    ray_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=60, description="A replica that does not answer for so long is taken for lost."
    )
    max_detect_at_once: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=16,
        description="More calls of POST /v1/detect at the same moment are asked to come again (503).",
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("expected a name of the tz database, as Asia/Shanghai") from error
        return name

    @field_validator("s3_endpoint_url")
    @classmethod
    def _endpoint(cls, url: str | None) -> str | None:
        if url is not None and not _is_http(url):  # the storage's library would end the process
            raise ValueError("expected https://host:port, or http:// in a network of your own")
        return url

    @field_validator("webhook_private_networks")
    @classmethod
    def _networks(cls, text: str) -> str:
        _parse_networks(text)
        return text

    @property
    def private_networks(self) -> tuple[Network, ...]:
        """Networks that are not public and that webhooks may go to."""
        return _parse_networks(self.webhook_private_networks)

    @property
    def zone(self) -> ZoneInfo:
        """The city's time zone."""
        return ZoneInfo(self.time_zone)

    @field_validator("public_url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        if url is not None and not (urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname):
            raise ValueError("expected https://host or http://host")
        return url

    @field_validator("oidc_issuer")
    @classmethod
    def _safe(cls, url: str | None) -> str | None:
        if url is not None and not is_safe_url(url):
            raise ValueError("expected https://host, or http:// on this machine alone")
        return url

    @field_validator("oidc_role_map")
    @classmethod
    def _our_roles(cls, roles: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(roles.values()) - set(PERSON_ROLES)):
            raise ValueError(
                f"no such roles: {', '.join(unknown)}; expected some of {', '.join(PERSON_ROLES)}"
            )
        return roles

    @model_validator(mode="after")
    def _whole_oidc(self) -> "Settings":
        if self.oidc_issuer is not None and not (self.oidc_client_id and self.oidc_role_map):
            raise ValueError("OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_ROLE_MAP beside it")
        return self

    # Label Studio
    labelstudio_url: str | None = Field(
        default=None, description="Of the Label Studio whose own pictures are fetched, `http://host:port`."
    )
    labelstudio_token: SecretStr | None = Field(
        default=None, description="Of a person there, to fetch its pictures."
    )
    labelstudio_hosts: str = Field(
        default="", description="Further `host:port` that pictures of its tasks are fetched from, by comma."
    )

    @property
    def database(self) -> str:
        """URL of the database, whichever was chosen; holds a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_folder.resolve() / 'streetsight.sqlite'}"

    @property
    def address(self) -> str:
        """Where people reach the server, as far as its own settings tell; without a slash at the end."""
        host = "localhost" if self.host in ("0.0.0.0", "::", "127.0.0.1") else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")


def is_safe_url(url: str) -> bool:
    """Whether nobody on the way can read or change what is sent there."""
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of brackets, or of a port that is none
        return False


def read_settings(secrets: Path = SECRETS_FOLDER) -> Settings:
    """Settings of this process.

    Args:
        secrets: folder of secret files; need not exist.

    Raises:
        SettingsError: naming every setting that is unknown or out of bounds, or what cannot be read.
    """
    _refuse_unknown(os.environ)
    _refuse_language(os.environ)
    _refuse_unreadable(secrets)
    try:
        return Settings(_secrets_dir=secrets if secrets.is_dir() else None)  # type: ignore[call-arg]
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()
        )
        raise SettingsError("settings cannot be used: {problems}", problems=problems) from error


def _parse_networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _refuse_unreadable(secrets: Path) -> None:
    try:
        paths = sorted(path for path in secrets.iterdir() if path.name.startswith(PREFIX.lower()))
    except FileNotFoundError:
        return
    except OSError as error:  # also when no secret is in it: nobody can tell
        raise SettingsError(
            "the folder of secrets {path} cannot be listed by user {user} ({reason}): it must belong to this "
            "user (`chown {user}`, mode 700)",
            path=secrets, user=os.geteuid(), reason=error.strerror,
        ) from error  # fmt: skip
    for path in paths:
        try:
            path.read_text()
        except (OSError, UnicodeError) as error:
            raise SettingsError(
                "{path} cannot be read by user {user} ({reason}): it must be a text that this user may read",
                path=path, user=os.geteuid(), reason=error,
            ) from error  # fmt: skip


def _refuse_language(environment: Mapping[str, str]) -> None:
    try:
        resolve_language(environment.get(LANGUAGE))
    except SpokenError as error:
        raise SettingsError("{name}: {reason}", name=LANGUAGE, reason=error) from error


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known | OTHERS)
    if unknown:
        close = difflib.get_close_matches(unknown[0], known, 1)
        raise SettingsError(
            "{names}: no such setting; did you mean {close}? docs/service.md lists all of them",
            names=", ".join(unknown), close=close[0] if close else f"{PREFIX}DATA_FOLDER",
        )  # fmt: skip
