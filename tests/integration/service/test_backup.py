"""What docs/service.md says under "Back up and restore", done while uploads come in."""

import hashlib
import io
import json
import shutil
import sqlite3
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import make_url, select

from streetsight.service.audit.verifying import Noted, verify
from streetsight.service.auth.actor import Role
from streetsight.service.files.opening import open_blobs
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs import queue
from streetsight.service.jobs.queue import Backoff
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.store.sealing import KEY_FILE, open_sealer
from streetsight.service.uploads.protocol import CONTENT_TYPE
from streetsight.service.webhooks.tables import Webhook
from streetsight.service.worker import Worker

SignIn = Callable[..., TestClient]
TUS = {"Tus-Resumable": "1.0.0"}
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


def copy_folder(source: Path, target: Path) -> None:
    """As `rsync -a`: what vanishes under way is passed over."""

    def copy(one: str, other: str) -> None:
        with suppress(FileNotFoundError):
            shutil.copy2(one, other)

    shutil.copytree(source, target, copy_function=copy, dirs_exist_ok=True)


def copy_database(settings: Settings, backup: Path, postgres: Any) -> None:
    if settings.database.startswith("sqlite"):
        with closing(sqlite3.connect(str(make_url(settings.database).database))) as connection:
            connection.execute("VACUUM INTO ?", [str(backup / "streetsight.sqlite")])
        return
    dump = backup / "streetsight.dump"
    subprocess.run(
        [postgres.binaries / "pg_dump", "--format=custom", f"--file={dump}", settings.database], check=True
    )


def put_back(settings: Settings, backup: Path, folder: Path, postgres: Any) -> Settings:
    """Into another folder and, with PostgreSQL, into a database that holds tables already."""
    for part in ("files", "uploads"):
        copy_folder(backup / part, folder / part)
    shutil.copy2(backup / KEY_FILE, folder / KEY_FILE)
    restored = settings.model_copy(update={"data_folder": folder, "database_url": None})
    if postgres is None:
        shutil.copy2(backup / "streetsight.sqlite", folder)
        return restored
    name = f"restored_{make_url(settings.database).database}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
    url, dump = postgres.url(name), backup / "streetsight.dump"
    restore = [postgres.binaries / "pg_restore", "--clean", "--if-exists", f"--dbname={url}", dump]
    subprocess.run(restore, check=True)
    return restored.model_copy(update={"database_url": SecretStr(url)})


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


def test_a_copy_made_while_uploads_come_in_is_whole(
    client: TestClient, start: Callable[..., TestClient], settings: Settings, person: SignIn,
    photos: list[bytes], work: Callable[[], Worker], work_on: Callable[..., None], tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    admin, postgres = person(Role.ADMIN), None
    if settings.database.startswith("postgresql"):
        postgres = request.getfixturevalue("postgres")
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
    leads, backup, restored = leads_of(admin), tmp_path / "backup", tmp_path / "restored"
    with open_database(settings) as database, database.read() as session:
        head = verify(session)
    with uploads_going_on(client, photos[0]) as receipts:
        wait_for_more(receipts)
        before = list(receipts)
        copy_folder(settings.data_folder / "uploads", backup / "uploads")
        copy_database(settings, backup, postgres)
        wait_for_more(receipts)
        for part in ("files", "uploads"):
            copy_folder(settings.data_folder / part, backup / part)
        shutil.copy2(settings.data_folder / KEY_FILE, backup)
    chosen = put_back(settings, backup, restored, postgres)

    again = start(**chosen.model_dump(include={"data_folder", "database_url"}))
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
