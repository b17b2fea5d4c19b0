"""`streetsight backup`: made while uploads come in, put back, verified; and what it refuses."""

import hashlib
import io
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import make_url, select
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.service.audit.verifying import Noted, verify
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.backups.creating import create
from streetsight.service.backups.locking import locked
from streetsight.service.backups.points import BackupError
from streetsight.service.backups.pruning import prune
from streetsight.service.files.blobs import Blobs
from streetsight.service.files.opening import open_blobs
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs import queue
from streetsight.service.jobs.queue import Backoff
from streetsight.service.retention.deletions import Doomed, mark
from streetsight.service.retention.holds import place_hold
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.store.sealing import open_sealer
from streetsight.service.store.types import now
from streetsight.service.uploads.protocol import CONTENT_TYPE
from streetsight.service.webhooks.tables import Webhook
from streetsight.service.worker import Worker

SignIn = Callable[..., TestClient]
TUS = {"Tus-Resumable": "1.0.0"}
IN_BUCKET = {"files_url", "s3_endpoint_url", "s3_access_key_id", "s3_secret_access_key", "s3_timeout_seconds"}
PIECE = TUS | {"Content-Type": CONTENT_TYPE}


def send(client: TestClient, photo: bytes, **metadata: Any) -> str:
    answer = client.post("/v1/frames", files={"photo": photo}, data={"metadata": json.dumps(metadata)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@contextmanager
def uploads_going_on(client: TestClient, photo: bytes) -> Iterator[list[str]]:
    """Photos that never end, each with other bytes; gives the ids of those acknowledged so far."""
    stop, receipts, failures = threading.Event(), list[str](), list[BaseException]()

    def upload(number: int) -> None:
        try:
            while not stop.is_set():
                receipts.append(send(client, photo + f"{number} {len(receipts)}".encode()))
        except BaseException as error:  # noqa: BLE001  told below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield receipts
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures


def wait_for_more(receipts: list[str], count: int = 5) -> None:
    enough, waiting = len(receipts) + count, threading.Event()
    while len(receipts) < enough:
        waiting.wait(0.01)


class Verbs:
    """`streetsight backup` on a server's settings, as an operator types it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def run(self, settings: Settings, *words: object, status: int = 0) -> str:
        """What it says; on both streams."""
        with self._monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("STREETSIGHT_")]:
                patch.delenv(name)
            for name in settings.model_fields_set:
                value = getattr(settings, name)
                if value is not None:
                    told = value.get_secret_value() if isinstance(value, SecretStr) else value
                    patch.setenv(f"STREETSIGHT_{name.upper()}", str(told))
            done = CliRunner().invoke(app, ["backup", *map(str, words)])
        assert done.exit_code == status, done.output
        return done.output


@pytest.fixture
def verbs(monkeypatch: pytest.MonkeyPatch) -> Verbs:
    return Verbs(monkeypatch)


@pytest.fixture(params=["folder", "bucket"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """SQLite and a folder; PostgreSQL and a bucket."""
    if request.param == "folder":
        return settings
    bucket = request.getfixturevalue("s3_settings").model_dump(include=IN_BUCKET)
    return settings.model_copy(update=bucket)


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings of the same kind, of a server that is empty yet."""
    update: dict[str, Any] = {"data_folder": tmp_path / "restored", "database_url": None}
    if settings.files_url is not None:
        update["files_url"] = f"{settings.files_url}/restored"
    if settings.database.startswith("postgresql"):
        postgres = request.getfixturevalue("postgres")
        name = f"restored_{make_url(settings.database).database}"
        postgres.execute(f"CREATE DATABASE {name}")
        update["database_url"] = SecretStr(postgres.url(name))
    return settings.model_copy(update=update)


BOTH = pytest.mark.parametrize(
    ("database_url", "settings"), [("sqlite", "folder"), ("postgresql", "bucket")], indirect=True
)


def held_by_a_worker(settings: Settings, count: int) -> None:
    """Jobs that are under way."""
    with open_database(settings) as database, database.write() as session:
        assert len(queue.claim(session, "detect", count, Backoff(attempts=3))) == count


def leads_of(client: TestClient, **headers: str) -> list[Any]:
    items = client.get("/v1/candidates", headers=headers).json()["items"]
    return [(each["id"], each["state"], each["version"]) for each in items]


def begin_archive(client: TestClient, *photos: bytes) -> tuple[str, bytes]:
    """An upload in pieces of which nothing came yet: where it goes, and what it is."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for number, photo in enumerate(photos):
            archive.writestr(f"{number}.jpg", photo)
    begun = client.post("/v1/uploads", headers=TUS | {"Upload-Length": str(len(into.getvalue()))})
    assert begun.status_code == 201, begun.text
    return str(begun.headers["Location"]), into.getvalue()


def send_piece(client: TestClient, place: str, offset: int, piece: bytes) -> None:
    answer = client.patch(place, content=piece, headers=PIECE | {"Upload-Offset": str(offset)})
    assert answer.status_code == 204, answer.text


@BOTH
def test_a_backup_made_while_uploads_come_in_is_whole(
    client: TestClient, start: Callable[..., TestClient], settings: Settings, elsewhere: Settings,
    person: SignIn, photos: list[bytes], work: Callable[[], Worker], work_on: Callable[..., None],
    verbs: Verbs, tmp_path: Path,
) -> None:  # fmt: skip
    admin = person(Role.ADMIN)
    patrol = client.post("/v1/patrols", json={"key": "morning"}).json()["id"]
    for number, photo in enumerate(photos):
        send(client, photo, patrol_id=patrol, name=f"{number}.jpg")
    client.post(f"/v1/patrols/{patrol}/close")
    work()
    leads = leads_of(admin)
    confirmed = admin.post(
        f"/v1/candidates/{leads[0][0]}/decisions", json={"kind": "confirm"},
        headers={"If-Match": f'"{leads[0][2]}"'},
    ).json()  # fmt: skip
    secret = admin.post("/v1/webhooks", json={"name": "desk", "url": "https://desk.example/hook"}).json()
    whole, half = begin_archive(client, photos[0], bytes(9)), begin_archive(client, *photos[1:3])
    send_piece(client, whole[0], 0, whole[1])
    send_piece(client, half[0], 0, half[1][:1000])
    for number in range(2):
        send(client, photos[0] + bytes([number]))
    held_by_a_worker(settings, 2)
    token = admin.post("/v1/people/self/tokens", json={"name": "export"}).json()["token"]
    leads, backup = leads_of(admin), tmp_path / "backup"
    with open_database(settings) as database, database.read() as session:
        head = verify(session)
    with uploads_going_on(client, photos[0]) as receipts:
        wait_for_more(receipts)
        before = list(receipts)
        verbs.run(settings, "create", backup)
        wait_for_more(receipts)
    assert "all is as it was written" in verbs.run(settings, "verify", backup)
    verbs.run(elsewhere, "restore", backup)
    chosen = elsewhere

    again = start(**{name: getattr(chosen, name) for name in ("data_folder", "database_url", "files_url")})
    again.headers["Authorization"] = client.headers["Authorization"]  # who had a token has it still
    with open_database(chosen) as database, database.read() as session:
        frames = {frame.id: frame.sha256 for frame in session.scalars(select(Frame))}
        verdict = verify(session, Noted(head.count, head.head))
        webhook = session.scalars(select(Webhook)).one()
    assert set(before) <= set(frames)
    assert set(receipts) - set(frames), "uploads went on after the copy of the database"
    blobs = open_blobs(chosen)
    assert all(hashlib.sha256(blobs.get(sha256)).hexdigest() == sha256 for sha256 in frames.values())
    assert verdict.broken is None
    assert open_sealer(chosen).open(webhook.secret_sealed) == secret["secret"]
    person_again = {"Authorization": f"Bearer {token}"}
    assert leads_of(again, **person_again) == leads
    issue = again.get(f"/v1/issues/{confirmed['issue_number']}", headers=person_again)
    assert issue.json()["id"] == confirmed["issue_id"]

    offset = int(again.head(half[0], headers=TUS).headers["Upload-Offset"])
    send_piece(again, half[0], offset, half[1][offset:])
    work_on(chosen)
    assert [again.get(place).json()["state"] for place, _ in (whole, half)] == ["done", "done"]
    assert {again.get(f"/v1/frames/{each}").json()["state"] for each in frames} == {"detected"}


FOLDER = pytest.mark.parametrize(("database_url", "settings"), [("sqlite", "folder")], indirect=True)


def photo_files(backup: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (backup / "files").rglob("*") if path.is_file()}


@FOLDER
def test_a_further_backup_copies_what_is_new_and_old_ones_can_be_given_up(
    client: TestClient, settings: Settings, photos: list[bytes], verbs: Verbs, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    for photo in photos[:2]:
        send(client, photo)
    verbs.run(settings, "create", backup)
    first = photo_files(backup)
    send(client, photos[2])
    verbs.run(settings, "create", backup)
    second = photo_files(backup)
    assert (len(first), len(second)) == (2, 3)
    assert first.items() <= second.items(), "a photo was copied again"
    names = [line.split("\t")[0] for line in verbs.run(settings, "list", backup).splitlines()]
    assert len(names) == 2
    with open_database(settings) as database, database.write() as session:
        gone = session.scalars(select(Frame).where(Frame.sha256.in_(first))).first()
        assert gone is not None
        gone.photo_expired_at = now()
    open_blobs(settings).delete(gone.sha256)
    verbs.run(settings, "create", backup)
    assert "2 back-ups and 1 photos" in verbs.run(settings, "prune", backup, "--keep", 1)
    assert set(photo_files(backup)) == set(second) - {gone.sha256}
    verbs.run(settings, "verify", backup)


@BOTH
def test_what_is_there_is_replaced_only_when_told(
    client: TestClient, settings: Settings, photos: list[bytes], verbs: Verbs, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    kept = send(client, photos[0])
    verbs.run(settings, "create", backup)
    later = send(client, photos[1])
    assert "the database is in use; stop all servers" in verbs.run(settings, "restore", backup, status=3)
    client.__exit__(None, None, None)
    assert "holds data already" in verbs.run(settings, "restore", backup, status=3)
    verbs.run(settings, "restore", backup, "--overwrite")
    with open_database(settings) as database, database.read() as session:
        assert list(session.scalars(select(Frame.id))) == [kept]
    assert later != kept
    client.__enter__()


@FOLDER
def test_damage_is_found_and_costs_no_neighbour(
    client: TestClient, settings: Settings, elsewhere: Settings, photos: list[bytes], verbs: Verbs,
    tmp_path: Path,
) -> None:  # fmt: skip
    backup = tmp_path / "backup"
    for photo in photos[:3]:
        send(client, photo)
    open_blobs(settings).delete(hashlib.sha256(photos[2]).hexdigest())
    said = verbs.run(settings, "create", backup, status=1)
    assert f"{hashlib.sha256(photos[2]).hexdigest()} is missing or damaged in the storage" in said
    damaged = hashlib.sha256(photos[1]).hexdigest()
    (backup / "files" / damaged[:2] / damaged).write_bytes(b"rot")
    assert damaged in verbs.run(settings, "verify", backup, status=1)
    assert damaged in verbs.run(elsewhere, "restore", backup, status=1)
    assert open_blobs(elsewhere).get(hashlib.sha256(photos[0]).hexdigest()) == photos[0]
    database = next(backup.glob("points/*/database.sqlite"))
    database.write_bytes(database.read_bytes()[:-1])
    assert "database.sqlite" in verbs.run(settings, "verify", backup, status=1)
    fresh = elsewhere.model_copy(update={"data_folder": tmp_path / "fresh"})
    assert "the back-up is damaged" in verbs.run(fresh, "restore", backup, status=3)


@FOLDER
def test_refusals_say_what_to_do(settings: Settings, verbs: Verbs, tmp_path: Path) -> None:
    assert "No such file" in verbs.run(settings, "restore", tmp_path / "nothing", status=3)
    (tmp_path / "empty").mkdir()
    for words in (("restore",), ("prune", "--keep", 1)):
        assert "holds no back-up" in verbs.run(settings, words[0], tmp_path / "empty", *words[1:], status=3)
    with open_database(settings):
        (tmp_path / "file").write_text("")
    assert "cannot be used for back-ups" in verbs.run(settings, "create", tmp_path / "file", status=3)
    verbs.run(settings, "create", tmp_path / "backup")
    assert "has no back-up 2020" in verbs.run(
        settings, "verify", tmp_path / "backup", "--point", 2020, status=3
    )
    other = settings.model_copy(update={"database_url": SecretStr("postgresql://u@127.0.0.1:1/none")})
    assert "the back-up is of sqlite" in verbs.run(other, "restore", tmp_path / "backup", status=3)


class BlobsMeanwhile:
    """A storage that does something else before it gives a photo."""

    def __init__(self, blobs: Blobs, meanwhile: Callable[[], object]) -> None:
        self._blobs, self._meanwhile = blobs, meanwhile

    def stream(self, sha256: str) -> Iterator[bytes]:
        self._meanwhile()
        return self._blobs.stream(sha256)


@BOTH
def test_photos_that_are_hidden_and_not_deleted_yet_come_back(
    client: TestClient, settings: Settings, elsewhere: Settings, photos: list[bytes], verbs: Verbs,
    tmp_path: Path,
) -> None:  # fmt: skip
    waiting, leaving = (send(client, photo) for photo in photos[:2])
    hide(settings, waiting)
    hide(settings, leaving, start=True)
    verbs.run(settings, "create", tmp_path / "backup")
    verbs.run(elsewhere, "restore", tmp_path / "backup")
    blobs = open_blobs(elsewhere)
    assert [blobs.exists(hashlib.sha256(photo).hexdigest()) for photo in photos[:2]] == [True, False]
    with open_database(elsewhere) as database, database.write() as session:
        place_hold(session, SYSTEM, f"frame/{waiting}", "an appeal")
        assert session.get_one(Frame, waiting).photo_expired_at is None


@BOTH
def test_photos_that_retention_deletes_meanwhile_are_not_missed(
    client: TestClient, settings: Settings, photos: list[bytes], verbs: Verbs, tmp_path: Path
) -> None:
    old = send(client, photos[0])
    blobs = open_blobs(settings)

    def delete() -> None:
        hide(settings, old, start=True)
        blobs.delete(hashlib.sha256(photos[0]).hexdigest())

    with open_database(settings) as database:
        made = create(settings, database, cast(Blobs, BlobsMeanwhile(blobs, delete)), tmp_path / "backup")
    assert (made.manifest.missing, made.manifest.photos, made.manifest.photo_bytes) == ([], 0, 0)
    verbs.run(settings, "verify", tmp_path / "backup")


def hide(settings: Settings, frame_id: str, *, start: bool = False) -> None:
    """As retention does; `start`: its deletion has begun."""
    with open_database(settings) as database, database.write() as session:
        frame = session.get_one(Frame, frame_id)
        frame.photo_expired_at, frame.photo_expired_reason = now(), "context"
        mark(session, [Doomed(frame.sha256, frame.size_bytes)], "context", start=start)


@FOLDER
def test_nothing_is_pruned_while_a_backup_is_made(
    client: TestClient, settings: Settings, photos: list[bytes], verbs: Verbs, tmp_path: Path
) -> None:
    backup, refused = tmp_path / "backup", list[str]()
    send(client, photos[0])
    verbs.run(settings, "create", backup)
    for photo in photos[1:3]:
        send(client, photo)

    def try_to_prune() -> None:
        with pytest.raises(BackupError) as raised:
            prune(backup, 1)
        refused.append(str(raised.value))

    blobs = BlobsMeanwhile(open_blobs(settings), try_to_prune)
    with open_database(settings) as database:
        made = create(settings, database, cast(Blobs, blobs), backup)
    assert not made.manifest.missing
    assert len(refused) == 2
    assert "is at work" in refused[0]
    verbs.run(settings, "verify", backup)
    with locked(backup):  # as verify and restore have it
        assert "is at work" in verbs.run(settings, "prune", backup, "--keep", 1, status=3)
        verbs.run(settings, "create", backup)


@FOLDER
def test_prune_clears_what_killed_backups_left(
    client: TestClient, settings: Settings, photos: list[bytes], verbs: Verbs, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    send(client, photos[0])
    verbs.run(settings, "create", backup)
    whole = photo_files(backup)
    killed = backup / "points" / "20200101T000000Z"
    killed.mkdir()
    (killed / "database.sqlite").write_bytes(b"half")
    nobodys = backup / "files" / "aa" / ("aa" * 32)
    nobodys.parent.mkdir(exist_ok=True)
    nobodys.write_bytes(b"of the killed one")
    nobodys.with_name(".draft").write_bytes(b"half")
    said = verbs.run(settings, "prune", backup, "--keep", 5)
    assert "0 back-ups and 1 photos were given up" in said
    assert "1 back-ups that were never finished and 1 half copies of photos were cleared" in said
    assert not killed.exists()
    assert photo_files(backup) == whole
    assert "never finished" not in verbs.run(settings, "prune", backup, "--keep", 5)


@FOLDER
def test_the_data_folder_is_no_place_for_backups(
    client: TestClient, settings: Settings, photos: list[bytes], verbs: Verbs
) -> None:
    send(client, photos[0])
    assert "is the data folder" in verbs.run(settings, "create", settings.data_folder, status=3)
    assert "is the data folder" in verbs.run(settings, "prune", settings.data_folder, "--keep", 1, status=3)
    assert open_blobs(settings).exists(hashlib.sha256(photos[0]).hexdigest())


@BOTH
def test_a_backup_is_for_its_owner_alone_whatever_the_folder_was(
    client: TestClient, settings: Settings, photos: list[bytes], verbs: Verbs, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    for name in ("points", "files"):  # as a version that left them open made them
        (backup / name).mkdir(parents=True)
        (backup / name).chmod(0o755)
    backup.chmod(0o755)
    send(client, photos[0])
    send_piece(client, begin_archive(client, photos[1])[0], 0, b"half")
    before = os.umask(0o022)
    try:
        verbs.run(settings, "create", backup)
    finally:
        assert os.umask(before) == 0o022
    found = {path: path.stat().st_mode & 0o777 for path in backup.rglob("*")}
    assert len(found) > 8
    assert {path: mode for path, mode in found.items() if mode != (0o700 if path.is_dir() else 0o600)} == {
        backup / "points": 0o750, backup / "files": 0o750,  # what the group was given stays
    }  # fmt: skip


@BOTH
def test_restore_replaces_damaged_photos_of_the_storage(
    client: TestClient, settings: Settings, photos: list[bytes], verbs: Verbs, tmp_path: Path
) -> None:
    backup, blobs = tmp_path / "backup", open_blobs(settings)
    digests = [hashlib.sha256(photo).hexdigest() for photo in photos[:3]]
    for photo in photos[:3]:
        send(client, photo)
    verbs.run(settings, "create", backup)
    blobs.delete(digests[0])
    blobs.delete(digests[1])
    blobs.put(bytes(len(photos[1])), digests[1])
    client.__exit__(None, None, None)
    verbs.run(settings, "restore", backup, "--overwrite")
    assert [blobs.get(sha256) for sha256 in digests] == photos[:3]
    client.__enter__()


@FOLDER
def test_a_damaged_photo_of_a_backup_is_fetched_again(
    client: TestClient, settings: Settings, photos: list[bytes], verbs: Verbs, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    digests = [hashlib.sha256(photo).hexdigest() for photo in photos[:3]]
    kept = [backup / "files" / sha256[:2] / sha256 for sha256 in digests]
    for photo in photos[:3]:
        send(client, photo)
    verbs.run(settings, "create", backup)
    kept[0].write_bytes(b"cut")
    verbs.run(settings, "create", backup)
    assert kept[0].read_bytes() == photos[0], "create sees another size"

    kept[1].write_bytes(bytes(len(photos[1])))
    kept[2].unlink()
    said = verbs.run(settings, "verify", backup, status=1)
    assert digests[1] in said
    assert digests[2] in said
    assert f"backup verify {backup} --repair" in said.replace("\n", "")
    assert "2 photos were fetched" in verbs.run(settings, "verify", backup, "--repair")
    assert "all is as it was written" in verbs.run(settings, "verify", backup)

    kept[1].unlink()
    open_blobs(settings).delete(digests[1])
    said = verbs.run(settings, "verify", backup, "--repair", status=1)
    assert f"{digests[1]} is missing or damaged in the storage" in said


@FOLDER
def test_verify_names_what_the_storage_had_not(
    client: TestClient, settings: Settings, photos: list[bytes], verbs: Verbs, tmp_path: Path
) -> None:
    backup, lost = tmp_path / "backup", hashlib.sha256(photos[0]).hexdigest()
    send(client, photos[0])
    open_blobs(settings).delete(lost)
    verbs.run(settings, "create", backup, status=1)
    said = verbs.run(settings, "verify", backup, status=1)
    assert f"{lost}: it was missing or damaged in the storage already" in said
    open_blobs(settings).put(photos[0])  # somebody found it
    verbs.run(settings, "verify", backup, "--repair")
    assert "all is as it was written" in verbs.run(settings, "verify", backup)


@BOTH
def test_where_no_database_is_none_is_made_and_backed_up(
    elsewhere: Settings, verbs: Verbs, tmp_path: Path
) -> None:
    said = verbs.run(elsewhere, "create", tmp_path / "backup", status=3)
    assert "there is no database at" in said
    assert "STREETSIGHT_DATABASE_URL" in said
    assert not elsewhere.data_folder.exists()
    assert not (tmp_path / "backup").exists()
